/** The experiment of *Watch ReLUs die*: a network of twelve layers, as NiN-224, small enough to train in the page. */
import { random } from "./random";
import { Batch, descend, emptyLayer, gradientNorm, type Layer, outputSide, type Shape } from "./trainer";

export interface Settings {
  /** Weights are uniform in ±gain·√(3 ÷ inputs): their variance is gain² ÷ inputs. */
  gain: number;
  /** Initial value of every bias. */
  bias: number;
  learningRate: number;
  finalRelu: boolean;
  norm: boolean;
  seed: number;
}

/** Images as bytes of two pixels each, 0 to 15; the labels repeat: 0, 1, …, 9, 0, 1, … */
export interface Images {
  packed: Uint8Array;
  side: number;
  classes: number;
}

/** Measurements at a step, before it is taken. */
export interface Measurement {
  step: number;
  /** Loss and norm of the gradient, of the step's batch. */
  loss: number;
  gradient: number;
  /** Standard deviation of the logits over the probe images, as a share of their size. */
  variation: number;
  /** For each unit, on the probe images: the share of positions at which it is not 0, … */
  on: Float32Array;
  /** … its mean, and the number of images for which it is not 0 everywhere. */
  mean: Float32Array;
  activeImages: Uint16Array;
  /** No image, of the probe or another, gives a gradient: nothing can change any more. */
  stuck: boolean;
}

export const [STEPS, EVERY] = [600, 3]; // steps of a run, and between two measurements
export const [BATCH, PROBE] = [32, 50]; // images of a step; images on which units are measured
const WIDTHS = [8, 10, 12];
const STRIDES = [2, 2, 1, 1];

/** Four blocks: a 3×3 convolution, then two 1×1 layers. */
export function shapesOf(side: number, classes: number): Shape[] {
  const shapes: Shape[] = [];
  let from = 1;
  [...WIDTHS, classes].forEach((to, block) => {
    shapes.push({ from, to, kernel: 3, stride: STRIDES[block], side });
    side = outputSide(shapes.at(-1)!);
    for (let i = 0; i < 2; i++) shapes.push({ from: to, to, kernel: 1, stride: 1, side });
    from = to;
  });
  return shapes;
}

