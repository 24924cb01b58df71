// node run_network.mjs WEIGHTS INPUT --size HEIGHT WIDTH [--clamp LAYER CHANNEL VALUE]: both paths'
// outputs as JSON.
// INPUT is float32; for each path, each layer's outputs, channel by channel.
import { build } from "esbuild";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { inline } from "../inline.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const bundle = join(tmpdir(), `network-${process.pid}.mjs`);
await build({
  stdin: {
    contents: 'export { Network } from "./network"; export * from "./multiply";',
    resolveDir: join(here, "..", "src", "net"),
    loader: "ts",
  },
  bundle: true,
  format: "esm",
  outfile: bundle,
  plugins: [inline],
});
const { Network, inWasm, inJavaScript } = await import(pathToFileURL(bundle).href);
rmSync(bundle);

const [weights, input, , height, width, , layer, channel, value] = process.argv.slice(2);
const bytes = readFileSync(weights);
const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const pixels = readFileSync(input);
const numbers = new Float32Array(pixels.buffer.slice(pixels.byteOffset, pixels.byteOffset + pixels.byteLength));
const clamps = value === undefined ? [] : [{ layer: +layer, channel: +channel, value: +value }];
const result = {};
for (const arithmetic of [inWasm, inJavaScript]) {
  const network = new Network(file, arithmetic, [+height, +width]);
  network.run(numbers, clamps);
  const started = performance.now();
  for (let i = 0; i < 20; i++) network.run(numbers, clamps);
  result[network.path] = {
    milliseconds: (performance.now() - started) / 20,
    layers: network.layers.map((placed, l) => Array.from({ length: placed.out }, (_, c) => [...network.map(l, c)])),
  };
}
console.log(JSON.stringify(result));
