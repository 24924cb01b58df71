// node run_engine.mjs FOLDER: a training on the processor, in WebAssembly and in JavaScript.
// In FOLDER lie request.json = {shape, batch, steps, peak, lengths} and what the engine is given:
// pixels and labels (bytes), order (uint32), parameters and pictures (float32). Into FOLDER go the
// learning rates of trainings of so many steps, into FOLDER/WebAssembly and FOLDER/JavaScript all that
// the engine finds, as float32.
import { build } from "esbuild";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { inline } from "../inline.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const bundle = join(tmpdir(), `engine-${process.pid}.mjs`);
await build({
  stdin: {
    contents: `
      export { plan } from "./plan";
      export { initialize, rates, RULE } from "./recipe";
      export { Processor } from "./processor/processor";
      export { inWasm } from "./processor/kernels";
      export { inJavaScript } from "./processor/plain_kernels";`,
    resolveDir: join(here, "..", "src", "training"),
    loader: "ts",
  },
  bundle: true,
  format: "esm",
  outfile: bundle,
  plugins: [inline],
});
const { plan, initialize, rates, RULE, Processor, inWasm, inJavaScript } = await import(pathToFileURL(bundle).href);
rmSync(bundle);

const folder = process.argv[2];
const { shape, batch, steps, peak, lengths } = JSON.parse(readFileSync(join(folder, "request.json"), "utf8"));
const bytes = (name) => new Uint8Array(readFileSync(join(folder, name)));
const floats = (name) => new Float32Array(bytes(name).buffer);
const order = new Uint32Array(bytes("order").buffer);
const images = { pixels: bytes("pixels"), labels: bytes("labels") };
const layout = plan(batch, shape);
const start = { ...initialize(layout, "he", 0), parameters: floats("parameters") };

for (const length of lengths) writeFileSync(join(folder, `rates ${length}`), rates(length, peak));
for (const make of [inWasm, inJavaScript]) {
  const engine = new Processor(layout, images, RULE, make);
  mkdirSync(join(folder, engine.name));
  const write = (found) => {
    for (const [name, numbers] of Object.entries(found)) writeFileSync(join(folder, engine.name, name), Float32Array.from(numbers));
  };
  await engine.set(start);
  write({ gradient: await engine.gradient(order.subarray(0, batch)) });
  const [first, ...more] = rates(steps, peak);
  const results = await engine.steps(order.subarray(0, batch), Float32Array.of(first));
  const state = await engine.get();
  write({ "first running": state.running });

  const other = new Processor(layout, images, RULE, make); // goes on where the first engine stops
  await other.set(state);
  results.push(...(await other.steps(order.subarray(batch), Float32Array.from(more))));
  write({ losses: results.map(({ loss }) => loss), right: results.map(({ right }) => right) });
  write({ ...(await other.get()), ...other.evaluate(floats("pictures")) });

  await engine.set({ ...start, parameters: new Float32Array(layout.size).fill(NaN) });
  write({ diverged: [(await engine.steps(order.subarray(0, batch), Float32Array.of(1)))[0].loss] });
  await engine.set(start);
  write({ "gradient after a divergence": await engine.gradient(order.subarray(0, batch)) });
}
