/** A small network with two inputs, 2 → width × depth → 1 with ReLUs between, and its training in the page. */
import { random } from "../net/random";
import { rounded } from "../shell/format";

/** [a, b, wanted sign, +1 or −1]. */
export type Point = [number, number, number];

/** A network's parameters in one array: layer by layer, unit by unit, the weights, then the bias. */
export interface Network {
  sizes: number[];
  values: Float64Array;
}

export const sizesOf = (width: number, depth: number): number[] => [2, ...Array<number>(depth).fill(width), 1];

const pairs = <R>(sizes: number[], of: (from: number, to: number) => R): R[] =>
  sizes.slice(1).map((to, l) => of(sizes[l], to));
const total = (numbers: number[]): number => numbers.reduce((sum, n) => sum + n, 0);
export const parameters = (sizes: number[]): number => total(pairs(sizes, (from, to) => (from + 1) * to));
export const multiplyAdds = (sizes: number[]): number => total(pairs(sizes, (from, to) => from * to));

/**
 * Initialize a network: the first layer's units fold the square along lines near its center, their
 * directions spread around the circle; later layers have He initialization.
 */
export function initialize(sizes: number[], seed: number): Network {
  const values = new Float64Array(parameters(sizes));
  const draw = random(seed);
  const between = (low: number, high: number) => low + (high - low) * draw();
  const turn = between(0, 1);
  let at = 0;
  pairs(sizes, (from, to) => {
    for (let unit = 0; unit < to; unit++) {
      if (at < 3 * sizes[1] && sizes.length > 2) {
        const angle = 2 * Math.PI * (turn + (unit + between(-0.25, 0.25)) / to);
        // browsers differ in the last digit of cos and exp; rounded to 32 bits they agree
        values[at++] = Math.fround(Math.cos(angle));
        values[at++] = Math.fround(Math.sin(angle));
        values[at++] = between(0, 0.5);
      } else {
        const most = Math.sqrt(6 / from);
        for (let i = 0; i < from; i++) values[at++] = between(-most, most);
        values[at++] = 0;
      }
    }
  });
  return { sizes, values };
}

/** Allocate the values of every layer. */
const allocate = (sizes: number[]): Float64Array[] => sizes.map((size) => new Float64Array(size));

function forward({ sizes, values }: Network, a: number, b: number, layers: Float64Array[]): number {
  layers[0][0] = a;
  layers[0][1] = b;
  const last = sizes.length - 1;
  let at = 0;
  for (let l = 1; l <= last; l++) {
    const [input, output] = [layers[l - 1], layers[l]];
    for (let unit = 0; unit < output.length; unit++) {
      let sum = 0;
      for (let i = 0; i < input.length; i++) sum += values[at++] * input[i];
      sum += values[at++];
      output[unit] = l < last && sum < 0 ? 0 : sum;
    }
  }
  return layers[last][0];
}

/** The network as a function of a and b: its value before the last ReLU. */
export function response(network: Network): (a: number, b: number) => number {
  const layers = allocate(network.sizes);
  return (a, b) => forward(network, a, b, layers);
}

/** The share of points with the wanted sign. */
export function score(network: Network, points: Point[]): number {
  const at = response(network);
  return points.filter(([a, b, wanted]) => at(a, b) > 0 === wanted > 0).length / points.length;
}

/** Keeps the parameters small once every point has the wanted sign. */
const WEIGHT_DECAY = 0.0005;

/** Mean logistic loss with a slight weight decay; writes its gradient, one number for each parameter. */
export function lossAndGradient(
  network: Network,
  points: Point[],
  gradient: Float64Array,
  layers = allocate(network.sizes),
  gradients = allocate(network.sizes),
): number {
  const { sizes, values } = network;
  gradient.fill(0);
  let loss = 0;
  for (const [a, b, wanted] of points) {
    const margin = wanted * forward(network, a, b, layers);
    const small = Math.fround(Math.exp(-Math.abs(margin)));
    loss += Math.log1p(small) + Math.max(0, -margin);
    gradients[sizes.length - 1][0] = (-wanted * (margin > 0 ? small : 1)) / (1 + small) / points.length;
    let at = values.length;
    for (let l = sizes.length - 1; l > 0; l--) {
      const [input, output, back] = [layers[l - 1], gradients[l], gradients[l - 1]];
      at -= (input.length + 1) * output.length;
      back.fill(0);
      let k = at;
      for (let unit = 0; unit < output.length; unit++) {
        const outputGradient = output[unit];
        for (let i = 0; i < input.length; i++, k++) {
          gradient[k] += outputGradient * input[i];
          if (input[i] > 0) back[i] += outputGradient * values[k];
        }
        gradient[k++] += outputGradient;
      }
    }
  }
  loss /= points.length;
  for (let k = 0; k < values.length; k++) {
    loss += (WEIGHT_DECAY / 2) * values[k] ** 2;
    gradient[k] += WEIGHT_DECAY * values[k];
  }
  return loss;
}

