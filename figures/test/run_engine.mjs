// node run_engine.mjs FOLDER: the engine that trains on the processor, in WebAssembly and in JavaScript.
// In FOLDER lie request.json = {shape, batch, rule, kernels}, with which the engine is made, and what
// it is given: pixels and labels (bytes), order (uint32), rates, parameters and pictures (float32).
// Into FOLDER/WebAssembly and FOLDER/JavaScript it writes what it finds, all float32.
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
const { plan, Processor, inWasm, inJavaScript } = await import(pathToFileURL(bundle).href);
rmSync(bundle);

const folder = process.argv[2];
const { shape, batch, rule, kernels } = JSON.parse(readFileSync(join(folder, "request.json"), "utf8"));
const bytes = (name) => new Uint8Array(readFileSync(join(folder, name)));
const floats = (name) => new Float32Array(bytes(name).buffer);
const order = new Uint32Array(bytes("order").buffer);
const images = { pixels: bytes("pixels"), labels: bytes("labels") };
const layout = plan(batch, shape);

for (const make of [inWasm, inJavaScript]) {
  const engine = new Processor(layout, images, rule, make);
  if (!kernels.includes(engine.name)) continue;
  mkdirSync(join(folder, engine.name));
  const write = (found) => {
    for (const [name, numbers] of Object.entries(found)) writeFileSync(join(folder, engine.name, name), Float32Array.from(numbers));
  };
  const running = Float32Array.from({ length: layout.stats }, (_, i) => i % 2);
  await engine.set({ parameters: floats("parameters"), momentum: new Float32Array(layout.size), running });
  write({ gradient: await engine.gradient(order.subarray(0, batch)) });
  const [first, ...more] = floats("rates");
  const results = await engine.steps(order.subarray(0, batch), Float32Array.of(first));
  write({ "first running": (await engine.get()).running });
  const other = new Processor(layout, images, rule, make); // another engine goes on
  await other.set(await engine.get());
  engine.end();
  results.push(...(await other.steps(order.subarray(batch), Float32Array.from(more))));
  write({ losses: results.map(({ loss }) => loss), right: results.map(({ right }) => right) });
  write(await other.get());
  write(other.evaluate(floats("pictures")));
  other.end();
}
