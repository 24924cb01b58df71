// node run_training.mjs PICTURES SETTINGS MEASUREMENTS: a run of the experiment as JSON.
// PICTURES is the page's file of them, SETTINGS JSON; first the weights at the start and the
// gradients of the first batch, then what was measured.
import { build } from "esbuild";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const bundle = join(tmpdir(), `training-${process.pid}.mjs`);
await build({ entryPoints: [join(here, "..", "src", "net", "experiment.ts")], bundle: true, format: "esm", outfile: bundle });
const { EVERY, Run, trainer, verdict, shapesOf } = await import(pathToFileURL(bundle).href);
rmSync(bundle);

const [file, settings, count] = process.argv.slice(2);
const pictures = { packed: new Uint8Array(readFileSync(file)), side: 14, classes: 10 };
const plain = (layers) => layers.map((layer) => Object.fromEntries(Object.entries(layer).map(([key, values]) => [key, [...values]])));
const run = new Run(pictures, JSON.parse(settings));
const start = { layers: plain(run.layers), gradients: plain(run.gradients) };
const { found } = trainer()({ run: 1, pictures, settings: JSON.parse(settings), count: +count });
const widths = shapesOf(14, 10).map(({ to }) => to);
const measured = found.map((one, i) => ({ ...one, on: [...one.on], mean: [...one.mean], lit: [...one.lit], verdict: verdict(found, i, widths) }));
console.log(JSON.stringify({ every: EVERY, start, measured }));
