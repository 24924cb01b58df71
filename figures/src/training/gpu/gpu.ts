/** Training on the reader's GPU, by WebGPU. The kernels are in `wgsl/`, their order is in network.ts. */
import type { Engine, Images, Result, Rule, State } from "../engine";
import type { Plan } from "../plan";
import { openDevice } from "./device";
import type { Dispatch } from "./kernels";
import { type Buffers, network, type Network } from "./network";

/** The engine, or a sentence that says why there is none; `software`: whether to take a GPU that is none. */
export async function openGpu(
  plan: Plan,
  images: Images,
  rule: Rule,
  { software }: { software: boolean },
): Promise<Gpu | string> {
  const opened = await openDevice(software);
  if (typeof opened === "string") return opened;
  const { device, name } = opened;
  try {
    device.pushErrorScope("out-of-memory");
    device.pushErrorScope("validation");
    const [lists, buffers] = await network(device, plan, images, rule);
    const error = (await device.popErrorScope()) ?? (await device.popErrorScope());
    if (!error) return new Gpu(device, name, plan, lists, buffers);
    device.destroy();
    return `The GPU did not take the network: ${error.message}`;
  } catch (error) {
    device.destroy();
    return `The GPU did not take the network: ${error instanceof Error ? error.message : error}`;
  }
}

const MOMENT = 100; // milliseconds, within which the reason for a missing answer arrives

export class Gpu implements Engine {
  private trouble = ""; // a sentence, once the GPU has failed

  constructor(
    readonly device: GPUDevice,
    readonly name: string,
    readonly plan: Plan,
    private readonly network: Network,
    private readonly buffers: Buffers,
  ) {
    device.lost.then(({ message }) => (this.trouble ||= `The GPU was lost. ${message}`.trim()));
    device.addEventListener("uncapturederror", (event) => {
      this.trouble ||= `The GPU reported an error: ${(event as GPUUncapturedErrorEvent).error.message}`;
    });
  }

  async set({ parameters, momentum, running }: State): Promise<void> {
    this.check();
    this.device.queue.writeBuffer(this.buffers.parameters, 0, parameters);
    this.device.queue.writeBuffer(this.buffers.momentum, 0, momentum);
    this.device.queue.writeBuffer(this.buffers.running, 0, running);
  }

  async get(): Promise<State> {
    const { parameters, momentum, running } = this.buffers;
    const { size, stats } = this.plan;
    const all = await this.read(2 * size + stats, (encoder, target) => {
      encoder.copyBufferToBuffer(parameters, 0, target, 0, 4 * size);
      encoder.copyBufferToBuffer(momentum, 0, target, 4 * size, 4 * size);
      encoder.copyBufferToBuffer(running, 0, target, 8 * size, 4 * stats);
    });
    return { parameters: all.slice(0, size), momentum: all.slice(size, 2 * size), running: all.slice(2 * size) };
  }

  async gradient(batch: Uint32Array): Promise<Float32Array> {
    const { gather, forward, backward } = this.network;
    this.device.queue.writeBuffer(this.buffers.batch, 0, batch);
    return this.read(this.plan.size, (encoder, target) => {
      run(encoder, [...gather, ...forward, ...backward]);
      encoder.copyBufferToBuffer(this.buffers.gradient, 0, target, 0, 4 * this.plan.size);
    });
  }

  /** All steps are handed to the GPU at once; it answers when the last one is done. */
  async steps(order: Uint32Array, rates: Float32Array): Promise<Result[]> {
    this.check();
    const { batch: size } = this.plan;
    const { batch, rate, results } = this.buffers;
    const { gather, forward, backward, update } = this.network;
    const step = [...gather, ...forward, ...backward, ...update];
    const target = this.target(2 * size * rates.length);
    for (let s = 0; s < rates.length; s++) {
      this.device.queue.writeBuffer(batch, 0, order.subarray(s * size, (s + 1) * size));
      this.device.queue.writeBuffer(rate, 0, rates.subarray(s, s + 1));
      const encoder = this.device.createCommandEncoder();
      run(encoder, step);
      encoder.copyBufferToBuffer(results, 0, target, s * results.size, results.size);
      this.device.queue.submit([encoder.finish()]);
    }
    const found = await this.contents(target);
    return Array.from(rates, (_, s) => {
      const result = { loss: 0, right: 0 };
      for (let i = 2 * s * size; i < 2 * (s + 1) * size; i += 2) {
        result.loss += found[i] / size;
        result.right += found[i + 1];
      }
      return result;
    });
  }

  end(): void {
    this.trouble ||= "This training has ended.";
    this.device.destroy(); // and with it all its buffers
  }

  private check(): void {
    if (this.trouble) throw new Error(this.trouble);
  }

  /** A buffer that the page can read. */
  private target(count: number): GPUBuffer {
    return this.device.createBuffer({ size: 4 * count, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  /** The numbers that commands leave in a buffer. */
  private async read(
    count: number,
    command: (encoder: GPUCommandEncoder, target: GPUBuffer) => void,
  ): Promise<Float32Array> {
    this.check();
    const target = this.target(count);
    const encoder = this.device.createCommandEncoder();
    command(encoder, target);
    this.device.queue.submit([encoder.finish()]);
    return this.contents(target);
  }

  private async contents(target: GPUBuffer): Promise<Float32Array> {
    try {
      await target.mapAsync(GPUMapMode.READ);
    } catch (error) {
      await new Promise((done) => setTimeout(done, MOMENT));
      this.check();
      throw new Error(`The GPU did not answer: ${error instanceof Error ? error.message : error}`);
    }
    this.check();
    const numbers = new Float32Array(target.getMappedRange().slice(0));
    target.destroy();
    return numbers;
  }
}

function run(encoder: GPUCommandEncoder, list: Dispatch[]): void {
  const pass = encoder.beginComputePass();
  for (const { pipeline, group, workgroups } of list) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...workgroups);
  }
  pass.end();
}
