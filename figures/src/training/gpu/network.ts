/** The network on the GPU: its buffers, and the order in which the kernels run in a step. */
import { DEVIATION, type Images, MEAN, type Rule } from "../engine";
import { type Layer, PIXELS, type Plan, SIDE } from "../plan";
import { COLUMNS, DEPTH, type Dispatch, Kernels, ROWS } from "./kernels";

/** What is kept of one layer for the backward pass, and what its kernels know of it. */
interface Pass {
  layer: Layer;
  positions: number; // of the output, in all images
  sizes: GPUBuffer;
  x: GPUBuffer; // input
  z: GPUBuffer; // output of the convolution; without normalization the same as y
  y: GPUBuffer; // after normalization and ReLU
  pooled: GPUBuffer; // after the pool; without one the same as y
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

  let x = floats("images", plan.batch * PIXELS);
  const pixels = buffer(device, "pixels", images.pixels.length / 4, images.pixels);
  const allLabels = buffer(device, "all labels", images.labels.length, Uint32Array.from(images.labels));
  const constants = { side: SIDE, mean: MEAN, deviation: DEVIATION };
  const gather = [kernels.dispatch("gather", [pixels, allLabels, batch, x, labels], each(plan.batch * PIXELS), constants)];

  // ---- forward, layer by layer
  const passes: Pass[] = [];
  const forward: Promise<Dispatch>[] = [];
  for (const layer of plan.layers) {
    const { kernel, stride, norm, pool, to } = layer;
    const positions = plan.batch * layer.out ** 2;
    const numbers = Uint32Array.of(
      ...[layer.from, to, layer.side, layer.out, depthOf(layer), plan.batch * layer.side ** 2, positions],
      ...[layer.weight, layer.scale, layer.bias, layer.stats, Number(layer.relu), share(positions)],
    );
    const sizes = buffer(device, "uniform", numbers.length, numbers);
    const z = floats("convolved", to * positions);
    const y = norm ? floats("normalized", to * positions) : z;
    const pooled = pool ? floats("pooled", (to * positions) / 4) : y;
    const options = { kernel, stride, norm: Number(norm) };
    forward.push(kernels.dispatch("forward", [sizes, parameters, x, z], tiles(to, positions), options));
    if (norm) forward.push(kernels.dispatch("normForward", [sizes, parameters, z, y, statistics], [to]));
    if (pool) forward.push(kernels.dispatch("poolForward", [sizes, y, pooled], each((to * positions) / 4)));
    passes.push({ layer, positions, sizes, x, z, y, pooled });
    x = pooled;
  }

  // ---- the gradient of the loss, by the output of one layer after another, backwards. It changes
  // between two buffers: a kernel reads one and writes the other, or works in place.
  const largest = Math.max(...passes.map(({ layer, positions }) => layer.to * positions));
  let [d, next] = [floats("gradient of maps", largest), floats("gradient of maps", largest)];
  const { smoothing } = rule;
  forward.push(kernels.dispatch("loss", [passes[passes.length - 1].sizes, x, labels, d, results], [plan.batch], { smoothing }));

  const shareCount = ({ positions }: Pass) => Math.ceil(positions / share(positions));
  const shares = floats("shares", Math.max(...passes.map((pass) => shareCount(pass) * pass.layer.to * depthOf(pass.layer))));
  const backward: Promise<Dispatch>[] = [];
  for (const pass of [...passes].reverse()) {
    const { layer, positions, sizes, x, z, y } = pass;
    const { kernel, stride, to } = layer;
    const depth = depthOf(layer);
    if (layer.pool) {
      backward.push(kernels.dispatch("poolBackward", [sizes, y, d, next], each((to * positions) / 4)));
      [d, next] = [next, d];
    }
    if (layer.norm) backward.push(kernels.dispatch("normBackward", [sizes, parameters, z, y, statistics, d, gradient], [to]));
    else backward.push(kernels.dispatch("biasBackward", [sizes, y, d, gradient], [to]));
    backward.push(
      kernels.dispatch("backwardWeights", [sizes, d, x, shares], tiles(to, depth, shareCount(pass)), { kernel, stride }),
      kernels.dispatch("addShares", [sizes, shares, gradient], each(to * depth)),
    );
    if (pass === passes[0]) break; // the images need no gradient
    const positionsIn = plan.batch * layer.side ** 2;
    backward.push(kernels.dispatch("backwardInput", [sizes, parameters, d, next], tiles(layer.from, positionsIn), { kernel }));
    [d, next] = [next, d];
  }

  // ---- the step
  const { momentum: kept, decay } = rule;
  const options = { momentum: kept, decay, weights: plan.weights };
  const update = [kernels.dispatch("update", [rate, gradient, parameters, momentum], each(plan.size), options)];
  if (plan.stats) update.push(kernels.dispatch("running", [statistics, running], each(plan.stats)));

  const lists = await Promise.all([gather, forward, backward, update].map((list) => Promise.all(list)));
  const [a, b, c, e] = lists;
  return [
    { gather: a, forward: b, backward: c, update: e },
    { parameters, momentum, running, gradient, batch, rate, results },
  ];
}
