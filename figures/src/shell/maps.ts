/** Feature maps and pictures on canvases: one canvas pixel a position, enlarged by the browser. */
import { scale } from "./theme";
import { h } from "./dom";

const SHADES = 100; // of each sign: a table is fast enough to paint while something trains

export function map(): HTMLCanvasElement {
  return h("canvas", { class: "nin-map", "aria-hidden": "true" });
}

function sized(canvas: HTMLCanvasElement, height: number, width: number): ImageData {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  return canvas.getContext("2d")!.createImageData(width, height);
}

/** Paint H×W values: blue, neutral, orange; full colour at ±limit (the largest there, if 0). */
export function paintSigned(
  canvas: HTMLCanvasElement,
  values: ArrayLike<number>,
  height: number,
  width: number,
  limit = 0,
): void {
  if (!limit) for (let i = 0; i < height * width; i++) limit = Math.max(limit, Math.abs(values[i]));
  const colour = scale(1);
  const table = Array.from({ length: 2 * SHADES + 1 }, (_, i) => colour(i / SHADES - 1));
  const image = sized(canvas, height, width);
  for (let i = 0; i < height * width; i++) {
    const share = Math.max(-1, Math.min(1, values[i] / (limit || 1)));
    const [red, green, blue] = table[Math.round(SHADES * (1 + share))];
    image.data[4 * i] = red;
    image.data[4 * i + 1] = green;
    image.data[4 * i + 2] = blue;
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d")!.putImageData(image, 0, 0);
}

/** Paint three planes of H×W values in 0…1 as red, green and blue. */
export function paintColour(canvas: HTMLCanvasElement, planes: ArrayLike<number>[], height: number, width: number): void {
  const image = sized(canvas, height, width);
  for (let i = 0; i < height * width; i++)
    image.data.set([...planes.map((plane) => 255 * plane[i]), 255], 4 * i);
  canvas.getContext("2d")!.putImageData(image, 0, 0);
}
