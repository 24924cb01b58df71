/**
 * A small network of convolutions that trains: forward, backward, stochastic gradient descent.
 *
 * A batch lies channel by channel: all pictures' positions of channel 0, then of channel 1. So a
 * convolution is one matrix product with the patches laid into columns, and a 1×1 layer is that
 * product with the maps themselves.
 */
import { addProduct, productWithTransposed } from "./matrix";

export interface Shape {
  from: number;
  to: number;
  kernel: number;
  stride: number;
  /** Height and width of what comes in; what goes out follows, with a padding of half the kernel. */
  side: number;
}

export interface Options {
  /** A ReLU after the last layer too. */
  finalRelu: boolean;
  /** Batch normalization before every ReLU. */
  norm: boolean;
}

export const outSide = ({ kernel, stride, side }: Shape): number =>
  Math.floor((side + 2 * (kernel >> 1) - kernel) / stride) + 1;

/** The numbers that are learned. `scale` is used with batch normalization alone; the bias comes after it. */
export interface Layer {
  weight: Float64Array;
  bias: Float64Array;
  scale: Float64Array;
}

export const layerOf = ({ from, to, kernel }: Shape): Layer => ({
  weight: new Float64Array(to * from * kernel * kernel),
  bias: new Float64Array(to),
  scale: new Float64Array(to).fill(1),
});

const EPSILON = 1e-5; // batch normalization's, as in torch

/** One layer at work on a batch of fixed size. */
class Worked {
  readonly rows: number;
  readonly columns: number;
  readonly out: Float64Array;
  readonly slope: Float64Array; // of the loss, by each output
  private readonly whole: boolean; // a 1×1 layer's patches are the maps themselves
  private readonly places: Int32Array; // for each entry of the patches, where in the input it lies; −1 in the padding
  private patches: Float64Array;
  private readonly centered: Float64Array;
  private readonly spread: Float64Array;

  constructor(readonly shape: Shape, count: number, readonly relu: boolean, readonly norm: boolean) {
    const { from, to, kernel, stride, side } = shape;
    const [height, pad] = [outSide(shape), kernel >> 1];
    this.rows = from * kernel * kernel;
    this.columns = count * height * height;
    this.out = new Float64Array(to * this.columns);
    this.slope = new Float64Array(to * this.columns);
    this.whole = kernel === 1 && stride === 1;
    this.patches = new Float64Array(this.whole ? 0 : this.rows * this.columns);
    this.centered = new Float64Array(norm ? to * this.columns : 0);
    this.spread = new Float64Array(to);
    this.places = new Int32Array(this.patches.length);
    if (this.whole) return;
    let at = 0;
    for (let c = 0; c < from; c++)
      for (let ky = 0; ky < kernel; ky++)
        for (let kx = 0; kx < kernel; kx++)
          for (let n = 0; n < count; n++)
            for (let y = 0; y < height; y++)
              for (let x = 0; x < height; x++) {
                const [row, column] = [y * stride + ky - pad, x * stride + kx - pad];
                const inside = row >= 0 && row < side && column >= 0 && column < side;
                this.places[at++] = inside ? ((c * count + n) * side + row) * side + column : -1;
              }
  }

  forward(input: Float64Array, { weight, bias, scale }: Layer): void {
    if (this.whole) this.patches = input;
    const { rows, columns, patches, places, out } = this;
    const { to } = this.shape;
    for (let i = 0; i < places.length; i++) {
      const place = places[i];
      patches[i] = place < 0 ? 0 : input[place];
    }
    for (let o = 0; o < to; o++) out.fill(this.norm ? 0 : bias[o], o * columns, (o + 1) * columns);
    addProduct(out, weight, patches, to, rows, columns, rows, 1);
    if (this.norm) for (let o = 0; o < to; o++) this.normalize(o, scale[o], bias[o]);
    // not max(0, x): what is no number any more must stay none
    if (this.relu) for (let i = 0; i < out.length; i++) if (out[i] < 0) out[i] = 0;
  }

  private normalize(o: number, scale: number, bias: number): void {
    const { columns, out, centered } = this;
    const base = o * columns;
    let [sum, squares] = [0, 0];
    for (let j = base; j < base + columns; j++) sum += out[j];
    const mean = sum / columns;
    for (let j = base; j < base + columns; j++) squares += (out[j] - mean) ** 2;
    this.spread[o] = Math.sqrt(squares / columns + EPSILON);
    for (let j = base; j < base + columns; j++) {
      centered[j] = (out[j] - mean) / this.spread[o];
      out[j] = centered[j] * scale + bias;
    }
  }

