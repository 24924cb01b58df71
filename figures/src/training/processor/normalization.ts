/**
 * Batch normalization of a batch and the ReLU after it, forward and backward.
 *
 * Each channel has a mean m and a variance v over the n positions of all images, a weight w and a
 * bias b. With x̂ = (x − m) / √(v + ε),
 *
 *     y = max(0, w·x̂ + b)
 *
 * and with g = ∂loss/∂y, but 0 where the ReLU has cut y, backward
 *
 *     ∂loss/∂b = Σ g
 *     ∂loss/∂w = Σ g·x̂
 *     ∂loss/∂x = w / √(v + ε) · (g − Σ g / n − x̂·Σ g·x̂ / n)
 *
 * where the last two terms are there because m and v depend on each x too.
 */
import { clearPadding, type Maps, type Memory, type Place, roundUp } from "./memory";

const EPSILON = 1e-5; // as in torch
const MEMORY = 0.1; // share of a batch in the running statistics, as in torch

/** Find the batch's mean and variance of each channel. */
export function measure({ kernels, statistics }: Memory, { to, out, stats, convolved }: Place, count: number): void {
  const n = count * out * out;
  const padded = roundUp(n, 8);
  for (let c = 0; c < to; c++) {
    const x = convolved.at + c * convolved.pitch;
    const mean = kernels.sum(x, padded) / n;
    const squares = kernels.products(x, x, mean, mean, padded) - (padded - n) * mean * mean; // without the zeros that fill up
    statistics[stats + 2 * c] = mean;
    statistics[stats + 2 * c + 1] = squares / n;
  }
}

/** Normalize by statistics (the batch's or the running ones), and cut at 0. */
export function forward(memory: Memory, place: Place, count: number, statistics: ArrayLike<number>): void {
  const { kernels, floats, parameters } = memory;
  const { to, out, stats, convolved, active } = place;
  for (let c = 0; c < to; c++) {
    const [mean, variance] = [statistics[stats + 2 * c], statistics[stats + 2 * c + 1]];
    const factor = floats[parameters + place.scale + c] / Math.sqrt(variance + EPSILON);
    const shift = floats[parameters + place.bias + c] - mean * factor;
    kernels.normalize(convolved.at + c * convolved.pitch, active.at + c * active.pitch, factor, shift, roundUp(count * out * out, 8));
  }
}

/** Turn `slope` from ∂loss/∂y into ∂loss/∂x, and compute the gradient of the weights and biases. */
export function backward(memory: Memory, place: Place, count: number, slope: Maps): void {
  const { kernels, floats, parameters, gradient, statistics } = memory;
  const { to, out, stats, convolved, active } = place;
  const n = count * out * out;
  const padded = roundUp(n, 8);
  for (let c = 0; c < to; c++) {
    const [g, x] = [slope.at + c * slope.pitch, convolved.at + c * convolved.pitch];
    const [mean, scale] = [statistics[stats + 2 * c], 1 / Math.sqrt(statistics[stats + 2 * c + 1] + EPSILON)];
    kernels.mask(g, active.at + c * active.pitch, padded);
    const sum = kernels.sum(g, padded);
    const dot = scale * kernels.products(g, x, 0, mean, padded); // Σ g·x̂
    floats[gradient + place.bias + c] = sum;
    floats[gradient + place.scale + c] = dot;
    // The formula above, sorted by g, x and neither.
    const factor = floats[parameters + place.scale + c] * scale;
    const ofX = (-factor * scale * dot) / n;
    kernels.combine(g, x, factor, ofX, (-factor * sum) / n - ofX * mean, padded);
  }
  clearPadding(memory, slope, to, n);
}

/** Let the running statistics follow the batch's; for the variance, torch keeps that with n − 1. */
export function remember({ statistics }: Memory, { to, out, stats }: Place, count: number, running: Float32Array): void {
  const n = count * out * out;
  for (let i = stats; i < stats + 2 * to; i += 2) {
    running[i] += MEMORY * (statistics[i] - running[i]);
    running[i + 1] += MEMORY * ((statistics[i + 1] * n) / (n - 1) - running[i + 1]);
  }
}
