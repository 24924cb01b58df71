import { describe, expect, test } from "vitest";
import {
  initialize, lossAndGradient, multiplyAdds, type Network, parameters, type Point, profile, response, score, sizesOf, toTorch,
  Training, unitsOf, zeroLine,
} from "../src/bend/mlp";
import { random } from "../src/net/random";

/** Exclusive or, its points in fours that mirror each other: (±a, ±b). */
const fours: Point[] = (() => {
  const draw = random(7);
  return Array.from({ length: 40 }, () => [0.06 + 0.9 * draw(), 0.06 + 0.9 * draw()]).flatMap(([a, b]): Point[] => [
    [a, b, -1], [-a, -b, -1], [a, -b, 1], [-a, b, 1],
  ]);
})();

const trained = (width: number, depth: number, seed: number): Network => {
  const training = new Training(sizesOf(width, depth), seed, fours);
  while (!training.done) training.advance();
  return training.network;
};

test("parameters and multiply-adds", () => {
  expect([parameters(sizesOf(5, 0)), multiplyAdds(sizesOf(5, 0))]).toEqual([3, 2]);
  expect([parameters(sizesOf(3, 1)), multiplyAdds(sizesOf(3, 1))]).toEqual([13, 9]);
  expect([parameters(sizesOf(8, 3)), multiplyAdds(sizesOf(8, 3))]).toEqual([24 + 72 + 72 + 9, 16 + 64 + 64 + 8]);
});

test.each([[1, 0], [4, 1], [3, 2], [5, 3]])("gradient, width %i, depth %i", (width, depth) => {
  const network = initialize(sizesOf(width, depth), 3);
  const gradient = new Float64Array(network.values.length);
  const spare = gradient.slice();
  lossAndGradient(network, fours, gradient);
  const step = 1e-4; // the loss rounds exp to 32 bits, so not smaller
  let largest = 0;
  network.values.forEach((value, k) => {
    const [above, below] = [step, -step].map((by) => {
      network.values[k] = value + by;
      return lossAndGradient(network, fours, spare);
    });
    network.values[k] = value;
    largest = Math.max(largest, Math.abs((above - below) / (2 * step) - gradient[k]));
  });
  expect(largest).toBeLessThan(2e-4);
  expect(Math.max(...gradient.map(Math.abs))).toBeGreaterThan(2e-2);
});

describe("training", () => {
  test("the same seed, the same network; another seed, another", () => {
    const [one, again, other] = [0, 0, 1].map((seed) => [...trained(3, 1, seed).values]);
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    expect(one.map((value) => Number(value.toFixed(4)))).toEqual(one);
  });

  // Of (±a, ±b), a linear f has f(a,b) + f(−a,−b) = f(a,−b) + f(−a,b): wanted below 0 and above 0.
  // So at least one in four is wrong; and layers of one unit depend on one direction only.
  test.each([[1, 0], [1, 1], [1, 3]])("no straight line gets above 3 in 4: width %i, depth %i", (width, depth) => {
    for (const seed of [0, 1, 2]) expect(score(trained(width, depth, seed), fours)).toBeLessThanOrEqual(0.75);
  });

  test.each([[3, 1], [4, 1], [3, 2]])("exclusive or with width %i, depth %i, from most initializations", (width, depth) => {
    const scores = Array.from({ length: 10 }, (_, seed) => score(trained(width, depth, seed), fours));
    expect(scores.filter((share) => share >= 0.99).length).toBeGreaterThanOrEqual(9);
  });

  test("progress goes from 0 to 1", () => {
    for (const depth of [0, 1]) {
      const training = new Training(sizesOf(2, depth), 0, fours.slice(0, 8));
      expect(training.progress).toBe(0);
      while (!training.done) training.advance();
      expect(training.progress).toBe(1);
    }
  });
});

test.each([[1, 0], [4, 1], [4, 2], [5, 3]])("between its bends a profile is the response: width %i, depth %i", (width, depth) => {
  const network = initialize(sizesOf(width, depth), 5);
  const at = response(network);
  for (const b of [-0.7, 0, 0.4]) {
    const line = profile(network, b);
    if (depth === 0) expect(line.length).toBe(2);
    if (depth === 1) expect(line.length).toBeLessThanOrEqual(width + 2);
    expect([line[0][0], line.at(-1)![0]]).toEqual([-1, 1]);
    for (let i = 1; i < line.length; i++)
      for (const share of [0, 0.3, 0.5, 0.9]) {
        const [[p, from], [q, to]] = [line[i - 1], line[i]];
        expect(at(p + (q - p) * share, b)).toBeCloseTo(from + (to - from) * share, 5);
      }
  }
});

test("zero line of a plane, and of a saddle", () => {
  const plane = Array.from({ length: 16 }, (_, i) => (i % 4) - 1.25);
  expect(zeroLine(plane, 4).match(/[ML]1\.25 /g)).toHaveLength(6);
  expect(zeroLine(plane.map(() => 1), 4)).toBe("");
  // the middle of the cell decides which two corners are cut off
  expect(zeroLine([3, -1, -1, 3], 2)).toBe("M0.75 0.00L1.00 0.25M0.25 1.00L0.00 0.75");
  expect(zeroLine([1, -3, -3, 1], 2)).toBe("M1.00 0.75L0.75 1.00M0.00 0.25L0.25 0.00");
});

test("as PyTorch: every number of the network, in order", () => {
  const network = trained(2, 2, 0);
  const code = toTorch(network, 0.35, -0.2, 4);
  const numbers = code.slice(code.indexOf("weights ="), code.indexOf("with ")).match(/-?\d+(\.\d+)?/g)!.map(Number);
  const expected = [1, 2, 3].flatMap((l) => {
    const units = unitsOf(network, l);
    return [...units.flatMap((unit) => unit.slice(0, -1)), ...units.map((unit) => unit.at(-1)!)];
  });
  expect(numbers).toEqual(expected.map((value) => value + 0));
  expect(code).toContain("torch.tensor([0.35, -0.2], dtype");
});
