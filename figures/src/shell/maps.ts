/** Feature maps and pictures on canvases: one canvas pixel a position, enlarged by the browser. */
import { isDark, scale } from "./theme";
import { h } from "./dom";

const SHADES = 100; // of each sign

const made = new Map<boolean, Uint32Array>();
/** Blue, neutral, orange, as whole pixels, for the theme as it is now. */
export function shades(): Uint32Array {
  const dark = isDark();
  if (!made.has(dark)) {
    const color = scale(1);
    const table = Uint32Array.from({ length: 2 * SHADES + 1 }, (_, i) => {
      const [red, green, blue] = color(i / SHADES - 1).map(Math.round);
      return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    });
    made.set(dark, table);
  }
  return made.get(dark)!;
}

/** A canvas of fixed size that is painted at each stroke: it keeps its image and takes its colors from a table. */
export function sheet(canvas: HTMLCanvasElement, height: number, width: number) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  return {
    /** Full color at ±limit. */
    signed(values: ArrayLike<number>, limit: number, table: Uint32Array): void {
      for (let i = 0; i < pixels.length; i++)
        pixels[i] = table[Math.round(SHADES * (1 + Math.max(-1, Math.min(1, values[i] / (limit || 1)))))];
      context.putImageData(image, 0, 0);
    },
    /** Three planes of values in 0…1: red, green, blue. */
    color([red, green, blue]: ArrayLike<number>[]): void {
      const byte = (value: number) => Math.max(0, Math.min(255, Math.round(255 * value)));
      for (let i = 0; i < pixels.length; i++)
        pixels[i] = ((255 << 24) | (byte(blue[i]) << 16) | (byte(green[i]) << 8) | byte(red[i])) >>> 0;
      context.putImageData(image, 0, 0);
    },
    /** Bytes, 0 to 255: light on black in both themes. */
    gray(bytes: ArrayLike<number>): void {
      for (let i = 0; i < pixels.length; i++) pixels[i] = ((255 << 24) | (bytes[i] * 0x010101)) >>> 0;
      context.putImageData(image, 0, 0);
    },
  };
}
export type Sheet = ReturnType<typeof sheet>;

export function map(): HTMLCanvasElement {
  return h("canvas", { class: "nin-map", "aria-hidden": "true" });
}

const sheets = new WeakMap<HTMLCanvasElement, { paints: Sheet; height: number; width: number }>();
function sized(canvas: HTMLCanvasElement, height: number, width: number): Sheet {
  let known = sheets.get(canvas);
  if (known?.height !== height || known.width !== width) {
    known = { paints: sheet(canvas, height, width), height, width };
    sheets.set(canvas, known);
  }
  return known.paints;
}

/** Paint H×W values: blue, neutral, orange; full color at ±limit (the largest there, if 0). */
export function paintSigned(
  canvas: HTMLCanvasElement,
  values: ArrayLike<number>,
  height: number,
  width: number,
  limit = 0,
): void {
  if (!limit) for (let i = 0; i < height * width; i++) limit = Math.max(limit, Math.abs(values[i]));
  sized(canvas, height, width).signed(values, limit, shades());
}

/** Paint three planes of H×W values in 0…1 as red, green and blue. */
export function paintColor(canvas: HTMLCanvasElement, planes: ArrayLike<number>[], height: number, width: number): void {
  sized(canvas, height, width).color(planes);
}
