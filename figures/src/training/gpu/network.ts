/** The network on the GPU: its buffers, and the order in which the kernels run in a step. */
import { DEVIATION, type Images, MEAN, type Rule } from "../engine";
import { type Layer, PIXELS, type Plan, SIDE } from "../plan";
import { COLUMNS, DEPTH, type Dispatch, Kernels, ROWS } from "./kernels";

/** What is kept of one layer for the backward pass, and what its kernels know of it. */
interface Pass {
  layer: Layer;
  positionsIn: number; // of the input, in all images
  positions: number; // of the output, before a pool
  sizes: GPUBuffer;
  x: GPUBuffer; // input
  z: GPUBuffer; // output of the convolution; without normalization the same as y
  y: GPUBuffer; // after normalization and ReLU
}

/** Lists of kernels to run one after another. */
export interface Network {
  gather: Dispatch[]; // batch → x, labels
  forward: Dispatch[]; // x, parameters → results, statistics, the gradient by the class maps
  backward: Dispatch[]; // → gradient
  update: Dispatch[]; // gradient, rate → parameters, momentum, running
}

/** The buffers that the engine writes or reads. */
export interface Buffers {
  parameters: GPUBuffer;
  momentum: GPUBuffer;
  running: GPUBuffer;
  gradient: GPUBuffer;
  batch: GPUBuffer; // the images of the batch, as engine.ts names them
  rate: GPUBuffer;
  results: GPUBuffer; // for each image of the batch: its loss, and 1 if it was named rightly
}

/** At most so many workgroups share the sum for a weight, each with no fewer positions than that. */
const SHARES = 48;
const LEAST = 512;

/** How many positions one workgroup of backward_weights.wgsl sums over: a multiple of a tile's depth. */
function share(positions: number): number {
  const shares = Math.min(SHARES, Math.ceil(positions / LEAST));
  return Math.ceil(positions / shares / DEPTH) * DEPTH;
}

/** As many workgroups of 64 invocations as `count` takes. */
const each = (count: number): [number] => [Math.ceil(count / 64)];

/** A product's workgroups: one for each tile of its result, and for each share of the sum. */
const tiles = (rows: number, columns: number, shares = 1): [number, number, number] => [
  Math.ceil(columns / COLUMNS),
  Math.ceil(rows / ROWS),
  shares,
];

