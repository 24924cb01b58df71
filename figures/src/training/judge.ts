/** What a network that is being trained says of other images than those of its batches. */
import { softmax } from "../net/softmax";
import type { Images, Rule, State } from "./engine";
import { CLASSES, type Plan } from "./plan";
import { unpacked } from "./processor/images";
import { Processor } from "./processor/processor";

const AT_ONCE = 20; // images

export class Judge {
  private readonly processor: Processor;

  constructor(plan: Plan, rule: Rule) {
    this.processor = new Processor({ ...plan, batch: AT_ONCE }, { pixels: new Uint8Array(), labels: new Uint8Array() }, rule);
  }

  set(state: State): Promise<void> {
    return this.processor.set(state);
  }

  /** The class maps of one image, class by class, and the shares of the classes. */
  look(image: Images): { maps: Float32Array[]; shares: number[] } {
    const { logits, maps } = this.processor.evaluate(normalized(image));
    const size = maps.length / CLASSES;
    return { maps: Array.from({ length: CLASSES }, (_, c) => maps.slice(c * size, (c + 1) * size)), shares: softmax(Array.from(logits)) };
  }

  /** The shares of images that the network names rightly, and of numbers in their class maps that are 0; NaN of none. */
  test(images: Images): { accuracy: number; zeros: number } {
    const { logits, maps } = this.processor.evaluate(normalized(images));
    let right = 0;
    images.labels.forEach((label, n) => {
      const own = logits.subarray(n * CLASSES, (n + 1) * CLASSES);
      if (own.indexOf(Math.max(...own)) === label) right++;
    });
    return { accuracy: right / images.labels.length, zeros: maps.filter((value) => value === 0).length / maps.length };
  }
}

const normalized = (images: Images) => unpacked(images, Array.from(images.labels, (_, i) => 2 * i));
