/** A network's file of weights: asked for, waited for, asked for again; a failure is said. */
import { Network } from "../net/network";
import { h } from "./dom";
import type { Stage } from "./figure";
import type { Asked, Brought } from "./model";

const PATIENCE = 15_000; // ms without an answer before the figure says so

const WORDS = {
  loading: "The network’s weights are on their way.",
  late: "no answer came",
  failed: (why: string) => `The network’s weights did not load (${why}).`,
  again: "try again",
};

export interface Weights {
  /** One for each file, in order; undefined until all are there. */
  networks(): Network[] | undefined;
  /** A file as it came. */
  bytes(file: string): DataView;
  /** A file's network once more, for pictures of another size. */
  sized(file: string, height: number, width: number): Network;
  /** Where the figure says that it waits or fails: put it first into the body. */
  notice: HTMLElement;
  /** Show or hide the notice; call it in each `draw`. Whether the networks are there. */
  ready(): boolean;
  /** The sentence while they are not. */
  sentence(): string;
}

export function weights(stage: Stage, files: string[]): Weights {
  const found = new Map<string, Network>();
  const brought = new Map<string, DataView>();
  const notice = h("p", { class: "notice", hidden: true });
  let trouble = "";
  let waiting = 0;
  const complete = () => files.every((file) => found.has(file));
  const ask = () => {
    trouble = "";
    clearTimeout(waiting);
    waiting = setTimeout(() => fail(WORDS.late), PATIENCE) as unknown as number;
    for (const file of files) if (!found.has(file)) stage.model.send({ ask: file } satisfies Asked);
    stage.invalidate();
  };
  const fail = (why: string) => {
    clearTimeout(waiting);
    if (complete()) return;
    trouble = why;
    stage.invalidate();
  };
  const heard = (message: Brought, buffers: DataView[]) => {
    if (!message || !files.includes(message.file) || found.has(message.file)) return;
    if (message.error || !buffers?.[0]) return fail(message.error ?? WORDS.late);
    try {
      const [bytes] = buffers;
      const view = bytes instanceof DataView ? bytes : new DataView(bytes as ArrayBuffer);
      found.set(message.file, new Network(view));
      brought.set(message.file, view);
    } catch (error) {
      return fail(String(error));
    }
    if (!complete()) return;
    clearTimeout(waiting);
    stage.body.dataset.path = found.get(files[0])!.path;
    stage.invalidate();
  };
  stage.model.on("msg:custom", heard);
  stage.signal.addEventListener("abort", () => {
    clearTimeout(waiting);
    stage.model.off("msg:custom", heard);
  });
  ask();

  const sentence = () => (trouble ? WORDS.failed(trouble) : WORDS.loading);
  return {
    networks: () => (complete() ? files.map((file) => found.get(file)!) : undefined),
    bytes: (file) => brought.get(file)!,
    sized: (file, height, width) => new Network(brought.get(file)!, undefined, [height, width]),
    notice,
    ready() {
      const there = complete();
      if (there && notice.hidden) return true;
      stage.body.classList.toggle("waiting", !there);
      stage.body.classList.toggle("loading", !there && !trouble);
      notice.hidden = there;
      if (!there) {
        notice.replaceChildren(`${sentence()} `);
        if (trouble) notice.append(h("button", { type: "button", class: "nin-button", click: ask }, WORDS.again));
      }
      return there;
    },
    sentence,
  };
}

/** The softmax of logits. */
export function softmax(logits: number[]): number[] {
  const most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - most));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}