export function buffer(device: GPUDevice, label: string, count: number, data?: ArrayBufferView): GPUBuffer {
  const { STORAGE, UNIFORM, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const usage = (label === "uniform" ? UNIFORM : STORAGE) | COPY_SRC | COPY_DST;
  const made = device.createBuffer({ label, size: Math.max(4, 4 * count), usage }); // 4 bytes a number
  if (data) device.queue.writeBuffer(made, 0, data);
  return made;
}

export async function network(device: GPUDevice, plan: Plan, images: Images, rule: Rule): Promise<[Network, Buffers]> {
  const kernels = new Kernels(device);
  const kernel = kernels.dispatch.bind(kernels);
  const floats = (label: string, count: number) => buffer(device, label, count);
  const depthOf = ({ from, kernel }: Layer) => from * kernel ** 2; // of a patch

  const parameters = floats("parameters", plan.size);
  const momentum = floats("momentum", plan.size);
  const gradient = floats("gradient", plan.size);
  const running = floats("running", plan.stats);
  const statistics = floats("statistics", plan.stats);
  const batch = floats("batch", plan.batch);
  const labels = floats("labels", plan.batch);
  const results = floats("results", 2 * plan.batch);
  const rate = buffer(device, "uniform", 1);

  // ---- the batch
  let x = floats("images", plan.batch * PIXELS);
  const pixels = buffer(device, "pixels", images.pixels.length / 4, images.pixels);
  const allLabels = buffer(device, "all labels", images.labels.length, Uint32Array.from(images.labels));
  const normal = { side: SIDE, mean: MEAN, deviation: DEVIATION };
  const gather = [kernel("gather", [pixels, allLabels, batch, x, labels], each(plan.batch * PIXELS), normal)];

  // ---- forward, layer by layer
  const passes: Pass[] = [];
  const forward: Promise<Dispatch>[] = [];
  for (const layer of plan.layers) {
    const { norm, pool, to } = layer;
    const positionsIn = plan.batch * layer.side ** 2;
    const positions = plan.batch * layer.out ** 2;
    const numbers = Uint32Array.of(
      ...[layer.from, to, layer.side, layer.out, depthOf(layer), positionsIn, positions],
      ...[layer.weight, layer.scale, layer.bias, layer.stats, Number(layer.relu), share(positions)],
    );
    const sizes = buffer(device, "uniform", numbers.length, numbers);
    const z = floats("convolved", to * positions);
    const y = norm ? floats("normalized", to * positions) : z;
    const pooled = pool ? floats("pooled", (to * positions) / 4) : y;
    const options = { kernel: layer.kernel, stride: layer.stride, norm: Number(norm) };
    forward.push(kernel("forward", [sizes, parameters, x, z], tiles(to, positions), options));
    if (norm) forward.push(kernel("normForward", [sizes, parameters, z, y, statistics], [to]));
    if (pool) forward.push(kernel("poolForward", [sizes, y, pooled], each((to * positions) / 4)));
    passes.push({ layer, positionsIn, positions, sizes, x, z, y });
    x = pooled;
  }

  // ---- backward: d is the gradient of the loss by the output of one layer after another. It moves
  // between two buffers: a kernel reads one and writes the other, or works in place.
  const largest = Math.max(...passes.map(({ layer, positions }) => layer.to * positions));
  let [d, next] = [floats("gradient by maps", largest), floats("gradient by maps", largest)];
  const { sizes } = passes[passes.length - 1];
  forward.push(kernel("loss", [sizes, x, labels, d, results], [plan.batch], { smoothing: rule.smoothing }));

  const countOf = ({ positions }: Pass) => Math.ceil(positions / share(positions)); // of shares
  const numbersOf = (pass: Pass) => countOf(pass) * pass.layer.to * depthOf(pass.layer);
  const shares = floats("shares", Math.max(...passes.map(numbersOf)));
  const backward: Promise<Dispatch>[] = [];
  for (const pass of [...passes].reverse()) {
    const { layer, positionsIn, positions, sizes, x, z, y } = pass;
    const { stride, to, from } = layer;
    if (layer.pool) {
      backward.push(kernel("poolBackward", [sizes, y, d, next], each((to * positions) / 4)));
      [d, next] = [next, d];
    }
    if (layer.norm) backward.push(kernel("normBackward", [sizes, parameters, z, y, statistics, d, gradient], [to]));
    else backward.push(kernel("biasBackward", [sizes, y, d, gradient], [to]));
    const [depth, options] = [depthOf(layer), { kernel: layer.kernel, stride }];
    backward.push(kernel("backwardWeights", [sizes, d, x, shares], tiles(to, depth, countOf(pass)), options));
    backward.push(kernel("addShares", [sizes, shares, gradient], each(to * depth)));
    if (pass === passes[0]) break; // the images need no gradient
    const size = { kernel: layer.kernel };
    backward.push(kernel("backwardInput", [sizes, parameters, d, next], tiles(from, positionsIn), size));
    [d, next] = [next, d];
  }

  // ---- the step
  const constants = { momentum: rule.momentum, decay: rule.decay, weights: plan.weights };
  const update = [kernel("update", [rate, gradient, parameters, momentum], each(plan.size), constants)];
  if (plan.stats) update.push(kernel("running", [statistics, running], each(plan.stats)));

  const lists = [gather, forward, backward, update].map((list) => Promise.all(list));
  const [first, second, third, last] = await Promise.all(lists);
  return [
    { gather: first, forward: second, backward: third, update: last },
    { parameters, momentum, running, gradient, batch, rate, results },
  ];
}
