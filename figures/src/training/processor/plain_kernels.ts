/** The same loops in JavaScript, for browsers in which WebAssembly is blocked. */
import type { Kernels } from "./kernels";

export function inJavaScript(size: number): Kernels {
  const floats = new Float32Array(size);
  return {
    name: "JavaScript",
    floats,
    // Both products take four rows of x at a time, so that a number of y or g, once loaded, is used four times.
    multiply(w, x, b, y, outputs, depth, columns, xPitch, yPitch) {
      for (let o = 0; o < outputs; o++) {
        const [line, end] = [y + o * yPitch, y + o * yPitch + columns];
        floats.fill(floats[b + o], line, end);
        for (let k = 0; k < depth; k += 4) {
          const at = w + o * depth + k;
          const [w0, w1, w2, w3] = [floats[at], floats[at + 1], floats[at + 2], floats[at + 3]];
          let x0 = x + k * xPitch;
          let x1 = x0 + xPitch;
          let x2 = x1 + xPitch;
          let x3 = x2 + xPitch;
          for (let p = line; p < end; p++) floats[p] += w0 * floats[x0++] + w1 * floats[x1++] + w2 * floats[x2++] + w3 * floats[x3++];
        }
      }
    },
    outer(g, x, w, outputs, depth, columns, gPitch, xPitch) {
      for (let o = 0; o < outputs; o++)
        for (let k = 0; k < depth; k += 4) {
          let x0 = x + k * xPitch;
          let x1 = x0 + xPitch;
          let x2 = x1 + xPitch;
          let x3 = x2 + xPitch;
          let [s0, s1, s2, s3] = [0, 0, 0, 0];
          for (let p = g + o * gPitch, end = p + columns; p < end; p++) {
            const slope = floats[p];
            s0 += slope * floats[x0++];
            s1 += slope * floats[x1++];
            s2 += slope * floats[x2++];
            s3 += slope * floats[x3++];
          }
          const at = w + o * depth + k;
          floats[at] += s0;
          floats[at + 1] += s1;
          floats[at + 2] += s2;
          floats[at + 3] += s3;
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
