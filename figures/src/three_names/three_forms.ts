/** A 1×1 convolution computed in three forms, and the layout of each form's drawing. */
import type { Planes } from "../net/pointwise";

/** C inputs, O outputs, H×W pixels. */
export interface Size {
  channels: number;
  units: number;
  height: number;
  width: number;
}

export const FORMS = ["convolution", "product", "linear"] as const;
export type Form = (typeof FORMS)[number];

export function sizeOf(image: Planes, weight: number[][]): Size {
  return { channels: image.length, units: weight.length, height: image[0].length, width: image[0][0].length };
}

/** O×H×W: slide over the image; start from the bias, then add channel after channel. */
export function convolution(image: Planes, weight: number[][], bias: number[]): Float32Array {
  const { channels, units, height, width } = sizeOf(image, weight);
  const [x, w] = [Float32Array.from(image.flat(2)), Float32Array.from(weight.flat())];
  const y = new Float32Array(units * height * width);
  for (let o = 0; o < units; o++)
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        const at = (o * height + row) * width + column;
        y[at] = bias[o];
        for (let c = 0; c < channels; c++) y[at] += Math.fround(w[o * channels + c] * x[(c * height + row) * width + column]);
      }
  return y;
}

/** O×(H·W): rows of weights times columns of pixels; the biases come last. */
export function product(image: Planes, weight: number[][], bias: number[]): Float32Array {
  const { channels, units, height, width } = sizeOf(image, weight);
  const pixels = height * width;
  const [columns, w, b] = [Float32Array.from(image.flat(2)), Float32Array.from(weight.flat()), Float32Array.from(bias)];
  const y = new Float32Array(units * pixels);
  for (let c = 0; c < channels; c++)
    for (let o = 0; o < units; o++)
      for (let p = 0; p < pixels; p++) y[o * pixels + p] += Math.fround(w[o * channels + c] * columns[c * pixels + p]);
  for (let o = 0; o < units; o++) for (let p = 0; p < pixels; p++) y[o * pixels + p] += b[o];
  return y;
}

/** (H·W)×O: each pixel is an example; a dot product for each unit, then its bias. */
export function linear(image: Planes, weight: number[][], bias: number[]): Float32Array {
  const { channels, units, height, width } = sizeOf(image, weight);
  const [w, b] = [Float32Array.from(weight.flat()), Float32Array.from(bias)];
  const y = new Float32Array(height * width * units);
  for (let p = 0; p < height * width; p++) {
    const example = Float32Array.from(image, (plane) => plane[Math.floor(p / width)][p % width]);
    for (let o = 0; o < units; o++) {
      let dot = 0;
      for (let c = 0; c < channels; c++) dot = Math.fround(dot + Math.fround(w[o * channels + c] * example[c]));
      y[p * units + o] = dot + b[o];
    }
  }
  return y;
}

/** The three results, each O×(H·W) for comparison, and the largest difference between two of them. */
export function threeForms(image: Planes, weight: number[][], bias: number[]) {
  const { units, height, width } = sizeOf(image, weight);
  const pixels = height * width;
  const examples = linear(image, weight, bias);
  const outputs: Record<Form, Float32Array> = {
    convolution: convolution(image, weight, bias),
    product: product(image, weight, bias),
    linear: Float32Array.from({ length: units * pixels }, (_, i) => examples[(i % pixels) * units + Math.floor(i / pixels)]),
  };
  return { outputs, difference: largestDifference(Object.values(outputs)) };
}

export function largestDifference(results: ArrayLike<number>[]): number {
  let most = 0;
  for (let i = 0; i < results[0].length; i++) {
    const values = results.map((result) => result[i]);
    most = Math.max(most, Math.max(...values) - Math.min(...values));
  }
  return most;
}

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** The boxes of a form's numbers, in pixels at scale 1. A pixel p is row · W + column. */
export interface Layout {
  width: number;
  height: number;
  input(channel: number, pixel: number): Box;
  weight(unit: number, channel: number): Box;
  bias(unit: number): Box;
  output(unit: number, pixel: number): Box;
  /** Positions of the labels of input, weights and output: left end of the base line. */
  labels: [x: number, y: number][];
}

const CELL = 14;
const PAD = 6; // room for marks that are wider than their cells
const LABEL = 14; // height of a label
const GAP = 10; // between maps