/** Initialize all layers in order, from the seed. */
export function initialize(shapes: Shape[], { seed, gain, bias }: Settings): Layer[] {
  const draw = random(seed);
  return shapes.map((shape) => {
    const layer = emptyLayer(shape);
    const most = gain * Math.sqrt(3 / (shape.from * shape.kernel ** 2));
    layer.weight.forEach((_, i) => (layer.weight[i] = most * (2 * draw() - 1)));
    layer.bias.fill(bias);
    return layer;
  });
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** One run of the experiment: `measure`, `advance`, `measure`, … */
export class Run {
  readonly layers: Layer[];
  readonly gradients: Layer[];
  steps = 0;
  private readonly shapes: Shape[];
  private readonly pixels: Float64Array; // image by image, mean 0 and variance 1 over all
  private readonly count: number;
  private readonly batch: Batch;
  private readonly probe: Batch;
  private readonly draw: () => number;
  private order: number[] = [];
  private loss = 0;
  private stuck = false;

  constructor(private readonly images: Images, readonly settings: Settings) {
    const { packed, side, classes } = images;
    this.shapes = shapesOf(side, classes);
    this.layers = initialize(this.shapes, settings);
    this.gradients = this.shapes.map(emptyLayer);
    this.gradients.forEach(({ scale }) => scale.fill(0)); // stays 0 without batch normalization
    this.batch = new Batch(this.shapes, BATCH, settings);
    this.probe = new Batch(this.shapes, PROBE, settings);
    this.draw = random(settings.seed + 1);
    const raw = Float64Array.from({ length: 2 * packed.length }, (_, i) => (i % 2 ? packed[i >> 1] & 15 : packed[i >> 1] >> 4));
    const mean = raw.reduce((a, b) => a + b) / raw.length;
    const std = Math.sqrt(raw.reduce((sum, value) => sum + (value - mean) ** 2, 0) / raw.length);
    this.pixels = raw.map((value) => (value - mean) / std);
    this.count = raw.length / side ** 2;
    this.differentiate(this.nextBatch());
  }

  /** Draw the next batch: all images in a random order, then in another. */
  private nextBatch(): number[] {
    if (this.order.length < BATCH) {
      this.order = range(this.count);
      for (let i = this.count - 1; i > 0; i--) {
        const other = Math.floor(this.draw() * (i + 1));
        [this.order[i], this.order[other]] = [this.order[other], this.order[i]];
      }
    }
    return this.order.splice(0, BATCH);
  }

  /** Compute the loss of a batch and its gradients. */
  private differentiate(chosen: number[]): void {
    this.batch.forward(this.pixelsOf(chosen), this.layers);
    this.loss = this.batch.loss(chosen.map((i) => i % this.images.classes));
    this.batch.backward(this.layers, this.gradients);
  }

  private pixelsOf(chosen: number[]): Float64Array {
    const size = this.images.side ** 2;
    const input = new Float64Array(chosen.length * size);
    chosen.forEach((which, n) => input.set(this.pixels.subarray(which * size, (which + 1) * size), n * size));
    return input;
  }

  advance(): void {
    this.steps++;
    if (this.stuck) return; // every further batch has this loss and this gradient
    descend(this.layers, this.gradients, this.settings.learningRate);
    this.differentiate(this.nextBatch());
  }

  /** Whether every logit of every image is 0, with a ReLU before the average: then no gradient is left. */
  private silent(): boolean {
    if (!this.settings.finalRelu) return false;
    return Array.from({ length: Math.ceil(this.count / BATCH) }, (_, i) => range(BATCH).map((n) => (i * BATCH + n) % this.count)).every((chosen) => {
      this.batch.forward(this.pixelsOf(chosen), this.layers);
      return this.batch.logits.every((logit) => logit === 0);
    });
  }

  measure(): Measurement {
    const { probe, shapes } = this;
    const gradient = gradientNorm(this.gradients);
    this.stuck ||= gradient === 0 && this.silent();
    probe.forward(this.pixelsOf(range(PROBE)), this.layers);
    const units = shapes.reduce((sum, { to }) => sum + to, 0);
    const measured: Measurement = {
      step: this.steps,
      loss: this.loss,
      gradient,
      variation: variation(probe.logits, this.images.classes),
      on: new Float32Array(units),
      mean: new Float32Array(units),
      activeImages: new Uint16Array(units),
      stuck: this.stuck,
    };
    let unit = 0;
    shapes.forEach((shape, l) => {
      const out = probe.out(l);
      const positions = outputSide(shape) ** 2;
      for (let c = 0; c < shape.to; c++, unit++) {
        let [on, sum] = [0, 0];
        for (let n = 0; n < PROBE; n++) {
          const before = on;
          const base = (c * PROBE + n) * positions;
          for (let i = base; i < base + positions; i++) {
            sum += out[i];
            if (out[i] !== 0) on++;
          }
          if (on > before) measured.activeImages[unit]++;
        }
        measured.on[unit] = on / (PROBE * positions);
        measured.mean[unit] = sum / (PROBE * positions);
      }
    });
    return measured;
  }
}

/** The standard deviation of the logits over images, as a share of their size. */
function variation(logits: Float64Array, classes: number): number {
  const count = logits.length / classes;
  let [variance, size] = [0, 0];
  for (let c = 0; c < classes; c++) {
    let mean = 0;
    for (let n = 0; n < count; n++) mean += logits[n * classes + c] / count;
    for (let n = 0; n < count; n++) variance += (logits[n * classes + c] - mean) ** 2 / count;
    size += mean * mean;
  }
  return variance === 0 ? 0 : Math.sqrt(variance) / (Math.sqrt(size) + Math.sqrt(variance));
}

export type Verdict = "diverged" | "dead" | "silent" | "cut" | "worse" | "training" | "blind" | "untrained" | "slow";

const BLIND = 1e-3; // as in nin_lib.train.diagnosis: a smaller share of the logits changes with the image
const AWAY = 0.1; // a loss this share below or above that of equal chances has left it
const RECENT = 10; // measurements whose mean loss is compared with it

/** Classify a run at one of its measurements. */
export function verdict(measurements: Measurement[], at: number, widths: number[]): Verdict {
  const { loss, gradient, variation, activeImages, stuck } = measurements[at];
  const chances = Math.log(widths.at(-1)!);
  if (!Number.isFinite(loss)) return "diverged";
  if (stuck && gradient === 0 && Math.abs(loss - chances) <= 1e-4) return "dead";
  if (deadIn(activeImages, widths).some((dead, l) => dead === widths[l])) return "cut";
  if (gradient === 0) return "silent";
  if (!at) return variation < BLIND ? "blind" : "untrained";
  const recent = measurements.slice(Math.max(0, at - RECENT + 1), at + 1);
  const mean = recent.reduce((sum, { loss }) => sum + loss, 0) / recent.length;
  if (mean < (1 - AWAY) * chances) return "training";
  if (mean > (1 + AWAY) * chances) return "worse";
  return variation < BLIND ? "blind" : "slow";
}

/** Count the units of each layer that are 0 for every probe image. */
export function deadIn(activeImages: ArrayLike<number>, widths: number[]): number[] {
  let unit = 0;
  return widths.map((width) => {
    let dead = 0;
    for (const end = unit + width; unit < end; unit++) if (activeImages[unit] === 0) dead++;
    return dead;
  });
}

/** A page's request for measurements; another run number starts over. */
export interface Request {
  run: number;
  images: Images;
  settings: Settings;
  /** Number of measurements wanted. */
  count: number;
}
export interface Answer {
  run: number;
  measurements: Measurement[];
}

/** Train on request, in a worker or between the page's frames. */
export function trainOnRequest(): (request: Request) => Answer {
  let [run, number] = [undefined as Run | undefined, NaN];
  return (request) => {
    if (!run || request.run !== number) run = new Run(request.images, request.settings);
    const continued = request.run === number;
    number = request.run;
    const measurements: Measurement[] = [];
    for (let i = 0; i < request.count && run.steps < STEPS; i++) {
      if (continued || i) for (let k = 0; k < EVERY; k++) run.advance();
      measurements.push(run.measure());
    }
    return { run: number, measurements };
  };
}
