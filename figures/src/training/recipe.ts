/** How a network is trained: its first weights, the order of its images, its learning rates. All follow from a seed. */
import { random } from "../net/random";
import type { Rule, State } from "./engine";
import type { Plan } from "./plan";

/** As nin_lib's recipe `pocket`. */
export const RULE: Rule = { momentum: 0.9, decay: 5e-4, smoothing: 0.1 };

/** Initializations, as of nin_lib's `initialize`: He et al.'s, the tutorials', and PyTorch's own. */
export type Scheme = "he" | "xavier" | "default";

const RISE = 0.2; // share of the steps in which the rate rises
const FIRST = 1 / 25; // of the peak
const LAST = FIRST / 1e4;

/** The learning rates of a training: up to the peak in a straight line, and down, as nin_lib has them of torch's OneCycleLR. */
export function rates(steps: number, peak: number): Float32Array {
  const total = Math.max(steps, 6); // below that the rise has no length
  const [top, end] = [RISE * total - 1, total - 1];
  return Float32Array.from({ length: steps }, (_, step) => {
    const between = (from: number, to: number, share: number) => peak * (from + (to - from) * share);
    return step <= top ? between(FIRST, 1, step / top) : between(1, LAST, (step - top) / (end - top));
  });
}

/** A network before its training. */
export function initialize(plan: Plan, scheme: Scheme, seed: number): State {
  const draw = random(seed);
  const uniform = (most: number) => () => most * (2 * draw() - 1);
  const normal = (deviation: number) => () => deviation * Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw()); // Box and Muller
  const parameters = new Float32Array(plan.size);
  const fill = (at: number, count: number, next: () => number) => {
    for (let i = at; i < at + count; i++) parameters[i] = next();
  };
  for (const { from, to, kernel, norm, weight, scale, bias } of plan.layers) {
    const [into, outOf] = [from * kernel ** 2, to * kernel ** 2]; // the weights that meet in an output, and those that leave an input
    const draws: Record<Scheme, () => number> = {
      he: normal(Math.sqrt(2 / into)),
      xavier: uniform(Math.sqrt(6 / (into + outOf))),
      default: uniform(1 / Math.sqrt(into)),
    };
    fill(weight, to * into, draws[scheme]);
    if (norm) fill(scale, to, () => 1);
    else if (scheme !== "he") fill(bias, to, draws.default);
  }
  const running = Float32Array.from({ length: plan.stats }, (_, i) => i % 2); // mean 0, variance 1
  return { parameters, momentum: new Float32Array(plan.size), running };
}

/**
 * The images of all batches, named as `Engine` names them: in each epoch all of them in a new order,
 * each mirrored or not by chance; the rest that fills no batch is left out. Of more epochs, the first
 * are the same.
 */
export function order(count: number, batch: number, epochs: number, seed: number): Uint32Array {
  const draw = random(seed);
  const used = count - (count % batch);
  const named = new Uint32Array(epochs * used);
  const images = Uint32Array.from({ length: count }, (_, i) => i);
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let i = count - 1; i > 0; i--) {
      const other = Math.floor(draw() * (i + 1));
      [images[i], images[other]] = [images[other], images[i]];
    }
    for (let i = 0; i < used; i++) named[epoch * used + i] = 2 * images[i] + (draw() < 0.5 ? 1 : 0);
  }
  return named;
}
