/** The experiment of *Watch ReLUs die*: twelve layers as in the tutorials' network, small enough to train in the page. */
import { random } from "./random";
import { Batch, type Layer, layerOf, norm, outSide, type Shape, step } from "./trainer";

export interface Settings {
  /** Weights are drawn evenly from ±gain·√(3 ÷ inputs): their variance is gain² ÷ inputs. */
  gain: number;
  /** What every bias starts with. */
  bias: number;
  rate: number;
  finalRelu: boolean;
  norm: boolean;
  seed: number;
}

/** Pictures as bytes of two pixels each, 0 to 15; the labels go round: 0, 1, …, 9, 0, 1, … */
export interface Pictures {
  packed: Uint8Array;
  side: number;
  classes: number;
}

/** What is measured at a step, before it is taken. */
export interface Found {
  step: number;
  /** Of the batch that the step learns from. */
  loss: number;
  gradient: number;
  /** Of the probe pictures: how much of the logits' size changes from picture to picture. */
  varies: number;
  /** For each unit, on the probe pictures: the share of positions at which it is not 0, … */
  on: Float32Array;
  /** … its mean, and the number of pictures for which it is not 0 somewhere. */
  mean: Float32Array;
  lit: Uint16Array;
  /** No picture at all, of the probe or another, gives a gradient: nothing can change any more. */
  over: boolean;
}

export const [STEPS, EVERY] = [600, 3]; // steps of a run, and from one measurement to the next
export const [BATCH, PROBE] = [32, 50]; // pictures of a step; those on which units are judged
const WIDTHS = [8, 10, 12];
const STRIDES = [2, 2, 1, 1];

/** Four blocks: a 3×3 convolution, then two 1×1 layers. */
export function shapesOf(side: number, classes: number): Shape[] {
  const shapes: Shape[] = [];
  let from = 1;
  [...WIDTHS, classes].forEach((to, block) => {
    shapes.push({ from, to, kernel: 3, stride: STRIDES[block], side });
    side = outSide(shapes.at(-1)!);
    for (let i = 0; i < 2; i++) shapes.push({ from: to, to, kernel: 1, stride: 1, side });
    from = to;
  });
  return shapes;
}

/** All layers at their start, drawn in order from the seed. */
export function start(shapes: Shape[], { seed, gain, bias }: Settings): Layer[] {
  const draw = random(seed);
  return shapes.map((shape) => {
    const layer = layerOf(shape);
    const most = gain * Math.sqrt(3 / (shape.from * shape.kernel ** 2));
    layer.weight.forEach((_, i) => (layer.weight[i] = most * (2 * draw() - 1)));
    layer.bias.fill(bias);
    return layer;
  });
}

const firsts = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** A run of the experiment: `measure`, then `advance`, and so on. */
export class Run {
  readonly layers: Layer[];
  readonly gradients: Layer[];
  taken = 0;
  private readonly shapes: Shape[];
  private readonly pixels: Float64Array; // picture by picture, mean 0 and variance 1 over all
  private readonly count: number;
  private readonly batch: Batch;
  private readonly probe: Batch;
  private readonly draw: () => number;
  private order: number[] = [];
  private loss = 0;
  private over = false;

  constructor(private readonly pictures: Pictures, readonly settings: Settings) {
    const { packed, side, classes } = pictures;
    this.shapes = shapesOf(side, classes);
    this.layers = start(this.shapes, settings);
    this.gradients = this.shapes.map(layerOf);
    this.gradients.forEach(({ scale }) => scale.fill(0)); // stays 0 where there is no normalisation
    this.batch = new Batch(this.shapes, BATCH, settings);
    this.probe = new Batch(this.shapes, PROBE, settings);
    this.draw = random(settings.seed + 1);
    const raw = Float64Array.from({ length: 2 * packed.length }, (_, i) => (i % 2 ? packed[i >> 1] & 15 : packed[i >> 1] >> 4));
    const mean = raw.reduce((a, b) => a + b) / raw.length;
    const spread = Math.sqrt(raw.reduce((sum, value) => sum + (value - mean) ** 2, 0) / raw.length);
    this.pixels = raw.map((value) => (value - mean) / spread);
    this.count = raw.length / side ** 2;
    this.look(this.next());
  }

  /** The next batch: all pictures in a drawn order, then in another. */
  private next(): number[] {
    if (this.order.length < BATCH) {
      this.order = firsts(this.count);
      for (let i = this.count - 1; i > 0; i--) {
        const other = Math.floor(this.draw() * (i + 1));
        [this.order[i], this.order[other]] = [this.order[other], this.order[i]];
      }
    }
    return this.order.splice(0, BATCH);
  }

  /** The loss of a batch, and its gradients. */
  private look(chosen: number[]): void {
    this.batch.forward(this.take(chosen), this.layers);
    this.loss = this.batch.loss(chosen.map((i) => i % this.pictures.classes));
    this.batch.backward(this.layers, this.gradients);
  }

  private take(chosen: number[]): Float64Array {
    const size = this.pictures.side ** 2;
    const input = new Float64Array(chosen.length * size);
    chosen.forEach((which, n) => input.set(this.pixels.subarray(which * size, (which + 1) * size), n * size));
    return input;
  }

