/** A 1×1 convolution computed in three forms, and where each form draws its numbers. */
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

export function sizeOf(picture: Planes, weight: number[][]): Size {
  return { channels: picture.length, units: weight.length, height: picture[0].length, width: picture[0][0].length };
}

/** O×H×W: slides over the picture; starts from the bias, then adds channel after channel. */
export function convolution(picture: Planes, weight: number[][], bias: number[]): Float32Array {
  const { channels, units, height, width } = sizeOf(picture, weight);
  const [x, w] = [Float32Array.from(picture.flat(2)), Float32Array.from(weight.flat())];
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
export function product(picture: Planes, weight: number[][], bias: number[]): Float32Array {
  const { channels, units, height, width } = sizeOf(picture, weight);
  const pixels = height * width;
  const [columns, w, b] = [Float32Array.from(picture.flat(2)), Float32Array.from(weight.flat()), Float32Array.from(bias)];
  const y = new Float32Array(units * pixels);
  for (let c = 0; c < channels; c++)
    for (let o = 0; o < units; o++)
      for (let p = 0; p < pixels; p++) y[o * pixels + p] += Math.fround(w[o * channels + c] * columns[c * pixels + p]);
  for (let o = 0; o < units; o++) for (let p = 0; p < pixels; p++) y[o * pixels + p] += b[o];
  return y;
}

/** (H·W)×O: each pixel is an example; a dot product for each unit, then its bias. */
export function linear(picture: Planes, weight: number[][], bias: number[]): Float32Array {
  const { channels, units, height, width } = sizeOf(picture, weight);
  const [w, b] = [Float32Array.from(weight.flat()), Float32Array.from(bias)];
  const y = new Float32Array(height * width * units);
  for (let p = 0; p < height * width; p++) {
    const example = Float32Array.from(picture, (plane) => plane[Math.floor(p / width)][p % width]);
    for (let o = 0; o < units; o++) {
      let dot = 0;
      for (let c = 0; c < channels; c++) dot = Math.fround(dot + Math.fround(w[o * channels + c] * example[c]));
      y[p * units + o] = dot + b[o];
    }
  }
  return y;
}

/** The three results, each O×(H·W) for comparison, and the largest difference between two of them. */
export function threeForms(picture: Planes, weight: number[][], bias: number[]) {
  const { units, height, width } = sizeOf(picture, weight);
  const pixels = height * width;
  const examples = linear(picture, weight, bias);
  const outputs: Record<Form, Float32Array> = {
    convolution: convolution(picture, weight, bias),
    product: product(picture, weight, bias),
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

/** Where a form draws its numbers, in pixels at scale 1. A pixel p is row · W + column. */
export interface Layout {
  width: number;
  height: number;
  input(channel: number, pixel: number): Box;
  weight(unit: number, channel: number): Box;
  bias(unit: number): Box;
  output(unit: number, pixel: number): Box;
  /** Where the words "input", "weights" and "output" stand: left end of the base line. */
  labels: [x: number, y: number][];
}

const CELL = 14;
const PAD = 6; // room for marks that are wider than their cells
const WORD = 14; // height of a label
const APART = 10;

/** `number` is the width that the widest weight or input takes when written. */
export function layout(form: Form, { channels, units, height, width }: Size, number: number): Layout {
  const pixels = height * width;
  const block = channels * CELL;
  if (form === "convolution") {
    const [wide, tall] = [width * CELL, height * CELL];
    const least = Math.max(200, units * (number + 5) - 5);
    const across = Math.max(1, Math.min(Math.max(3, channels), Math.floor((least + APART) / (wide + APART))));
    const rows = (maps: number) => Math.ceil(maps / across);
    const filters = WORD + rows(channels) * (tall + APART) + 8;
    const outputs = filters + block + 3 + CELL + 8 + WORD;
    const on = (top: number) => (map: number, pixel: number): Box => ({
      x: PAD + (map % across) * (wide + APART) + (pixel % width) * CELL,
      y: top + Math.floor(map / across) * (tall + APART) + Math.floor(pixel / width) * CELL,
      w: CELL,
      h: CELL,
    });
    const maps = Math.min(across, Math.max(channels, units));
    return {
      width: 2 * PAD + Math.max(maps * (wide + APART) - APART, units * (number + 5) - 5),
      height: outputs + rows(units) * (tall + APART) - APART + 3,
      input: on(WORD),
      weight: (o, c) => ({ x: PAD + o * (number + 5), y: filters + c * CELL, w: number, h: CELL }),
      bias: (o) => ({ x: PAD + o * (number + 5), y: filters + block + 3, w: number, h: CELL }),
      output: on(outputs),
      labels: [[PAD, WORD - 4], [PAD, filters - 4], [PAD, outputs - 4]],
    };
  }
  if (form === "product") {
    const cell = Math.min(CELL, 184 / pixels);
    const left = PAD + (channels + 1) * number + 3 + 6;
    const top = WORD + block + 6;
    return {
      width: left + pixels * cell + PAD,
      height: top + units * CELL + WORD + 2,
      input: (c, p) => ({ x: left + p * cell, y: WORD + c * CELL, w: cell, h: CELL }),
      weight: (o, c) => ({ x: PAD + c * number, y: top + o * CELL, w: number, h: CELL }),
      bias: (o) => ({ x: PAD + channels * number + 3, y: top + o * CELL, w: number, h: CELL }),
      output: (o, p) => ({ x: left + p * cell, y: top + o * CELL, w: cell, h: CELL }),
      labels: [[left, WORD - 4], [PAD, top - 4], [left, top + units * CELL + WORD - 2]],
    };
  }
  const first = PAD + Math.max(0, 80 - channels * number); // its label needs 80
  const left = first + channels * number + 6;
  const top = WORD + block + 3 + CELL + 6;
  return {
    width: left + units * CELL + 2 * PAD,
    height: top + pixels * CELL + WORD + 2,
    input: (c, p) => ({ x: first + c * number, y: top + p * CELL, w: number, h: CELL }),
    weight: (o, c) => ({ x: left + o * CELL, y: WORD + c * CELL, w: CELL, h: CELL }),
    bias: (o) => ({ x: left + o * CELL, y: WORD + block + 3, w: CELL, h: CELL }),
    output: (o, p) => ({ x: left + o * CELL, y: top + p * CELL, w: CELL, h: CELL }),
    labels: [[PAD, top - 4], [left, WORD - 4], [left, top + pixels * CELL + WORD - 2]],
  };
}

export interface Spot {
  pixel?: number;
  unit?: number;
}

/** What lies under a point of the drawing: a pixel, a unit, or both; undefined between cells. */
export function hit(where: Layout, { channels, units, height, width }: Size, x: number, y: number): Spot | undefined {
  const inside = (box: Box) => x >= box.x && x < box.x + box.w && y >= box.y && y < box.y + box.h;
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let unit = 0; unit < units; unit++) if (inside(where.output(unit, pixel))) return { pixel, unit };
    for (let c = 0; c < channels; c++) if (inside(where.input(c, pixel))) return { pixel };
  }
  for (let unit = 0; unit < units; unit++) {
    if (inside(where.bias(unit))) return { unit };
    for (let c = 0; c < channels; c++) if (inside(where.weight(unit, c))) return { unit };
  }
  return undefined;
}

/** The cell's journey when a form becomes another: when the rows of the picture set out, in ms. */
export function departures(rows: number, each = 200, all = 1000): number[] {
  const apart = rows > 1 ? Math.min(each, (all - each) / (rows - 1)) : 0;
  return Array.from({ length: rows }, (_, row) => Math.round(row * apart));
}

/** The three forms in PyTorch, with these numbers. */
export function toTorch(picture: Planes, weight: number[][], bias: number[]): string {
  // 1 as "1.0": whole numbers alone would make a tensor of integers.
  const list = (values: number[]) => `[${values.map((v) => (Number.isInteger(v) ? v.toFixed(1) : v)).join(", ")}]`;
  const rows = (values: number[][], indent: string) => values.map((row) => `${indent}${list(row)},\n`).join("");
  const planes = picture.map((plane) => `        [\n${rows(plane, "            ")}        ],\n`).join("");
  return `import torch
from torch.nn import functional as F

# one picture with ${picture.length} channels
x = torch.tensor([
    [
${planes}    ],
])
# a row for each of the ${weight.length} filters
w = torch.tensor([
${rows(weight, "    ")}])
b = torch.tensor(${list(bias)})

convolution = F.conv2d(x, w[:, :, None, None], b)

columns = x.flatten(2)[0]  # a column for each pixel
product = (w @ columns + b[:, None]).reshape(convolution.shape)

pixels_last = x.movedim(1, -1)  # a Linear wants the channels last
linear = F.linear(pixels_last, w, b).movedim(-1, 1)

forms = torch.stack([convolution, product, linear])
# 0, or a little: where the forms add in another order, they round differently
print((forms.amax(0) - forms.amin(0)).max().item())
`;
}
