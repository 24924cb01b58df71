/** Where all that a training needs lies, in one array of floats. */
import { CLASSES, type Layer, type Plan, SIDE } from "../plan";
import type { Kernels } from "./kernels";

/**
 * The maps of a batch: channel c has its number at position p at `at + c · pitch + p`, where
 * p = (image · side + row) · side + column. Channels are filled up to a multiple of 4, and positions
 * to one of 8, with zeros that no sum notices.
 */
export interface Maps {
  at: number;
  pitch: number;
}

/** A layer, with the maps that it takes and makes. */
export interface Place extends Layer {
  depth: number; // inputs of one output: from · kernel²
  input: Maps;
  convolved: Maps; // after the convolution
  active: Maps; // after batch normalization and the ReLU; without normalization the same maps
  output: Maps; // after the pool; without one the same maps
}

export interface Memory {
  kernels: Kernels;
  floats: Float32Array;
  places: Place[];
  parameters: number; // [plan.size]
  gradient: number; // [plan.size]
  images: Maps; // the input of the first layer
  slopes: [number, number]; // for gradients of maps: of a layer's output, and of its input
  statistics: Float64Array; // of the batch: mean and variance, as in `State.running`
  logits: Float32Array; // [image][class]
  patches: number; // what follows is scratch of convolution.ts: the patches of a group of images, …
  weights: number; // … the weights of a layer, as a matrix, …
  weightGradient: number; // … the gradient of that matrix, …
  bias: number; // … and biases, or zeros
}

/** Positions whose patches are laid out at a time, few enough for the cache: 2 maps of 14×14, 8 of 7×7. */
export const GROUP = 392;

export const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

export function memory(plan: Plan, make: (size: number) => Kernels): Memory {
  const { layers, batch } = plan;
  const LINE = 16; // numbers of a line of the cache
  let used = LINE; // not 0, because a shifted patch begins before its map does
  const take = (count: number): number => {
    const at = used;
    used += roundUp(count, LINE);
    return at;
  };
  const maps = (channels: number, side: number): Maps => {
    // An odd number of lines, or all channels' numbers at one position would compete for the same few places of the cache.
    const pitch = roundUp(batch * side * side, LINE) | LINE;
    return { at: take(roundUp(channels, 4) * pitch), pitch };
  };

  const [parameters, gradient, images] = [take(plan.size), take(plan.size), maps(1, SIDE)];
  let input = images;
  const places = layers.map((layer): Place => {
    const { from, to, kernel, out, norm, pool } = layer;
    const convolved = maps(to, out);
    const active = norm ? maps(to, out) : convolved;
    const output = pool ? maps(to, out / 2) : active;
    const place = { ...layer, depth: from * kernel * kernel, input, convolved, active, output };
    input = output;
    return place;
  });
  const most = (size: (place: Place) => number): number => Math.max(...places.map(size));
  const [rows, depth] = [most(({ to }) => roundUp(to, 4)), most((place) => roundUp(place.depth, 4))];
  const slope = most(({ to, convolved }) => roundUp(to, 4) * convolved.pitch);
  const at = {
    slopes: [take(slope), take(slope)] as [number, number],
    patches: take(depth * GROUP),
    weights: take(rows * depth),
    weightGradient: take(rows * depth),
    bias: take(Math.max(rows, depth)),
  };
  const kernels = make(used + LINE);
  return {
    ...{ kernels, floats: kernels.floats, places, parameters, gradient, images, ...at },
    statistics: new Float64Array(plan.stats),
    logits: new Float32Array(batch * CLASSES),
  };
}

/** Set to 0 what was computed beside the maps' own positions, where their number is filled up to a multiple of 8. */
export function clearPadding({ floats }: Memory, { at, pitch }: Maps, channels: number, positions: number): void {
  const end = roundUp(positions, 8);
  if (end > positions) for (let c = 0; c < channels; c++) floats.fill(0, at + c * pitch + positions, at + c * pitch + end);
}
