// For esbuild: a style sheet as a minified string, a .wat file as the base64 of its WebAssembly, a
// .wgsl file as a string without comments and needless space, and "worker:./file", from the folder
// of whoever imports it, as the script of a worker.
import { build, transform } from "esbuild";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import wabt from "wabt";

export const inline = {
  name: "inline",
  setup(context) {
    context.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
    context.onLoad({ filter: /\.wat$/ }, async ({ path }) => {
      const module = (await wabt()).parseWat(path, await readFile(path, "utf8"), { simd: true });
      const { buffer } = module.toBinary({});
      return { contents: Buffer.from(buffer).toString("base64"), loader: "text" };
    });
    context.onLoad({ filter: /\.wgsl$/ }, async ({ path }) => {
      const text = (await readFile(path, "utf8")).replace(/\/\/.*/g, "").replace(/\s+/g, " ");
      return { contents: text.replace(/ ?([{}(),;:]) ?/g, "$1").trim(), loader: "text" };
    });
    context.onResolve({ filter: /^worker:/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, `${path.slice("worker:".length)}.ts`),
      namespace: "worker",
    }));
    context.onLoad({ filter: /./, namespace: "worker" }, async ({ path }) => {
      const { absWorkingDir, minify, charset, target, legalComments, plugins } = context.initialOptions;
      const { outputFiles } = await build({
        ...{ absWorkingDir, minify, charset, target, legalComments, plugins },
        bundle: true,
        write: false,
        format: "iife",
        entryPoints: [path],
      });
      return { contents: outputFiles[0].text, loader: "text" };
    });
  },
};