/** Lay out a form. `number` is the width of the widest written weight or input. */
export function layoutOf(form: Form, { channels, units, height, width }: Size, number: number): Layout {
  const pixels = height * width;
  const block = channels * CELL;
  if (form === "convolution") {
    const [mapWidth, mapHeight] = [width * CELL, height * CELL];
    const least = Math.max(200, units * (number + 5) - 5);
    const across = Math.max(1, Math.min(Math.max(3, channels), Math.floor((least + GAP) / (mapWidth + GAP))));
    const rows = (maps: number) => Math.ceil(maps / across);
    const filters = LABEL + rows(channels) * (mapHeight + GAP) + 8;
    const outputs = filters + block + 3 + CELL + 8 + LABEL;
    const on = (top: number) => (map: number, pixel: number): Box => ({
      x: PAD + (map % across) * (mapWidth + GAP) + (pixel % width) * CELL,
      y: top + Math.floor(map / across) * (mapHeight + GAP) + Math.floor(pixel / width) * CELL,
      w: CELL,
      h: CELL,
    });
    const maps = Math.min(across, Math.max(channels, units));
    return {
      width: 2 * PAD + Math.max(maps * (mapWidth + GAP) - GAP, units * (number + 5) - 5),
      height: outputs + rows(units) * (mapHeight + GAP) - GAP + 3,
      input: on(LABEL),
      weight: (o, c) => ({ x: PAD + o * (number + 5), y: filters + c * CELL, w: number, h: CELL }),
      bias: (o) => ({ x: PAD + o * (number + 5), y: filters + block + 3, w: number, h: CELL }),
      output: on(outputs),
      labels: [[PAD, LABEL - 4], [PAD, filters - 4], [PAD, outputs - 4]],
    };
  }
  if (form === "product") {
    const cell = Math.min(CELL, 184 / pixels);
    const left = PAD + (channels + 1) * number + 3 + 6;
    const top = LABEL + block + 6;
    return {
      width: left + pixels * cell + PAD,
      height: top + units * CELL + LABEL + 2,
      input: (c, p) => ({ x: left + p * cell, y: LABEL + c * CELL, w: cell, h: CELL }),
      weight: (o, c) => ({ x: PAD + c * number, y: top + o * CELL, w: number, h: CELL }),
      bias: (o) => ({ x: PAD + channels * number + 3, y: top + o * CELL, w: number, h: CELL }),
      output: (o, p) => ({ x: left + p * cell, y: top + o * CELL, w: cell, h: CELL }),
      labels: [[left, LABEL - 4], [PAD, top - 4], [left, top + units * CELL + LABEL - 2]],
    };
  }
  const first = PAD + Math.max(0, 80 - channels * number); // its label needs 80
  const left = first + channels * number + 6;
  const top = LABEL + block + 3 + CELL + 6;
  return {
    width: left + units * CELL + 2 * PAD,
    height: top + pixels * CELL + LABEL + 2,
    input: (c, p) => ({ x: first + c * number, y: top + p * CELL, w: number, h: CELL }),
    weight: (o, c) => ({ x: left + o * CELL, y: LABEL + c * CELL, w: CELL, h: CELL }),
    bias: (o) => ({ x: left + o * CELL, y: LABEL + block + 3, w: CELL, h: CELL }),
    output: (o, p) => ({ x: left + o * CELL, y: top + p * CELL, w: CELL, h: CELL }),
    labels: [[PAD, top - 4], [left, LABEL - 4], [left, top + pixels * CELL + LABEL - 2]],
  };
}

export interface Spot {
  pixel?: number;
  unit?: number;
}

/** Find the pixel, the unit, or both, under a point of the drawing; undefined between cells. */
export function hit(layout: Layout, { channels, units, height, width }: Size, x: number, y: number): Spot | undefined {
  const inside = (box: Box) => x >= box.x && x < box.x + box.w && y >= box.y && y < box.y + box.h;
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let unit = 0; unit < units; unit++) if (inside(layout.output(unit, pixel))) return { pixel, unit };
    for (let c = 0; c < channels; c++) if (inside(layout.input(c, pixel))) return { pixel };
  }
  for (let unit = 0; unit < units; unit++) {
    if (inside(layout.bias(unit))) return { unit };
    for (let c = 0; c < channels; c++) if (inside(layout.weight(unit, c))) return { unit };
  }
  return undefined;
}

/** Start times, in ms, of the rows of the image in the animation from one form to another. */
export function departures(rows: number, each = 200, all = 1000): number[] {
  const interval = rows > 1 ? Math.min(each, (all - each) / (rows - 1)) : 0;
  return Array.from({ length: rows }, (_, row) => Math.round(row * interval));
}

/** Write the three forms as PyTorch, with these numbers; prints the output at a place, then the largest difference. */
export function toTorch(image: Planes, weight: number[][], bias: number[], place: string, decimals: number): string {
  // 1 as "1.0": whole numbers alone would make a tensor of integers.
  const list = (values: number[]) => `[${values.map((v) => (Number.isInteger(v) ? v.toFixed(1) : v)).join(", ")}]`;
  const rows = (values: number[][], indent: string) => values.map((row) => `${indent}${list(row)},\n`).join("");
  const planes = image.map((plane) => `        [\n${rows(plane, "            ")}        ],\n`).join("");
  return `import torch
from torch.nn import functional as F

# one image with ${image.length} channels
x = torch.tensor([
    [
${planes}    ],
])
# one row for each of the ${weight.length} filters
w = torch.tensor([
${rows(weight, "    ")}])
b = torch.tensor(${list(bias)})

convolution = F.conv2d(x, w[:, :, None, None], b)

columns = x.flatten(2)[0]  # a column for each pixel
product = (w @ columns + b[:, None]).reshape(convolution.shape)

pixels_last = x.movedim(1, -1)  # nn.Linear expects the channels last
linear = F.linear(pixels_last, w, b).movedim(-1, 1)

forms = torch.stack([convolution, product, linear])
print([f"{form[${place}]:.${decimals}f}" for form in forms[:, 0]])
# 0 or very small: forms that add in a different order round differently
print(f"{(forms.amax(0) - forms.amin(0)).max():.0e}")
`;
}
