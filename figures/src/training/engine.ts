/** What trains a network in the page: on the processor (`processor/`) or on the GPU (`gpu/`). */
import type { Plan } from "./plan";

/** All that a training remembers between two steps. An engine can stop with it, another go on. */
export interface State {
  parameters: Float32Array; // [plan.size]
  momentum: Float32Array; // [plan.size]
  running: Float32Array; // [plan.stats]: mean and variance, channel by channel
}

/** Images as they are stored: 4 bits a pixel, the even pixel in the low half of its byte. */
export interface Images {
  pixels: Uint8Array; // [count × 784 / 2]
  labels: Uint8Array; // [count]
}

/** The numbers of the recipe that do not change during a training. */
export interface Rule {
  momentum: number; // Nesterov's; 0 is plain gradient descent
  decay: number; // of the weights of convolutions only
  smoothing: number; // of the labels
}

export interface Result {
  loss: number; // mean over the batch
  right: number; // images of the batch named rightly, before the step
}

/**
 * An image of a batch is named by one number: twice its index, plus one if it is mirrored. A pixel
 * is normalized as nin_lib's recipe says: (value / 15 − mean) / standard deviation.
 */
export interface Engine {
  readonly plan: Plan;
  readonly name: string; // what does the work, for the reader
  set(state: State): Promise<void>;
  get(): Promise<State>;
  /** The gradient [plan.size] of the mean loss of one batch, in training mode; nothing is changed. */
  gradient(batch: Uint32Array): Promise<Float32Array>;
  /** As many steps as there are learning rates; `order` names the images of all their batches. */
  steps(order: Uint32Array, rates: Float32Array): Promise<Result[]>;
  /** Frees memory and device. */
  end(): void;
}

export const MEAN = 0.286; // of Fashion-MNIST's training images, as in nin_lib's recipes
export const DEVIATION = 0.353;
