/**
 * A small convolutional network that trains: forward, backward, stochastic gradient descent.
 *
 * A batch is stored channel by channel: all images' positions of channel 0, then of channel 1. So a
 * convolution is one matrix product with the patches as columns, and a 1×1 layer is that product
 * with the maps themselves.
 */
import { addProduct, productWithTransposed } from "./matrix";

export interface Shape {
  from: number;
  to: number;
  kernel: number;
  stride: number;
  /** Height and width of the input; the output's follow, with a padding of half the kernel. */
  side: number;
}

export interface Options {
  /** Whether a ReLU follows the last layer too. */
  finalRelu: boolean;
  /** Whether batch normalization precedes every ReLU. */
  norm: boolean;
}

export const outputSide = ({ kernel, stride, side }: Shape): number =>
  Math.floor((side + 2 * (kernel >> 1) - kernel) / stride) + 1;

/** The parameters of a layer. `scale` is used with batch normalization alone, which the bias then follows. */
export interface Layer {
  weight: Float64Array;
  bias: Float64Array;
  scale: Float64Array;
}

/** A layer with weights and biases 0. */
export const emptyLayer = ({ from, to, kernel }: Shape): Layer => ({
  weight: new Float64Array(to * from * kernel * kernel),
  bias: new Float64Array(to),
  scale: new Float64Array(to).fill(1),
});

const EPSILON = 1e-5; // of batch normalization, as in torch

/** One layer's outputs and gradients for a batch of fixed size. */
class LayerPass {
  readonly rows: number;
  readonly columns: number;
  readonly out: Float64Array;
  readonly outputGradient: Float64Array; // of the loss with respect to each output
  private readonly pointwise: boolean; // the patches of a 1×1 layer are the maps themselves
  private readonly sources: Int32Array; // for each entry of the patches, its index in the input; −1 in the padding
  private patches: Float64Array;
  private readonly normalized: Float64Array;
  private readonly std: Float64Array;

  constructor(readonly shape: Shape, count: number, readonly relu: boolean, readonly norm: boolean) {
    const { from, to, kernel, stride, side } = shape;
    const [height, pad] = [outputSide(shape), kernel >> 1];
    this.rows = from * kernel * kernel;
    this.columns = count * height * height;
    this.out = new Float64Array(to * this.columns);
    this.outputGradient = new Float64Array(to * this.columns);
    this.pointwise = kernel === 1 && stride === 1;
    this.patches = new Float64Array(this.pointwise ? 0 : this.rows * this.columns);
    this.normalized = new Float64Array(norm ? to * this.columns : 0);
    this.std = new Float64Array(to);
    this.sources = new Int32Array(this.patches.length);
    if (this.pointwise) return;
    let at = 0;
    for (let c = 0; c < from; c++)
      for (let ky = 0; ky < kernel; ky++)
        for (let kx = 0; kx < kernel; kx++)
          for (let n = 0; n < count; n++)
            for (let y = 0; y < height; y++)
              for (let x = 0; x < height; x++) {
                const [row, column] = [y * stride + ky - pad, x * stride + kx - pad];
                const inside = row >= 0 && row < side && column >= 0 && column < side;
                this.sources[at++] = inside ? ((c * count + n) * side + row) * side + column : -1;
              }
  }

  forward(input: Float64Array, { weight, bias, scale }: Layer): void {
    if (this.pointwise) this.patches = input;
    const { rows, columns, patches, sources, out } = this;
    const { to } = this.shape;
    for (let i = 0; i < sources.length; i++) {
      const source = sources[i];
      patches[i] = source < 0 ? 0 : input[source];
    }
    for (let o = 0; o < to; o++) out.fill(this.norm ? 0 : bias[o], o * columns, (o + 1) * columns);
    addProduct(out, weight, patches, to, rows, columns, rows, 1);
    if (this.norm) for (let o = 0; o < to; o++) this.normalize(o, scale[o], bias[o]);
    // not max(0, x), which would turn NaN into 0
    if (this.relu) for (let i = 0; i < out.length; i++) if (out[i] < 0) out[i] = 0;
  }

  private normalize(o: number, scale: number, bias: number): void {
    const { columns, out, normalized } = this;
    const base = o * columns;
    let [sum, squares] = [0, 0];
    for (let j = base; j < base + columns; j++) sum += out[j];
    const mean = sum / columns;
    for (let j = base; j < base + columns; j++) squares += (out[j] - mean) ** 2;
    this.std[o] = Math.sqrt(squares / columns + EPSILON);
    for (let j = base; j < base + columns; j++) {
      normalized[j] = (out[j] - mean) / this.std[o];
      out[j] = normalized[j] * scale + bias;
    }
  }

