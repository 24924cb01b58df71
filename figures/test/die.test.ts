import { describe, expect, test } from "vitest";
import { deadIn, EVERY, type Measurement, type Settings, shapesOf, STEPS, trainOnRequest, verdict } from "../src/net/experiment";
import { addProduct, productWithTransposed } from "../src/net/matrix";
import { Batch, emptyLayer, gradientNorm, type Layer, type Options, outputSide, type Shape } from "../src/net/trainer";
import { random } from "../src/net/random";

const numbers = (count: number, seed: number): Float64Array => {
  const draw = random(seed);
  return Float64Array.from({ length: count }, () => 2 * draw() - 1);
};

test("both products, with sizes that are no multiple of four", () => {
  const [m, k, n] = [3, 7, 5];
  const [a, b] = [numbers(m * k, 1), numbers(k * n, 2)];
  const wanted = Array.from({ length: m * n }, (_, i) => {
    let sum = 1;
    for (let r = 0; r < k; r++) sum += a[Math.floor(i / n) * k + r] * b[r * n + (i % n)];
    return sum;
  });
  const out = new Float64Array(m * n).fill(1);
  addProduct(out, a, b, m, k, n, k, 1);
  out.forEach((value, i) => expect(value).toBeCloseTo(wanted[i], 12));
  const turned = Float64Array.from(a, (_, i) => a[(i % m) * k + Math.floor(i / m)]); // k×m
  const again = new Float64Array(m * n).fill(1);
  addProduct(again, turned, b, m, k, n, 1, m);
  expect(again).toEqual(out);
  const back = new Float64Array(m * k);
  productWithTransposed(back, out, b, m, k, n);
  for (let i = 0; i < m; i++)
    for (let r = 0; r < k; r++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += out[i * n + j] * b[r * n + j];
      expect(back[i * k + r]).toBeCloseTo(sum, 12);
    }
});

const SHAPES: Shape[] = [
  { from: 1, to: 3, kernel: 3, stride: 2, side: 7 },
  { from: 3, to: 5, kernel: 1, stride: 1, side: 4 },
  { from: 5, to: 4, kernel: 3, stride: 1, side: 4 },
];

test.each<Options>([
  { finalRelu: true, norm: false },
  { finalRelu: false, norm: false },
  { finalRelu: true, norm: true },
  { finalRelu: false, norm: true },
])("gradients are the loss's differences: %o", (options) => {
  const count = 6;
  const batch = new Batch(SHAPES, count, options);
  const [input, labels] = [numbers(count * 49, 3), [0, 1, 2, 3, 0, 1]];
  const layers = SHAPES.map((shape, l): Layer => {
    const layer = emptyLayer(shape);
    layer.weight.set(numbers(layer.weight.length, 10 + l));
    layer.bias.set(numbers(layer.bias.length, 20 + l).map((value) => value / 4));
    return layer;
  });
  const gradients = SHAPES.map(emptyLayer);
  const loss = () => {
    batch.forward(input, layers);
    return batch.loss(labels);
  };
  loss();
  batch.backward(layers, gradients);
  const by = 1e-6;
  let largest = 0;
  layers.forEach((layer, l) => {
    const normed = options.norm && (l < 2 || options.finalRelu);
    for (const key of ["weight", "bias", ...(normed ? (["scale"] as const) : [])] as const)
      layer[key].forEach((value, i) => {
        const [above, below] = [by, -by].map((more) => {
          layer[key][i] = value + more;
          return loss();
        });
        layer[key][i] = value;
        largest = Math.max(largest, Math.abs((above - below) / (2 * by) - gradients[l][key][i]));
      });
  });
  expect(largest).toBeLessThan(1e-6);
  expect(gradientNorm(gradients)).toBeGreaterThan(0.1);
});

// ---- the experiment, on images of bars that differ from class to class
const side = 14;
const images = (() => {
  const draw = random(5);
  const pixels = Array.from({ length: 320 }, (_, n) =>
    Array.from({ length: side * side }, (_, i) => (Math.floor(i / side) === n % 10 + 2 ? 15 : Math.floor(4 * draw())))).flat();
  return { packed: Uint8Array.from({ length: pixels.length / 2 }, (_, i) => pixels[2 * i] * 16 + pixels[2 * i + 1]), side, classes: 10 };
})();
const widths = shapesOf(side, 10).map(({ to }) => to);
const plain: Settings = { gain: Math.SQRT2, bias: 0, learningRate: 0.1, finalRelu: true, norm: false, seed: 3 };
const measured = (settings: Partial<Settings>, count: number): Measurement[] =>
  trainOnRequest()({ run: 1, images, settings: { ...plain, ...settings }, count }).measurements;

