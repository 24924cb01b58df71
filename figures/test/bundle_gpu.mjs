// node bundle_gpu.mjs FOLDER: a page there, index.html, that offers the GPU's engine to its tester.
import { build } from "esbuild";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inline } from "../inline.mjs";

const [folder] = process.argv.slice(2);
await build({
  entryPoints: [join(dirname(fileURLToPath(import.meta.url)), "gpu_page.ts")],
  bundle: true,
  minify: true,
  charset: "utf8",
  target: "es2020",
  outfile: join(folder, "page.js"),
  plugins: [inline],
});
writeFileSync(join(folder, "index.html"), '<!doctype html><meta charset="utf-8"><script src="page.js"></script>');
