/** Matrix multiplication, the network's one heavy operation: in WebAssembly if there is any, else in JavaScript. */
import kernel from "./kernel.wat";

/** Addresses are indices into the shared array of floats; kernel.wat has the formula. */
export type Multiply = (
  weights: number,
  input: number,
  bias: number,
  output: number,
  outputs: number,
  depth: number,
  positions: number,
  relu: boolean,
) => void;

export interface Arithmetic {
  floats: Float32Array;
  multiply: Multiply;
  path: "WASM" | "JavaScript";
}

export function inJavaScript(size: number): Arithmetic {
  const floats = new Float32Array(size);
  const multiply: Multiply = (w, x, b, y, outputs, depth, positions, relu) => {
    for (let o = 0; o < outputs; o++) {
      const line = floats.subarray(y + o * positions, y + (o + 1) * positions);
      line.fill(floats[b + o]);
      for (let k = 0; k < depth; k++) {
        const weight = floats[w + o * depth + k];
        const from = x + k * positions;
        if (weight !== 0) for (let p = 0; p < positions; p++) line[p] += weight * floats[from + p];
      }
      if (relu) for (let p = 0; p < positions; p++) if (line[p] < 0) line[p] = 0;
    }
  };
  return { floats, multiply, path: "JavaScript" };
}

/** Throws where the browser has no WebAssembly with SIMD, or forbids it. */
export function inWasm(size: number): Arithmetic {
  const memory = new WebAssembly.Memory({ initial: Math.ceil((4 * size) / 65536) });
  const bytes = Uint8Array.from(atob(kernel), (c) => c.charCodeAt(0));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const run = instance.exports.multiply as (...numbers: number[]) => void;
  return {
    floats: new Float32Array(memory.buffer),
    multiply: (w, x, b, y, outputs, depth, positions, relu) =>
      run(4 * w, 4 * x, 4 * b, 4 * y, outputs, depth, positions, Number(relu)),
    path: "WASM",
  };
}

export function best(size: number): Arithmetic {
  try {
    return inWasm(size);
  } catch {
    return inJavaScript(size);
  }
}
