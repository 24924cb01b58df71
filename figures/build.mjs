// One bundle a figure: src/NAME.ts → nin_lib/live/NAME.mjs, and the pages' loader.
// `node build.mjs --to FOLDER` writes elsewhere; a test holds the committed bundles against that.
import { build } from "esbuild";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inline } from "./inline.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const at = process.argv.indexOf("--to");
const target = at > 0 ? process.argv[at + 1] : join(here, "..", "nin_lib", "live");
const source = (name) => join(here, "src", `${name}.ts`);

// A figure is a file of src with a default export.
const FIGURES = readdirSync(join(here, "src"))
  .filter((file) => file.endsWith(".ts") && readFileSync(join(here, "src", file), "utf8").includes("export default figure("))
  .map((file) => file.slice(0, -3));

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
    entryPoints: FIGURES.map(source),
    outExtension: { ".js": ".mjs" },
  }),
  build({ ...common, format: "iife", entryPoints: [source("loader")] }),
]);