export const STEPS = 1000;
const LEARNING_RATE = 0.05;
const [BETA1, BETA2] = [0.9, 0.99]; // of Adam
const INITIALIZATIONS = 6;
const TRIAL = 100; // steps for each of them

/** Adam on all points at once, its learning rate decreasing to 0. */
class Adam {
  readonly network: Network;
  step = 0;
  loss = Infinity;
  private gradient: Float64Array;
  private mean: Float64Array;
  private square: Float64Array;
  private powers = [1, 1];
  private layers: Float64Array[];
  private gradients: Float64Array[];

  constructor(sizes: number[], seed: number, private points: Point[]) {
    this.network = initialize(sizes, seed);
    [this.gradient, this.mean, this.square] = [0, 1, 2].map(() => new Float64Array(this.network.values.length));
    [this.layers, this.gradients] = [allocate(sizes), allocate(sizes)];
  }

  update(): void {
    const { network, gradient, mean, square, powers } = this;
    this.loss = lossAndGradient(network, this.points, gradient, this.layers, this.gradients);
    powers[0] *= BETA1;
    powers[1] *= BETA2;
    const learningRate = LEARNING_RATE * (1 - this.step++ / STEPS);
    for (let k = 0; k < gradient.length; k++) {
      mean[k] += (1 - BETA1) * (gradient[k] - mean[k]);
      square[k] += (1 - BETA2) * (gradient[k] ** 2 - square[k]);
      network.values[k] -= (learningRate * mean[k]) / (1 - powers[0]) / (Math.sqrt(square[k] / (1 - powers[1])) + 1e-8);
    }
  }
}

/**
 * Tries six initializations for 100 steps each, then trains the best of them from step 0. The same
 * seed gives the same network, however the steps are divided into slices.
 */
export class Training {
  private trial = 0;
  private best = { trial: 0, loss: Infinity };
  private stepsTaken = 0;
  private current: Adam;
  /** Whether the initialization is chosen, so that there is a network to show. */
  chosen: boolean;

  constructor(private sizes: number[], private seed: number, private points: Point[]) {
    this.chosen = sizes.length === 2; // a single filter has one optimum, whatever its initialization
    this.current = this.begin(0);
  }

  private begin(trial: number): Adam {
    return new Adam(this.sizes, INITIALIZATIONS * this.seed + trial, this.points);
  }

  get network(): Network {
    return this.current.network;
  }

  /** Steps of the final training, the trials not counted. */
  get step(): number {
    return this.chosen ? this.current.step : 0;
  }

  get done(): boolean {
    return this.step === STEPS;
  }

  /** The share of all steps taken, 0…1. */
  get progress(): number {
    return this.stepsTaken / (STEPS + (this.sizes.length > 2 ? INITIALIZATIONS * TRIAL : 0));
  }

  advance(): void {
    const { current, trial, best } = this;
    current.update();
    this.stepsTaken++;
    // the trained parameters are rounded to the four decimals that are shown
    if (this.done) current.network.values.forEach((value, k, all) => (all[k] = rounded(value, 4)));
    if (this.chosen || current.step < TRIAL) return;
    if (current.loss < best.loss) this.best = { trial, loss: current.loss };
    this.chosen = ++this.trial === INITIALIZATIONS;
    this.current = this.begin(this.chosen ? this.best.trial : this.trial);
  }
}

/** The sums of layer l before its ReLU. */
function sums({ sizes, values }: Network, l: number, a: number, b: number): number[] {
  let at = 0;
  let input = [a, b];
  for (let layer = 1; ; layer++) {
    const output = Array.from({ length: sizes[layer] }, () => {
      const sum = input.reduce((total, value) => total + values[at++] * value, 0);
      return sum + values[at++];
    });
    if (layer === l) return output;
    input = output.map((sum) => Math.max(0, sum));
  }
}

