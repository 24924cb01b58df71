/** Feature maps and images on canvases: one canvas pixel a position, enlarged by the browser. */
import { colors, colorScale, isDark } from "./theme";
import { h } from "./dom";

const SHADES = 100; // of each sign

/** A scale's colors from −1 to 1 as whole pixels. */
const tableOf = (color: ReturnType<typeof colorScale>) =>
  Uint32Array.from({ length: 2 * SHADES + 1 }, (_, i) => {
    const [red, green, blue] = color(i / SHADES - 1).map(Math.round);
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });

const tables = new Map<boolean, Uint32Array>();
/** The colors from blue over neutral to orange as whole pixels, in the present theme. */
export function colorTable(): Uint32Array {
  const dark = isDark();
  if (!tables.has(dark)) tables.set(dark, tableOf(colorScale(1)));
  return tables.get(dark)!;
}

/** The same with another color above zero. */
export const colorTableTo = (positive: string): Uint32Array => tableOf(colorScale(1, { ...colors(), positive }));

/** Paint a canvas of fixed size again and again: keeps its pixels and takes its colors from a table. */
export function painter(canvas: HTMLCanvasElement, height: number, width: number) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  return {
    /** Values of either sign, in full color at ±limit. */
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
export type Painter = ReturnType<typeof painter>;

export function mapCanvas(): HTMLCanvasElement {
  return h("canvas", { class: "nin-map", "aria-hidden": "true" });
}

const painters = new WeakMap<HTMLCanvasElement, { painter: Painter; height: number; width: number }>();
function painterOf(canvas: HTMLCanvasElement, height: number, width: number): Painter {
  let known = painters.get(canvas);
  if (known?.height !== height || known.width !== width) {
    known = { painter: painter(canvas, height, width), height, width };
    painters.set(canvas, known);
  }
  return known.painter;
}

/** Paint H×W values blue, neutral, orange; full color at ±limit (0: the largest absolute value). */
export function paintSigned(
  canvas: HTMLCanvasElement,
  values: ArrayLike<number>,
  height: number,
  width: number,
  limit = 0,
): void {
  if (!limit) for (let i = 0; i < height * width; i++) limit = Math.max(limit, Math.abs(values[i]));
  painterOf(canvas, height, width).signed(values, limit, colorTable());
}

/** Paint three planes of H×W values in 0…1 as red, green and blue. */
export function paintColor(canvas: HTMLCanvasElement, planes: ArrayLike<number>[], height: number, width: number): void {
  painterOf(canvas, height, width).color(planes);
}