  advance(): void {
    this.taken++;
    if (this.over) return; // every further batch has this loss and this gradient
    step(this.layers, this.gradients, this.settings.rate);
    this.look(this.next());
  }

  /** Whether every logit of every picture is 0, with a ReLU before the average: then no gradient is left. */
  private silent(): boolean {
    if (!this.settings.finalRelu) return false;
    return Array.from({ length: Math.ceil(this.count / BATCH) }, (_, i) => firsts(BATCH).map((n) => (i * BATCH + n) % this.count)).every((chosen) => {
      this.batch.forward(this.take(chosen), this.layers);
      return this.batch.logits.every((logit) => logit === 0);
    });
  }

  measure(): Found {
    const { probe, shapes } = this;
    const gradient = norm(this.gradients);
    this.over ||= gradient === 0 && this.silent();
    probe.forward(this.take(firsts(PROBE)), this.layers);
    const units = shapes.reduce((sum, { to }) => sum + to, 0);
    const found: Found = {
      step: this.taken,
      loss: this.loss,
      gradient,
      varies: variation(probe.logits, this.pictures.classes),
      on: new Float32Array(units),
      mean: new Float32Array(units),
      lit: new Uint16Array(units),
      over: this.over,
    };
    let unit = 0;
    shapes.forEach((shape, l) => {
      const out = probe.out(l);
      const positions = outSide(shape) ** 2;
      for (let c = 0; c < shape.to; c++, unit++) {
        let [on, sum] = [0, 0];
        for (let n = 0; n < PROBE; n++) {
          const before = on;
          const base = (c * PROBE + n) * positions;
          for (let i = base; i < base + positions; i++) {
            sum += out[i];
            if (out[i] !== 0) on++;
          }
          if (on > before) found.lit[unit]++;
        }
        found.on[unit] = on / (PROBE * positions);
        found.mean[unit] = sum / (PROBE * positions);
      }
    });
    return found;
  }
}

/** The standard deviation of the logits over pictures, as a share of their size. */
function variation(logits: Float64Array, classes: number): number {
  const count = logits.length / classes;
  let [spread, size] = [0, 0];
  for (let c = 0; c < classes; c++) {
    let mean = 0;
    for (let n = 0; n < count; n++) mean += logits[n * classes + c] / count;
    for (let n = 0; n < count; n++) spread += (logits[n * classes + c] - mean) ** 2 / count;
    size += mean * mean;
  }
  return spread === 0 ? 0 : Math.sqrt(spread) / (Math.sqrt(size) + Math.sqrt(spread));
}

export type Verdict = "diverged" | "dead" | "silent" | "cut" | "worse" | "training" | "blind" | "untrained" | "slow";

const BLIND = 1e-3; // as in nin_lib.diagnosis: less than this share of the logits changes with the picture
const AWAY = 0.1; // a loss this share below or above that of equal chances has gone somewhere
const RECENT = 10; // measurements that say where it is

/** What is to be said of a run at one of its measurements. */
export function verdict(found: Found[], at: number, widths: number[]): Verdict {
  const { loss, gradient, varies, lit, over } = found[at];
  const chances = Math.log(widths.at(-1)!);
  if (!Number.isFinite(loss)) return "diverged";
  if (over && gradient === 0 && Math.abs(loss - chances) <= 1e-4) return "dead";
  if (deadIn(lit, widths).some((dead, l) => dead === widths[l])) return "cut";
  if (gradient === 0) return "silent";
  if (!at) return varies < BLIND ? "blind" : "untrained";
  const recent = found.slice(Math.max(0, at - RECENT + 1), at + 1);
  const mean = recent.reduce((sum, { loss }) => sum + loss, 0) / recent.length;
  if (mean < (1 - AWAY) * chances) return "training";
  if (mean > (1 + AWAY) * chances) return "worse";
  return varies < BLIND ? "blind" : "slow";
}

/** How many units of each layer are 0 for every probe picture. */
export function deadIn(lit: ArrayLike<number>, widths: number[]): number[] {
  let unit = 0;
  return widths.map((width) => {
    let dead = 0;
    for (const end = unit + width; unit < end; unit++) if (lit[unit] === 0) dead++;
    return dead;
  });
}

/** What a page asks of whoever trains; another run begins anew. */
export interface Request {
  run: number;
  pictures: Pictures;
  settings: Settings;
  /** Measurements wanted. */
  count: number;
}
export interface Answer {
  run: number;
  found: Found[];
}

/** Trains as it is asked, in a worker or beside the page's own work. */
export function trainer(): (request: Request) => Answer {
  let [run, number] = [undefined as Run | undefined, NaN];
  return (request) => {
    if (!run || request.run !== number) run = new Run(request.pictures, request.settings);
    const begun = request.run === number;
    number = request.run;
    const found: Found[] = [];
    for (let i = 0; i < request.count && run.taken < STEPS; i++) {
      if (begun || i) for (let k = 0; k < EVERY; k++) run.advance();
      found.push(run.measure());
    }
    return { run: number, found };
  };
}
