import { describe, expect, it } from "vitest";
import { type Box, convolution, departures, FORMS, hit, largestDifference, layoutOf, linear, product, sizeOf, threeForms, toTorch } from "../src/three_names/three_forms";

// C×H×W = 2×2×3 and three filters, all in tenths.
const image = [
  [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]],
  [[0.9, -0.8, 0.7], [0.6, 0.5, -0.4]],
];
const weight = [[1, 0], [0.5, -0.5], [-0.3, 0.7]];
const bias = [0, 0.1, -0.2];
const size = sizeOf(image, weight);
const pixels = size.height * size.width;

const exactly = (o: number, p: number) =>
  image.reduce((sum, plane, c) => sum + weight[o][c] * plane.flat()[p], bias[o]);

describe("the three forms", () => {
  it("each compute every output", () => {
    const [maps, matrix, table] = [convolution, product, linear].map((form) => form(image, weight, bias));
    for (let o = 0; o < size.units; o++)
      for (let p = 0; p < pixels; p++) {
        expect(maps[o * pixels + p]).toBeCloseTo(exactly(o, p), 6);
        expect(matrix[o * pixels + p]).toBeCloseTo(exactly(o, p), 6);
        expect(table[p * size.units + o]).toBeCloseTo(exactly(o, p), 6);
      }
  });

  it("differ by rounding alone, and not at all where nothing is rounded", () => {
    const { outputs, difference } = threeForms(image, weight, bias);
    expect(difference).toBeLessThan(3e-7);
    expect(difference).toBe(largestDifference(FORMS.map((form) => outputs[form])));
    const whole = [[[1, 2], [3, 4]]];
    expect(threeForms(whole, [[2], [-3]], [1, 0]).difference).toBe(0);
    expect(largestDifference([[1, 2], [1, 2.5], [0, 2]])).toBe(1);
  });

  it("take the bias first in the convolution and last in the others, so that rounding shows", () => {
    const [x, w, b] = [[[[1e8]], [[-1e8]]], [[1, 1]], [1]]; // in float32, 1 + 1e8 is 1e8
    expect(convolution(x, w, b)[0]).toBe(0);
    expect(product(x, w, b)[0]).toBe(1);
    expect(linear(x, w, b)[0]).toBe(1);
  });
});

const sizes = [
  size,
  { channels: 3, units: 6, height: 4, width: 4 },
  { channels: 1, units: 1, height: 1, width: 1 },
  { channels: 4, units: 8, height: 1, width: 20 },
  { channels: 4, units: 8, height: 20, width: 1 },
];

describe.each(FORMS)("the layout of the %s", (form) => {
  it.each(sizes)("gives each number a place of its own, $channels → $units, $height×$width", (size) => {
    const where = layoutOf(form, size, 28);
    const boxes: Box[] = [];
    for (let p = 0; p < size.height * size.width; p++) {
      for (let c = 0; c < size.channels; c++) boxes.push(where.input(c, p));
      for (let o = 0; o < size.units; o++) boxes.push(where.output(o, p));
    }
    for (let o = 0; o < size.units; o++) {
      boxes.push(where.bias(o));
      for (let c = 0; c < size.channels; c++) boxes.push(where.weight(o, c));
    }
    const e = 1e-6;
    const outside = boxes.filter((a) => a.x < 0 || a.y < 0 || a.x + a.w > where.width + e || a.y + a.h > where.height + e);
    const overlap = (a: Box, b: Box) => a.x + a.w > b.x + e && b.x + b.w > a.x + e && a.y + a.h > b.y + e && b.y + b.h > a.y + e;
    const clashes = boxes.flatMap((a, i) => boxes.slice(0, i).filter((b) => overlap(a, b)));
    expect([outside, clashes]).toEqual([[], []]);
  });

  it("says what lies under the pointer", () => {
    const where = layoutOf(form, size, 28);
    const at = ({ x, y, w, h }: Box) => hit(where, size, x + w / 2, y + h / 2);
    expect(at(where.output(2, 4))).toEqual({ unit: 2, pixel: 4 });
    expect(at(where.input(1, 3))).toEqual({ pixel: 3 });
    expect(at(where.weight(1, 0))).toEqual({ unit: 1 });
    expect(at(where.bias(2))).toEqual({ unit: 2 });
    expect(hit(where, size, 1, 1)).toBeUndefined();
  });
});

it("sends the rows off one after another and is done within a second", () => {
  expect(departures(4)).toEqual([0, 200, 400, 600]);
  expect(departures(1)).toEqual([0]);
  expect(departures(20).at(-1)).toBe(800);
});

it("writes the numbers into the PyTorch code", () => {
  const code = toTorch(image, weight, bias, "1, 0, 2", 2);
  expect(code).toContain("[0.9, -0.8, 0.7],");
  expect(code).toContain("[-0.3, 0.7],");
  expect(code).toContain("b = torch.tensor([0.0, 0.1, -0.2])");
  expect(code).toContain("form[1, 0, 2]:.2f");
});
