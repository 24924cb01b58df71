/** The same loops in JavaScript, for browsers in which WebAssembly is blocked. */
import type { Kernels } from "./kernels";

export function inJavaScript(size: number): Kernels {
  const floats = new Float32Array(size);
  return {
    name: "JavaScript",
    floats,
    multiply(w, x, b, y, outputs, depth, columns, xPitch, yPitch) {
      for (let o = 0; o < outputs; o++) {
        const line = floats.subarray(y + o * yPitch, y + o * yPitch + columns);
        line.fill(floats[b + o]);
        for (let k = 0; k < depth; k++) {
          const weight = floats[w + o * depth + k];
          const from = x + k * xPitch;
          for (let p = 0; p < columns; p++) line[p] += weight * floats[from + p];
        }
      }
    },
    outer(g, x, w, outputs, depth, columns, gPitch, xPitch) {
      for (let o = 0; o < outputs; o++)
        for (let k = 0; k < depth; k++) {
          const [left, right] = [g + o * gPitch, x + k * xPitch];
          let sum = 0;
          for (let p = 0; p < columns; p++) sum += floats[left + p] * floats[right + p];
          floats[w + o * depth + k] += sum;
        }
    },
    sum(x, count) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += floats[x + i];
      return sum;
    },
    products(a, b, s, t, count) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += (floats[a + i] - s) * (floats[b + i] - t);
      return sum;
    },
    normalize(x, y, factor, shift, count) {
      for (let i = 0; i < count; i++) {
        const value = factor * floats[x + i] + shift;
        floats[y + i] = value < 0 ? 0 : value; // NaN stays NaN
      }
    },
    mask(g, y, count) {
      for (let i = 0; i < count; i++) if (!(floats[y + i] > 0)) floats[g + i] = 0;
    },
    combine(g, x, r, s, t, count) {
      for (let i = 0; i < count; i++) floats[g + i] = r * floats[g + i] + s * floats[x + i] + t;
    },
    add(x, y, count) {
      for (let i = 0; i < count; i++) floats[y + i] += floats[x + i];
    },
  };
}