  /** From `slope` the gradient of this layer's numbers, and `before`, the slopes of the layer before it. */
  backward(layer: Layer, gradient: Layer, before?: Float64Array): void {
    const { rows, columns, patches, places, out, slope } = this;
    const { to } = this.shape;
    if (this.relu) for (let i = 0; i < out.length; i++) if (out[i] <= 0) slope[i] = 0;
    for (let o = 0; o < to; o++) {
      let sum = 0;
      for (let j = o * columns; j < (o + 1) * columns; j++) sum += slope[j];
      gradient.bias[o] = sum;
      if (this.norm) gradient.scale[o] = this.throughNorm(o, layer.scale[o], sum);
    }
    productWithTransposed(gradient.weight, slope, patches, to, rows, columns);
    if (!before) return;
    const slopes = this.whole ? before : patches; // the patches have done their work
    slopes.fill(0);
    addProduct(slopes, layer.weight, slope, rows, to, columns, 1, rows);
    if (this.whole) return;
    before.fill(0);
    for (let i = 0; i < places.length; i++) {
      const place = places[i];
      if (place >= 0) before[place] += patches[i];
    }
  }

  /** Turns the slopes by what the normalization gave into slopes by what it took; returns that of its scale. */
  private throughNorm(o: number, scale: number, sum: number): number {
    const { columns, slope, centered } = this;
    const base = o * columns;
    let dot = 0;
    for (let j = base; j < base + columns; j++) dot += slope[j] * centered[j];
    const factor = scale / this.spread[o];
    for (let j = base; j < base + columns; j++) slope[j] = factor * (slope[j] - sum / columns - (centered[j] * dot) / columns);
    return dot;
  }
}

/** The network at work on batches of `count` pictures; the last layer's maps, averaged, are the logits. */
export class Batch {
  readonly logits: Float64Array; // picture by picture
  private readonly worked: Worked[];
  private readonly classes: number;

  constructor(shapes: Shape[], readonly count: number, { finalRelu, norm }: Options) {
    const last = shapes.length - 1;
    this.worked = shapes.map((shape, l) => {
      const relu = l < last || finalRelu;
      return new Worked(shape, count, relu, relu && norm);
    });
    this.classes = shapes[last].to;
    this.logits = new Float64Array(count * this.classes);
  }

  /** What layer l has given: channel by channel, the positions of all pictures. */
  out(l: number): Float64Array {
    return this.worked[l].out;
  }

  forward(input: Float64Array, layers: Layer[]): void {
    this.worked.forEach((worked, l) => worked.forward(l ? this.worked[l - 1].out : input, layers[l]));
    const { out, columns } = this.worked.at(-1)!;
    const positions = columns / this.count;
    this.logits.fill(0);
    for (let c = 0; c < this.classes; c++)
      for (let j = 0; j < columns; j++) this.logits[Math.floor(j / positions) * this.classes + c] += out[c * columns + j] / positions;
  }

  /** The mean cross-entropy of the logits; keeps its slopes by the last maps for `backward`. */
  loss(labels: ArrayLike<number>): number {
    const { classes, count, logits } = this;
    const { slope, columns } = this.worked.at(-1)!;
    const positions = columns / count;
    let total = 0;
    for (let n = 0; n < count; n++) {
      const own = logits.subarray(n * classes, (n + 1) * classes);
      const most = own.reduce((a, b) => Math.max(a, b)); // NaN stays NaN
      const powers = own.map((logit) => Math.exp(logit - most));
      total += Math.log(powers.reduce((a, b) => a + b)) + most - own[labels[n]];
      // Browsers differ in the last digits of exp; what is learned from is rounded, so that they agree.
      const rounded = powers.map(Math.fround);
      const sum = rounded.reduce((a, b) => a + b);
      for (let c = 0; c < classes; c++) {
        const by = (rounded[c] / sum - (c === labels[n] ? 1 : 0)) / (count * positions);
        slope.fill(by, c * columns + n * positions, c * columns + (n + 1) * positions);
      }
    }
    return total / count;
  }

  backward(layers: Layer[], gradients: Layer[]): void {
    for (let l = this.worked.length - 1; l >= 0; l--) this.worked[l].backward(layers[l], gradients[l], this.worked[l - 1]?.slope);
  }
}

const NUMBERS = ["weight", "bias", "scale"] as const;

/** The length of all gradients as one vector. */
export const norm = (gradients: Layer[]): number =>
  Math.sqrt(gradients.reduce((sum, layer) => NUMBERS.reduce((sum, key) => layer[key].reduce((s, g) => s + g * g, sum), sum), 0));

/** One step of gradient descent. */
export function step(layers: Layer[], gradients: Layer[], rate: number): void {
  layers.forEach((layer, l) => NUMBERS.forEach((key) => layer[key].forEach((_, i) => (layer[key][i] -= rate * gradients[l][key][i]))));
}