  /** Compute from `outputGradient` the gradient of this layer's parameters and, if wanted, of its input. */
  backward(layer: Layer, gradient: Layer, inputGradient?: Float64Array): void {
    const { rows, columns, patches, sources, out, outputGradient } = this;
    const { to } = this.shape;
    if (this.relu) for (let i = 0; i < out.length; i++) if (out[i] <= 0) outputGradient[i] = 0;
    for (let o = 0; o < to; o++) {
      let sum = 0;
      for (let j = o * columns; j < (o + 1) * columns; j++) sum += outputGradient[j];
      gradient.bias[o] = sum;
      if (this.norm) gradient.scale[o] = this.backwardNorm(o, layer.scale[o], sum);
    }
    productWithTransposed(gradient.weight, outputGradient, patches, to, rows, columns);
    if (!inputGradient) return;
    const patchGradient = this.pointwise ? inputGradient : patches; // the patches are no longer needed
    patchGradient.fill(0);
    addProduct(patchGradient, layer.weight, outputGradient, rows, to, columns, 1, rows);
    if (this.pointwise) return;
    inputGradient.fill(0);
    for (let i = 0; i < sources.length; i++) {
      const source = sources[i];
      if (source >= 0) inputGradient[source] += patches[i];
    }
  }

  /** Turn `outputGradient` into the gradient before the normalization; returns the gradient of its scale. */
  private backwardNorm(o: number, scale: number, sum: number): number {
    const { columns, outputGradient, normalized } = this;
    const base = o * columns;
    let dot = 0;
    for (let j = base; j < base + columns; j++) dot += outputGradient[j] * normalized[j];
    const factor = scale / this.std[o];
    for (let j = base; j < base + columns; j++) outputGradient[j] = factor * (outputGradient[j] - sum / columns - (normalized[j] * dot) / columns);
    return dot;
  }
}

/** The network's outputs and gradients for batches of `count` images; the last layer's maps, averaged, are the logits. */
export class Batch {
  readonly logits: Float64Array; // image by image
  private readonly passes: LayerPass[];
  private readonly classes: number;

  constructor(shapes: Shape[], readonly count: number, { finalRelu, norm }: Options) {
    const last = shapes.length - 1;
    this.passes = shapes.map((shape, l) => {
      const relu = l < last || finalRelu;
      return new LayerPass(shape, count, relu, relu && norm);
    });
    this.classes = shapes[last].to;
    this.logits = new Float64Array(count * this.classes);
  }

  /** The output of layer l: channel by channel, the positions of all images. */
  out(l: number): Float64Array {
    return this.passes[l].out;
  }

  forward(input: Float64Array, layers: Layer[]): void {
    this.passes.forEach((pass, l) => pass.forward(l ? this.passes[l - 1].out : input, layers[l]));
    const { out, columns } = this.passes.at(-1)!;
    const positions = columns / this.count;
    this.logits.fill(0);
    for (let c = 0; c < this.classes; c++)
      for (let j = 0; j < columns; j++) this.logits[Math.floor(j / positions) * this.classes + c] += out[c * columns + j] / positions;
  }

  /** The mean cross-entropy of the logits; keeps its gradient with respect to the last maps for `backward`. */
  loss(labels: ArrayLike<number>): number {
    const { classes, count, logits } = this;
    const { outputGradient, columns } = this.passes.at(-1)!;
    const positions = columns / count;
    let total = 0;
    for (let n = 0; n < count; n++) {
      const image = logits.subarray(n * classes, (n + 1) * classes);
      const most = image.reduce((a, b) => Math.max(a, b)); // NaN stays NaN
      const powers = image.map((logit) => Math.exp(logit - most));
      total += Math.log(powers.reduce((a, b) => a + b)) + most - image[labels[n]];
      // Browsers differ in the last digits of exp; what enters the gradient is rounded, so that they agree.
      const rounded = powers.map(Math.fround);
      const sum = rounded.reduce((a, b) => a + b);
      for (let c = 0; c < classes; c++) {
        const gradient = (rounded[c] / sum - (c === labels[n] ? 1 : 0)) / (count * positions);
        outputGradient.fill(gradient, c * columns + n * positions, c * columns + (n + 1) * positions);
      }
    }
    return total / count;
  }

  backward(layers: Layer[], gradients: Layer[]): void {
    for (let l = this.passes.length - 1; l >= 0; l--) this.passes[l].backward(layers[l], gradients[l], this.passes[l - 1]?.outputGradient);
  }
}

const PARAMETERS = ["weight", "bias", "scale"] as const;

/** The norm of all gradients as one vector. */
export const gradientNorm = (gradients: Layer[]): number =>
  Math.sqrt(gradients.reduce((sum, layer) => PARAMETERS.reduce((sum, key) => layer[key].reduce((s, g) => s + g * g, sum), sum), 0));

/** Take one step of gradient descent. */
export function descend(layers: Layer[], gradients: Layer[], learningRate: number): void {
  layers.forEach((layer, l) => PARAMETERS.forEach((key) => layer[key].forEach((_, i) => (layer[key][i] -= learningRate * gradients[l][key][i]))));
}
