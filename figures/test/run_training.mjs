// node run_training.mjs IMAGES SETTINGS MEASUREMENTS: a run of the experiment as JSON.
// IMAGES is the page's file of them, SETTINGS are JSON with Python's `rate`; out come the initial
// weights, the gradients of the first batch, and the measurements.
import { build } from "esbuild";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const bundle = join(tmpdir(), `training-${process.pid}.mjs`);
await build({ entryPoints: [join(here, "..", "src", "net", "experiment.ts")], bundle: true, format: "esm", outfile: bundle });
const { EVERY, Run, trainOnRequest, verdict, shapesOf } = await import(pathToFileURL(bundle).href);
rmSync(bundle);

const [file, json, count] = process.argv.slice(2);
const { rate: learningRate, ...others } = JSON.parse(json);
const settings = { learningRate, ...others };
const images = { packed: new Uint8Array(readFileSync(file)), side: 14, classes: 10 };
const plain = (layers) => layers.map((layer) => Object.fromEntries(Object.entries(layer).map(([key, values]) => [key, [...values]])));
const run = new Run(images, settings);
const start = { layers: plain(run.layers), gradients: plain(run.gradients) };
const { measurements } = trainOnRequest()({ run: 1, images, settings, count: +count });
const widths = shapesOf(14, 10).map(({ to }) => to);
const measured = measurements.map((one, i) => ({ ...one, on: [...one.on], mean: [...one.mean], lit: [...one.activeImages], verdict: verdict(measurements, i, widths) }));
console.log(JSON.stringify({ every: EVERY, start, measured }));
