/** A small convolutional network in the page: runs on one image, and keeps every layer's output. */
import { type Arithmetic, best } from "./multiply";

/** One layer, as in a file of weights. */
export interface Layer {
  name: string;
  kind: "conv" | "maxpool" | "average";
  out: number;
  kernel: number;
  stride: number;
  padding: number;
  relu: boolean;
}

/** A unit set to one value everywhere: an output channel of a layer. */
export interface Clamp {
  layer: number;
  channel: number;
  value: number;
}

interface PlacedLayer extends Layer {
  channels: number; // of the input
  height: number; // of the output
  width: number;
  positions: number; // height·width, padded to a multiple of 8
  weights: number;
  bias: number;
  output: number;
}

const roundUp = (value: number, to: number) => Math.ceil(value / to) * to;

/** float16 bits → number. */
export function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : (fraction / 1024) * 2 ** -14);
}

export class Network {
  readonly layers: PlacedLayer[] = [];
  readonly path: string;
  readonly input: { channels: number; height: number; width: number };
  private readonly floats: Float32Array;
  private readonly multiply: Arithmetic["multiply"];
  private readonly columns: number;

  /**
   * @param file a length (uint32), that many bytes of JSON {input: [channels, height, width],
   * layers}, then all weights and biases as float16, layer by layer. Throws if it is cut short.
   * @param size [height, width] of the images, if other than the file has: the weights are the same.
   */
  constructor(file: DataView, arithmetic: (size: number) => Arithmetic = best, size?: [number, number]) {
    const length = file.getUint32(0, true);
    const bytes = new Uint8Array(file.buffer, file.byteOffset + 4, length);
    const { input, layers } = JSON.parse(new TextDecoder().decode(bytes)) as { input: number[]; layers: Layer[] };

    let [channels, height, width] = size ? [input[0], ...size] : input;
    this.input = { channels, height, width };
    let floatsUsed = 0;
    const take = (count: number) => (floatsUsed += count) - count;
    take(roundUp(channels, 4) * roundUp(height * width, 8));
    let unfolded = 0;
    for (const layer of layers) {
      const shrink = (side: number) =>
        layer.kind === "average" ? 1 : Math.floor((side + 2 * layer.padding - layer.kernel) / layer.stride) + 1;
      const depth = channels * layer.kernel ** 2;
      [height, width] = [shrink(height), shrink(width)];
      const positions = roundUp(height * width, 8);
      const conv = layer.kind === "conv";
      this.layers.push({
        ...layer,
        channels,
        height,
        width,
        positions,
        weights: conv ? take(roundUp(layer.out, 4) * depth) : 0,
        bias: conv ? take(roundUp(layer.out, 4)) : 0,
        output: take(roundUp(layer.out, 4) * positions),
      });
      if (conv) unfolded = Math.max(unfolded, depth * positions);
      channels = layer.out;
    }
    this.columns = take(unfolded);
    const { floats, multiply, path } = arithmetic(floatsUsed);
    [this.floats, this.multiply, this.path] = [floats, multiply, path];

    let at = 4 + length;
    const read = (to: number, count: number) => {
      for (let i = 0; i < count; i++, at += 2) floats[to + i] = half(file.getUint16(at, true));
    };
    for (const layer of this.layers)
      if (layer.kind === "conv") {
        read(layer.weights, layer.out * layer.channels * layer.kernel ** 2);
        read(layer.bias, layer.out);
      }
  }

  /** Run on C×H×W values, from layer `from` on; the outputs of the layers before it are kept. */
  run(input: ArrayLike<number> | null, clamps: Clamp[] = [], from = 0): void {
    if (input) this.floats.set(input as ArrayLike<number>, 0);
    for (let i = from; i < this.layers.length; i++) {
      this.step(i);
      for (const clamp of clamps)
        if (clamp.layer === i) {
          const { output, positions } = this.layers[i];
          const start = output + clamp.channel * positions;
          this.floats.fill(clamp.value, start, start + positions);
        }
    }
  }

