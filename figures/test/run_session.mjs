// node run_session.mjs GARMENTS CHOICES…: trainings of "Train it here" by its own session, one for each
// JSON text, in WebAssembly. GARMENTS is the file that a page loads. One line of JSON for each
// training: its choices, its losses, its tests, and the engine.
import { build } from "esbuild";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { inline } from "../inline.mjs";

const source = join(dirname(fileURLToPath(import.meta.url)), "..", "src", "training");
const bundle = join(tmpdir(), `session-${process.pid}.mjs`);
await build({ entryPoints: [join(source, "session.ts")], bundle: true, format: "esm", outfile: bundle, plugins: [inline] });
const { session } = await import(pathToFileURL(bundle).href);
rmSync(bundle);

const [file, ...all] = process.argv.slice(2);
const usual = { rate: 0.4, epochs: 6, lastRelu: false, norm: true, initialization: "he", network: "pocket", seed: 0 };
const found = { losses: [], tests: [] };
const ask = session((answer) => {
  if (answer.kind === "engine") found.engine = answer.name;
  if (answer.kind === "progress") found.losses.push(...answer.losses);
  if (answer.kind === "tested") found.tests.push(answer.test);
  if (answer.kind === "failed" || answer.kind === "damaged") throw new Error(answer.why);
}, 250);
const bytes = readFileSync(file);
await ask({ kind: "load", file: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) });
for (const [run, text] of all.entries()) {
  const choices = { ...usual, ...JSON.parse(text) };
  Object.assign(found, { losses: [], tests: [] });
  await ask({ kind: "start", run, choices, software: false });
  console.log(JSON.stringify({ choices, ...found }));
}
