/** The family of small networks: what each layer costs, and which of the trained networks is nearest to a choice. */
export const COUNTS = ["no", "one", "two"];
export const HEADS = ["average", "fully_connected"] as const;
export const PARTS = ["block 1", "block 2", "block 3", "head"];
export const KINDS = ["squeeze", "spatial", "pointwise", "fully_connected"] as const;

export type Head = (typeof HEADS)[number];
export type Kind = (typeof KINDS)[number];

export interface Choice {
  kernel: number;
  width: number;
  pointwise: number;
  bottleneck: boolean;
  head: Head;
}

/** A trained network, as Python's `Measured` lists it. */
export type Row = [kernel: number, width: number, pointwise: number, bottleneck: boolean, head: Head, params: number, macs: number, accuracies: number[]];

export interface Trained extends Choice {
  params: number;
  macs: number;
  mean: number;
  low: number;
  high: number;
  seeds: number;
}

export interface Layer {
  part: number;
  kind: Kind;
  params: number;
  macs: number;
}

export const KERNELS = [3, 5];
export const [NARROWEST, WIDEST] = [4, 40];
const CLASSES = 10;
/** Number of positions of the maps of block 1, and of those after the pool. */
export const [EARLY, LATE] = [14 * 14, 7 * 7];

/** The layers of `nin_lib.models.small_nin` that have parameters, batch normalization with the layer before it. */
export function layersOf({ kernel, width, pointwise, bottleneck, head }: Choice): Layer[] {
  const layers: Layer[] = [];
  const block = (part: number, channels: number, out: number, side: number, positions: number) => {
    const add = (kind: Kind, from: number, to: number, area: number) =>
      layers.push({ part, kind, params: from * to * area + 2 * to, macs: from * to * area * positions });
    const narrow = Math.floor(channels / 4);
    const squeezed = bottleneck && part > 0;
    if (squeezed) add("squeeze", channels, narrow, 1);
    add("spatial", squeezed ? narrow : channels, out, side * side);
    for (let i = 0; i < pointwise; i++) add("pointwise", out, out, 1);
  };
  block(0, 1, width, kernel, EARLY);
  block(1, width, 2 * width, kernel, LATE);
  block(2, 2 * width, 2 * width, 3, LATE);
  const weights = 2 * width * CLASSES;
  layers.push(
    head === "average"
      ? { part: 3, kind: "pointwise", params: weights + CLASSES, macs: weights * LATE }
      : { part: 3, kind: "fully_connected", params: weights * LATE + CLASSES, macs: weights * LATE },
  );
  return layers;
}

export const total = (layers: Layer[], cost: "params" | "macs") => layers.reduce((sum, layer) => sum + layer[cost], 0);
export const partsOf = (layers: Layer[], cost: "params" | "macs") => PARTS.map((_, part) => total(layers.filter((layer) => layer.part === part), cost));

/** Index of the trained network nearest to a choice, by the rule in WORDS.rule; −1 if there is none. */
export function nearest(choice: Choice, trained: Trained[]): number {
  const distances = trained.map((one) => {
    const changed = (["kernel", "pointwise", "bottleneck", "head"] as const).filter((key) => one[key] !== choice[key]);
    return [changed.length, Math.abs(one.width - choice.width), one.width, one.params];
  });
  const closer = (a: number[], b: number[]) => a.map((value, i) => value - b[i]).find((gap) => gap !== 0) ?? 0;
  return distances.reduce((best, distance, i) => (best < 0 || closer(distance, distances[best]) < 0 ? i : best), -1);
}
