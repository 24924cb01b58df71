/** The kernels of the training, one in each file of `wgsl/`, and what runs one of them on its buffers. */
import addShares from "./wgsl/add_shares.wgsl";
import backwardInput from "./wgsl/backward_input.wgsl";
import backwardWeights from "./wgsl/backward_weights.wgsl";
import biasBackward from "./wgsl/bias_backward.wgsl";
import forward from "./wgsl/forward.wgsl";
import gather from "./wgsl/gather.wgsl";
import layer from "./wgsl/layer.wgsl";
import loss from "./wgsl/loss.wgsl";
import normBackward from "./wgsl/norm_backward.wgsl";
import normForward from "./wgsl/norm_forward.wgsl";
import patches from "./wgsl/patches.wgsl";
import pool from "./wgsl/pool.wgsl";
import poolBackward from "./wgsl/pool_backward.wgsl";
import poolForward from "./wgsl/pool_forward.wgsl";
import product from "./wgsl/product.wgsl";
import running from "./wgsl/running.wgsl";
import sum from "./wgsl/sum.wgsl";
import update from "./wgsl/update.wgsl";

/** Each kernel's text: its own file after those that it builds on. */
const KERNELS = {
  gather,
  forward: layer + product + patches + forward,
  normForward: layer + sum + normForward,
  poolForward: layer + pool + poolForward,
  loss: layer + loss,
  poolBackward: layer + pool + poolBackward,
  normBackward: layer + sum + normBackward,
  biasBackward: layer + sum + biasBackward,
  backwardWeights: layer + product + patches + backwardWeights,
  addShares: layer + addShares,
  backwardInput: layer + product + backwardInput,
  update,
  running,
};

// As in product.wgsl: the part of a product's result that one workgroup computes, and a tile's depth.
export const ROWS = 32;
export const COLUMNS = 64;
export const DEPTH = 16;

/** A kernel with its buffers, ready to run on so many workgroups. */
export interface Dispatch {
  pipeline: GPUComputePipeline;
  group: GPUBindGroup;
  workgroups: [number, number?, number?];
}

/** Compiles kernels. Layers that differ only in their sizes, which are in a buffer, share a pipeline. */
export class Kernels {
  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(private readonly device: GPUDevice) {}

  /** `buffers` are bound in this order, and `constants` are the kernel's overrides. */
  async dispatch(
    name: keyof typeof KERNELS,
    buffers: GPUBuffer[],
    workgroups: Dispatch["workgroups"],
    constants: Record<string, number> = {},
  ): Promise<Dispatch> {
    const key = JSON.stringify([name, constants]);
    if (!this.pipelines.has(key)) {
      const module = this.device.createShaderModule({ label: name, code: KERNELS[name] });
      const compute = { module, constants };
      this.pipelines.set(key, this.device.createComputePipelineAsync({ label: name, layout: "auto", compute }));
    }
    const pipeline = await this.pipelines.get(key)!;
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const group = this.device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return { pipeline, group, workgroups };
  }
}
