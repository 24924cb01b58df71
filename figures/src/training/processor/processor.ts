/** The engine that trains on the processor: one pass of all layers forward, one backward, one update. */
import type { Engine, Images, Result, Rule, State } from "../engine";
import { CLASSES, PIXELS, type Plan } from "../plan";
import * as convolution from "./convolution";
import { unpack } from "./images";
import { best, type Kernels } from "./kernels";
import { average, loss } from "./loss";
import { type Memory, memory } from "./memory";
import * as normalization from "./normalization";
import * as pool from "./pool";
import * as relu from "./relu";
import { update } from "./update";

/** What a network says of images. */
export interface Judgement {
  logits: Float32Array; // [image][class]
  maps: Float32Array; // [image][class][row][column], the class maps that are averaged
}

export class Processor implements Engine {
  readonly name: string;
  private readonly memory: Memory;
  private readonly momentum: Float32Array;
  private readonly running: Float32Array;

  /** @param kernels WebAssembly's if it is there; tests choose. */
  constructor(readonly plan: Plan, private readonly images: Images, private readonly rule: Rule, kernels: (size: number) => Kernels = best) {
    this.memory = memory(plan, kernels);
    this.name = this.memory.kernels.name;
    this.momentum = new Float32Array(plan.size);
    this.running = new Float32Array(plan.stats);
  }

  async set({ parameters, momentum, running }: State): Promise<void> {
    this.memory.floats.set(parameters, this.memory.parameters);
    this.momentum.set(momentum);
    this.running.set(running);
  }

  async get(): Promise<State> {
    return { parameters: this.copy(this.memory.parameters), momentum: this.momentum.slice(), running: this.running.slice() };
  }

  async gradient(batch: Uint32Array): Promise<Float32Array> {
    this.differentiate(batch);
    return this.copy(this.memory.gradient);
  }

  async steps(order: Uint32Array, rates: Float32Array): Promise<Result[]> {
    const { memory, plan, momentum, running, rule } = this;
    const { batch } = plan;
    return Array.from(rates, (rate, step) => {
      const result = this.differentiate(order.subarray(step * batch, (step + 1) * batch));
      for (const place of memory.places) if (place.norm) normalization.remember(memory, place, batch, running);
      update(memory, plan, momentum, rule, rate);
      return result;
    });
  }

  /** Judge normalized images [image][row][column], any number of them, by the running statistics. */
  evaluate(images: Float32Array): Judgement {
    const { memory, plan, running } = this;
    const { output, out } = memory.places.at(-1)!;
    const [count, positions] = [images.length / PIXELS, out * out];
    const judgement = { logits: new Float32Array(count * CLASSES), maps: new Float32Array(count * CLASSES * positions) };
    for (let first = 0; first < count; first += plan.batch) {
      const some = Math.min(plan.batch, count - first);
      memory.floats.set(images.subarray(first * PIXELS, (first + some) * PIXELS), memory.images.at);
      this.forward(some, running);
      judgement.logits.set(memory.logits.subarray(0, some * CLASSES), first * CLASSES);
      for (let n = 0; n < some; n++)
        for (let c = 0; c < CLASSES; c++) {
          const at = output.at + c * output.pitch + n * positions;
          judgement.maps.set(memory.floats.subarray(at, at + positions), ((first + n) * CLASSES + c) * positions);
        }
    }
    return judgement;
  }

  end(): void {} // the memory goes with the object

  private copy(at: number): Float32Array {
    return this.memory.floats.slice(at, at + this.plan.size);
  }

  /** Compute the logits of `count` images, with given statistics in place of the batch's own. */
  private forward(count: number, statistics?: Float32Array): void {
    const { memory } = this;
    for (const place of memory.places) {
      convolution.forward(memory, place, count);
      if (place.norm) {
        if (!statistics) normalization.measure(memory, place, count);
        normalization.forward(memory, place, count, statistics ?? memory.statistics);
      } else if (place.relu) relu.forward(memory, place, count);
      if (place.pool) pool.forward(memory, place, count);
    }
    average(memory, count);
  }

  /** Compute the loss of a batch, and its gradient into the memory. */
  private differentiate(batch: Uint32Array): Result {
    const { memory, images } = this;
    unpack(images, batch, memory.floats, memory.images.at);
    const count = batch.length;
    this.forward(count);
    let [slope, other] = memory.slopes;
    const labels = Uint8Array.from(batch, (name) => images.labels[name >>> 1]);
    const result = loss(memory, labels, this.rule.smoothing, { at: slope, pitch: memory.places.at(-1)!.output.pitch });
    for (const place of [...memory.places].reverse()) {
      const { input, convolved, output } = place;
      if (place.pool) {
        pool.backward(memory, place, count, { at: slope, pitch: output.pitch }, { at: other, pitch: convolved.pitch });
        [slope, other] = [other, slope];
      }
      const here = { at: slope, pitch: convolved.pitch };
      if (place.norm) normalization.backward(memory, place, count, here);
      else if (place.relu) relu.backward(memory, place, count, here);
      const first = input === memory.images;
      convolution.backward(memory, place, count, here, first ? undefined : { at: other, pitch: input.pitch });
      [slope, other] = [other, slope];
    }
    return result;
  }
}