  /** One output value of a layer; position = row · width + column. */
  at(layer: number, channel: number, position: number): number {
    const { output, positions } = this.layers[layer];
    return this.floats[output + channel * positions + position];
  }

  /** One map of a layer: a view, which changes when the network runs again. */
  map(layer: number, channel: number): Float32Array {
    const { output, positions, height, width } = this.layers[layer];
    const start = output + channel * positions;
    return this.floats.subarray(start, start + height * width);
  }

  /** Copy all maps of a layer, one array a channel. */
  maps(layer: number): Float32Array[] {
    return Array.from({ length: this.layers[layer].out }, (_, channel) => this.map(layer, channel).slice());
  }

  /** The weights of one output channel: inputs × kernel × kernel numbers. */
  weightsOf(layer: number, channel: number): Float32Array {
    const { weights, channels, kernel } = this.layers[layer];
    const count = channels * kernel ** 2;
    return this.floats.subarray(weights + channel * count, weights + (channel + 1) * count);
  }

  biasOf(layer: number, channel: number): number {
    return this.floats[this.layers[layer].bias + channel];
  }

  private step(index: number): void {
    const layer = this.layers[index];
    const before = index ? this.layers[index - 1] : null;
    const from = before ? before.output : 0;
    const { floats } = this;
    // The image has no padding between its channels; all other inputs have.
    const { height, width } = before ?? this.input;
    const pitch = before ? before.positions : height * width;
    if (layer.kind === "average") {
      for (let c = 0; c < layer.out; c++) {
        let sum = 0;
        for (let p = 0; p < height * width; p++) sum += floats[from + c * pitch + p];
        floats[layer.output + c * layer.positions] = sum / (height * width);
      }
    } else if (layer.kind === "maxpool") this.pool(layer, from, pitch, width);
    else {
      const pointwise = layer.kernel === 1 && pitch === layer.positions;
      if (!pointwise) this.unfold(layer, from, pitch, height, width);
      const depth = layer.channels * layer.kernel ** 2;
      const source = pointwise ? from : this.columns;
      this.multiply(layer.weights, source, layer.bias, layer.output, roundUp(layer.out, 4), depth, layer.positions, layer.relu);
    }
  }

  private pool(layer: PlacedLayer, from: number, pitch: number, width: number): void {
    const { floats } = this;
    for (let c = 0; c < layer.out; c++)
      for (let y = 0; y < layer.height; y++)
        for (let x = 0; x < layer.width; x++) {
          let largest = -Infinity;
          for (let i = 0; i < layer.kernel; i++)
            for (let j = 0; j < layer.kernel; j++)
              largest = Math.max(largest, floats[from + c * pitch + (y * layer.stride + i) * width + x * layer.stride + j]);
          floats[layer.output + c * layer.positions + y * layer.width + x] = largest;
        }
  }

  /** Copy the patch under each position into a column: channels·kernel² rows (im2col). */
  private unfold(layer: PlacedLayer, from: number, pitch: number, height: number, width: number): void {
    const { floats, columns } = this;
    const { kernel, stride, padding } = layer;
    let line = columns;
    for (let c = 0; c < layer.channels; c++)
      for (let i = 0; i < kernel; i++)
        for (let j = 0; j < kernel; j++, line += layer.positions) {
          // Columns of the output whose patch has this offset inside the image: first ≤ x < end.
          const first = Math.max(0, Math.ceil((padding - j) / stride));
          const end = Math.max(first, Math.min(layer.width, Math.floor((width - 1 + padding - j) / stride) + 1));
          for (let y = 0, to = line; y < layer.height; y++, to += layer.width) {
            const row = y * stride + i - padding;
            if (row < 0 || row >= height) {
              floats.fill(0, to, to + layer.width);
              continue;
            }
            const start = from + c * pitch + row * width + j - padding;
            for (let x = 0; x < first; x++) floats[to + x] = 0;
            for (let x = first; x < end; x++) floats[to + x] = floats[start + x * stride];
            for (let x = end; x < layer.width; x++) floats[to + x] = 0;
          }
        }
  }
}