/**
 * The exact response along the row at height b: [a, response] at both ends and at every bend between
 * them. Between two of these it is a straight line.
 */
export function profile(network: Network, b: number): [number, number][] {
  const last = network.sizes.length - 1;
  let stops = [-1, 1];
  for (let l = 1; l < last; l++) {
    const at = stops.map((a) => sums(network, l, a, b));
    const turns = stops.slice(1).flatMap((end, i) =>
      at[i].flatMap((from, unit) => {
        const to = at[i + 1][unit];
        return from * to < 0 ? [stops[i] + ((end - stops[i]) * from) / (from - to)] : [];
      }));
    stops = [...stops, ...turns].sort((p, q) => p - q);
  }
  const line = stops.map((a): [number, number] => [a, sums(network, last, a, b)[0]]);
  const slope = (i: number) => (line[i][1] - line[i - 1][1]) / (line[i][0] - line[i - 1][0] || 1);
  return line.filter((_, i) => i === 0 || i === line.length - 1 || Math.abs(slope(i + 1) - slope(i)) > 1e-6);
}

/**
 * The zero line of values on a side × side grid, as an SVG path in grid steps from the center of the
 * first cell: joins the sides of each cell that change sign (marching squares).
 */
export function zeroLine(values: ArrayLike<number>, side: number): string {
  let path = "";
  for (let r = 0; r + 1 < side; r++)
    for (let c = 0; c + 1 < side; c++) {
      const i = r * side + c;
      const above = values[i] > 0;
      if (values[i + 1] > 0 === above && values[i + side] > 0 === above && values[i + side + 1] > 0 === above) continue;
      // around the cell: top left, top right, bottom right, bottom left
      const corners = [[c, r], [c + 1, r], [c + 1, r + 1], [c, r + 1]];
      const at = corners.map(([x, y]) => values[y * side + x]);
      const cut: string[] = [];
      for (let k = 0; k < 4; k++) {
        const [p, q] = [at[k], at[(k + 1) % 4]];
        if (p > 0 === q > 0) continue;
        const [[x, y], [u, v]] = [corners[k], corners[(k + 1) % 4]];
        const share = p / (p - q);
        cut.push(`${(x + (u - x) * share).toFixed(2)} ${(y + (v - y) * share).toFixed(2)}`);
      }
      // four crossings: the mean of the corners decides which ones belong together
      if (cut.length === 4 && at[0] > 0 !== at[0] + at[1] + at[2] + at[3] > 0) cut.push(cut.shift()!);
      for (let k = 0; k + 1 < cut.length; k += 2) path += `M${cut[k]}L${cut[k + 1]}`;
    }
  return path;
}

/** The parameters of layer l: for each unit [weights…, bias]. */
export function unitsOf({ sizes, values }: Network, l: number): number[][] {
  const from = parameters(sizes.slice(0, l));
  const row = sizes[l - 1] + 1;
  return Array.from({ length: sizes[l] }, (_, unit) => [...values.slice(from + unit * row, from + (unit + 1) * row)]);
}

/** Write the network and its response at (a, b) as PyTorch, which prints so many decimals. */
export function toTorch(network: Network, a: number, b: number, decimals: number): string {
  const { sizes } = network;
  const layers = sizes.slice(1).map((to, l) => `nn.Conv2d(${sizes[l]}, ${to}, 1),`);
  const weights = sizes.slice(1).map((_, l) => {
    const rows = unitsOf(network, l + 1);
    return `    ([${rows.map((row) => `[${row.slice(0, -1).join(", ")}]`).join(", ")}], [${rows.map((row) => row.at(-1)).join(", ")}]),`;
  });
  return `import torch
from torch import nn

network = nn.Sequential(
    ${layers.join(" nn.ReLU(),\n    ")}
).double()  # a last ReLU would cut values below zero
weights = [
${weights.join("\n")}
]
with torch.no_grad():
    for layer, (weight, bias) in zip(network[::2], weights):
        layer.weight[:, :, 0, 0] = torch.tensor(weight)
        layer.bias[:] = torch.tensor(bias)
    # one position, whose patch holds ${a} of the first edge and ${b} of the second
    x = torch.tensor([${a}, ${b}], dtype=torch.float64).reshape(1, 2, 1, 1)
    print(f"{network(x).item():+.${decimals}f}")
`;
}
