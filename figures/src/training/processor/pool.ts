/** The 2×2 max pool: the largest of four numbers; backward, the gradient goes to that one (to the first if several are). */
import { type Maps, type Memory, type Place, roundUp } from "./memory";

export function forward({ floats }: Memory, { to, out, active, output }: Place, count: number): void {
  const half = out / 2;
  for (let c = 0; c < to; c++) {
    let [above, at] = [active.at + c * active.pitch, output.at + c * output.pitch];
    for (let line = 0; line < count * half; line++, above += out) // to the line after the two that are read here
      for (let x = 0; x < half; x++, above += 2) {
        const below = above + out;
        floats[at++] = Math.max(floats[above], floats[above + 1], floats[below], floats[below + 1]);
      }
  }
}

/** From `slope` = ∂loss/∂output compute ∂loss/∂input into `inputSlope`. */
export function backward({ floats }: Memory, { to, out, active, output }: Place, count: number, slope: Maps, inputSlope: Maps): void {
  const half = out / 2;
  floats.fill(0, inputSlope.at, inputSlope.at + roundUp(to, 4) * inputSlope.pitch);
  for (let c = 0; c < to; c++) {
    const shift = inputSlope.at + c * inputSlope.pitch - (active.at + c * active.pitch);
    let [above, at, g] = [active.at + c * active.pitch, output.at + c * output.pitch, slope.at + c * slope.pitch];
    for (let line = 0; line < count * half; line++, above += out)
      for (let x = 0; x < half; x++, above += 2) {
        const [most, below] = [floats[at++], above + out];
        const first = floats[above] === most ? above : floats[above + 1] === most ? above + 1 : floats[below] === most ? below : below + 1;
        floats[first + shift] = floats[g++];
      }
  }
}
