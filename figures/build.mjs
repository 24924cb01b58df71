// One bundle a figure, src/NAME/NAME.ts → nin_lib/live/NAME.mjs, the pages' loader, and
// the script that trains, which a page loads when its reader asks for it.
// `node build.mjs --to FOLDER` writes elsewhere; a test holds the committed bundles against that.
import { build } from "esbuild";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inline } from "./inline.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const at = process.argv.indexOf("--to");
const target = at > 0 ? process.argv[at + 1] : join(here, "..", "nin_lib", "live");
const source = (...path) => join(here, "src", ...path);

// Every folder of src is a figure, except what figures share.
const SHARED = ["net", "shell", "training"];
const figures = readdirSync(source(), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !SHARED.includes(entry.name))
  .map(({ name }) => name);

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  charset: "utf8",
  target: "es2020",
  legalComments: "none",
  plugins: [inline],
  outdir: target,
};
await Promise.all([
  build({
    ...common,
    format: "esm",
    entryPoints: Object.fromEntries(figures.map((name) => [name, source(name, `${name}.ts`)])),
    outExtension: { ".js": ".mjs" },
  }),
  build({ ...common, format: "iife", entryPoints: [source("loader.ts")] }),
  build({ ...common, format: "iife", entryPoints: { training: source("training", "training.worker.ts") } }),
]);
