/**
 * The network that a page trains, as a list of layers: `pocket_nin` of nin_lib, or the small twin.
 *
 * Both engines (`processor/`, `gpu/`) follow this plan, and both keep the numbers of a batch channel
 * by channel: [channel][image][row][column]. So the input of a 1×1 convolution is a matrix as it lies
 * in memory, with one row per channel and one column per pixel of the batch, and the layer is a
 * matrix product, as in chapter 1.
 */

/** A convolution with padding kernel >> 1; where `norm`, batch normalization and a ReLU follow. */
export interface Layer {
  from: number; // channels of the input
  to: number; // channels of the output
  kernel: number;
  stride: number;
  side: number; // height and width of the input
  out: number; // height and width of the output, before a pool
  norm: boolean; // batch normalization follows; then the convolution has no bias of its own
  relu: boolean;
  pool: boolean; // a 2×2 max pool follows the ReLU
  weight: number; // offset of the weights [to][from][kernel][kernel] among all parameters
  scale: number; // offset of batch normalization's weights [to]; unused without `norm`
  bias: number; // offset of batch normalization's biases, or of the convolution's own [to]
  stats: number; // offset of the running statistics [to][mean, variance]; unused without `norm`
}

export interface Plan {
  layers: Layer[];
  weights: number; // parameters that are weights of convolutions, which lie first and decay
  size: number; // parameters in all
  stats: number; // running statistics in all
  classes: number;
  batch: number; // images of a batch
}

export interface Shape {
  widths: readonly number[]; // of the first three blocks, and of the last layer before the classes
  norm: boolean; // batch normalization
  lastRelu: boolean; // whether a ReLU follows the class maps, as in the paper's networks
}

export const SIDE = 28; // height and width of an image
export const PIXELS = SIDE * SIDE;
export const CLASSES = 10;
export const POCKET: Shape = { widths: [32, 32, 64, 96], norm: true, lastRelu: false };
export const TWIN: Shape = { widths: [16, 16, 32, 48], norm: true, lastRelu: false };

const KERNELS = [5, 1, 3, 1, 3, 1, 3, 1];

/** The layers of a network for 28×28 images, and where each one's parameters lie. */
export function plan(batch: number, shape: Shape = POCKET): Plan {
  const [a, b, c, d] = shape.widths;
  const channels = [1, a, a, b, b, c, c, d, CLASSES];
  const last = KERNELS.length - 1;
  let [side, at] = [SIDE, 0];
  const layers = KERNELS.map((kernel, i): Layer => {
    const stride = i === 0 ? 2 : 1;
    const [from, to, out, pool] = [channels[i], channels[i + 1], side / stride, i === 3];
    const norm = shape.norm && i < last;
    const relu = i < last || shape.lastRelu;
    const layer = { from, to, kernel, stride, side, out, norm, relu, pool, weight: at, scale: 0, bias: 0, stats: 0 };
    at += to * from * kernel * kernel;
    side = pool ? out / 2 : out;
    return layer;
  });
  const weights = at;
  let stats = 0;
  for (const layer of layers) {
    if (layer.norm) {
      layer.scale = at;
      layer.stats = stats;
      at += layer.to;
      stats += 2 * layer.to;
    }
    layer.bias = at;
    at += layer.to;
  }
  return { layers, weights, size: at, stats, classes: CLASSES, batch };
}
