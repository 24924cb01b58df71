// For esbuild: a style sheet as a minified string, a .wat file as the base64 of its WebAssembly.
import { transform } from "esbuild";
import { readFile } from "node:fs/promises";
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
  },
};
