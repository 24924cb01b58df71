/** The few loops in which all the time of a training goes: in WebAssembly (kernels.wat) where it is allowed. */
import kernels from "./kernels.wat";
import { inJavaScript } from "./plain_kernels";

/**
 * Addresses are indices into `floats`. A matrix lies row by row, and its pitch is the distance between
 * two rows. `columns` and `count` are multiples of 8, but for `add`; `outputs` and `depth` of 4.
 */
export interface Kernels {
  readonly name: string;
  readonly floats: Float32Array;
  /** y[o][p] = b[o] + Σ_k w[o][k]·x[k][p] */
  multiply(w: number, x: number, b: number, y: number, outputs: number, depth: number, columns: number, xPitch: number, yPitch: number): void;
  /** w[o][k] += Σ_p g[o][p]·x[k][p] */
  outer(g: number, x: number, w: number, outputs: number, depth: number, columns: number, gPitch: number, xPitch: number): void;
  /** Σ x */
  sum(x: number, count: number): number;
  /** Σ (a − s)·(b − t) */
  products(a: number, b: number, s: number, t: number, count: number): number;
  /** y = max(0, factor·x + shift) */
  normalize(x: number, y: number, factor: number, shift: number, count: number): void;
  /** g = 0 where y is not positive */
  mask(g: number, y: number, count: number): void;
  /** g = r·g + s·x + t */
  combine(g: number, x: number, r: number, s: number, t: number, count: number): void;
  /** y += x */
  add(x: number, y: number, count: number): void;
}

/** Throws where the browser has no WebAssembly with SIMD, or forbids it, or has no memory for so many numbers. */
export function inWasm(size: number): Kernels {
  const memory = new WebAssembly.Memory({ initial: Math.ceil((4 * size) / 65536) });
  const bytes = Uint8Array.from(atob(kernels), (c) => c.charCodeAt(0));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const { multiply, outer, sum, products, normalize, mask, combine, add } = exports as Record<string, (...numbers: number[]) => number>;
  return {
    name: "WebAssembly",
    floats: new Float32Array(memory.buffer),
    // in bytes, of which a number has 4
    multiply: (w, x, b, y, outputs, depth, columns, xPitch, yPitch) => void multiply(4 * w, 4 * x, 4 * b, 4 * y, outputs, depth, columns, 4 * xPitch, 4 * yPitch),
    outer: (g, x, w, outputs, depth, columns, gPitch, xPitch) => void outer(4 * g, 4 * x, 4 * w, outputs, depth, columns, 4 * gPitch, 4 * xPitch),
    sum: (x, count) => sum(4 * x, count),
    products: (a, b, s, t, count) => products(4 * a, 4 * b, s, t, count),
    normalize: (x, y, factor, shift, count) => void normalize(4 * x, 4 * y, factor, shift, count),
    mask: (g, y, count) => void mask(4 * g, 4 * y, count),
    combine: (g, x, r, s, t, count) => void combine(4 * g, 4 * x, r, s, t, count),
    add: (x, y, count) => void add(4 * x, 4 * y, count),
  };
}

export function best(size: number): Kernels {
  try {
    return inWasm(size);
  } catch {
    return inJavaScript(size);
  }
}
