import { expect, test } from "vitest";
import { plan, POCKET, TWIN } from "../src/training/plan";
import { initialize, order, rates, type Scheme } from "../src/training/recipe";

test("an epoch has every image at most once, and half of them mirrored", () => {
  const named = order(1000, 128, 3, 5);
  expect(named.length).toBe(3 * 896);
  const epochs = [0, 1, 2].map((epoch) => [...named.subarray(epoch * 896, (epoch + 1) * 896)]);
  for (const epoch of epochs) {
    const images = new Set(epoch.map((name) => name >> 1));
    expect(images.size).toBe(896);
    expect(Math.max(...images)).toBeLessThan(1000);
    expect(Math.abs(epoch.filter((name) => name & 1).length - 448)).toBeLessThan(60);
  }
  expect(epochs[0]).not.toEqual(epochs[1]);
  expect([...order(1000, 128, 1, 5)]).toEqual(epochs[0]);
  expect([...order(1000, 128, 1, 6)]).not.toEqual(epochs[0]);
});

test("a training of a few steps has rates too", () => {
  for (const steps of [1, 2, 5, 6, 7]) expect([...rates(steps, 0.4)].every((rate) => rate > 0 && rate <= 0.4 + 1e-7)).toBe(true);
});

const variance = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0) / values.length;

test.each<[Scheme, (from: number, to: number, kernel: number) => number]>([
  ["he", (from, _, kernel) => 2 / (from * kernel ** 2)],
  ["xavier", (from, to, kernel) => 2 / ((from + to) * kernel ** 2)],
  ["default", (from, _, kernel) => 1 / (3 * from * kernel ** 2)],
])("weights have the variance of their scheme: %s", (scheme, wanted) => {
  for (const norm of [true, false]) {
    const network = plan(128, { ...POCKET, norm });
    const { parameters, momentum, running } = initialize(network, scheme, 1);
    for (const { from, to, kernel, weight, scale, bias, ...layer } of network.layers) {
      const weights = parameters.subarray(weight, weight + to * from * kernel ** 2);
      const share = variance(weights) / wanted(from, to, kernel);
      expect(Math.abs(share - 1)).toBeLessThan(5 / Math.sqrt(weights.length));
      const biases = parameters.subarray(bias, bias + to);
      if (layer.norm) expect(new Set(parameters.subarray(scale, scale + to))).toEqual(new Set([1]));
      if (layer.norm || scheme === "he") expect(new Set(biases)).toEqual(new Set([0]));
      else expect(Math.max(...biases.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(from * kernel ** 2));
    }
    expect(new Set(momentum)).toEqual(new Set([0]));
    expect([...running.subarray(0, 4)]).toEqual(norm ? [0, 1, 0, 1] : []);
  }
});

test("the seed draws the weights", () => {
  const [one, again, other] = [1, 1, 2].map((seed) => initialize(plan(128, TWIN), "he", seed).parameters);
  expect(one).toEqual(again);
  expect(one).not.toEqual(other);
});