test("twelve layers, four blocks, class maps of 4×4", () => {
  const shapes = shapesOf(side, 10);
  expect(shapes.length).toBe(12);
  expect(widths.at(-1)).toBe(10);
  expect(outputSide(shapes.at(-1)!)).toBe(4);
});

describe("a run", () => {
  test("is the same from the same seed, in one piece or in slices", () => {
    const whole = measured({}, 5);
    const answer = trainOnRequest();
    const parts = [2, 1, 2].flatMap((count) => answer({ run: 7, images, settings: plain, count }).measurements);
    expect(parts).toEqual(whole);
    expect(whole.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4].map((i) => i * EVERY));
    expect(measured({ seed: 4 }, 2)[1].loss).not.toBe(whole[1].loss);
  });

  test("starts over with another number", () => {
    const answer = trainOnRequest();
    answer({ run: 1, images, settings: plain, count: 3 });
    expect(answer({ run: 2, images, settings: plain, count: 2 }).measurements).toEqual(measured({}, 2));
  });

  test("ends after its last step", () => {
    const answer = trainOnRequest();
    const small = { ...plain, bias: -0.5 };
    let last = -1;
    for (let i = 0; i < 40; i++) {
      const { measurements } = answer({ run: 1, images, settings: small, count: 10 });
      if (measurements.length) last = measurements.at(-1)!.step;
    }
    expect(last).toBe(STEPS);
  }, 60_000);

  test("learns with batch normalization", () => {
    const measurements = measured({ norm: true, learningRate: 0.3 }, 41);
    expect(verdict(measurements, 0, widths)).toBe("untrained");
    expect(verdict(measurements, 40, widths)).toBe("training");
    expect(measurements[40].loss).toBeLessThan(1.5);
  }, 30_000);
});

describe("the verdict", () => {
  test("dead from the start with every bias below zero: ln 10 and gradient 0 at each step", () => {
    const measurements = measured({ bias: -0.5 }, 4);
    for (const { loss, gradient, stuck } of measurements) {
      expect(loss).toBeCloseTo(Math.log(10), 12);
      expect([gradient, stuck]).toEqual([0, true]);
    }
    expect(verdict(measurements, 3, widths)).toBe("dead");
    expect(deadIn(measurements[3].activeImages, widths).at(-1)).toBe(10);
  });
  test("blind with small weights and a bias", () => {
    expect(verdict(measured({ gain: 1 / Math.sqrt(3), bias: 0.1 }, 2), 1, widths)).toBe("blind");
  });
  test("diverged, with a loss that is no number", () => {
    const measurements = measured({ learningRate: 1e9, finalRelu: false }, 12);
    expect(Number.isFinite(measurements.at(-1)!.loss)).toBe(false);
    expect(verdict(measurements, 11, widths)).toBe("diverged");
  });
  test("cut off, training, worse, slow", () => {
    const [one] = measured({}, 1);
    const like = (loss: number, more: Partial<Measurement> = {}) => [one, { ...one, step: 3, loss, gradient: 1, variation: 0.5, ...more }];
    const at = (measurements: Measurement[]) => verdict(measurements.slice(1).concat(measurements[1]), 1, widths);
    expect(at(like(1.5))).toBe("training");
    expect(at(like(3))).toBe("worse");
    expect(at(like(2.3))).toBe("slow");
    expect(at(like(2.3, { activeImages: one.activeImages.map((count, unit) => (unit < 8 ? 0 : count)) }))).toBe("cut");
    // a batch without a gradient is not yet the end
    expect(at(like(Math.log(10), { gradient: 0 }))).toBe("silent");
  });
  test("a unit is dead where it is 0 for every probe image", () => {
    expect(deadIn([0, 5, 0, 1, 0, 0], [2, 1, 3])).toEqual([1, 1, 2]);
    const [{ on, activeImages }] = measured({}, 1);
    on.forEach((share, unit) => expect(share === 0).toBe(activeImages[unit] === 0));
  });
});
