/** The ReLU of a layer without batch normalization: y = max(0, x), in place; backward, g where y > 0 and else 0. */
import { type Maps, type Memory, type Place, roundUp } from "./memory";

export function forward({ kernels }: Memory, { to, out, active }: Place, count: number): void {
  for (let c = 0; c < to; c++) {
    const x = active.at + c * active.pitch;
    kernels.normalize(x, x, 1, 0, roundUp(count * out * out, 8));
  }
}

export function backward({ kernels }: Memory, { to, out, active }: Place, count: number, slope: Maps): void {
  for (let c = 0; c < to; c++) kernels.mask(slope.at + c * slope.pitch, active.at + c * active.pitch, roundUp(count * out * out, 8));
}
