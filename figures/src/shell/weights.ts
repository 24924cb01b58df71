/** Files of weights: requested from the host, awaited, requested again after a failure. */
import { Network } from "../net/network";
import { h } from "./dom";
import type { Stage } from "./figure";
import type { FileAnswer, FileRequest } from "./model";

const TIMEOUT = 15_000; // ms without an answer, after which the request counts as failed

const WORDS = {
  loading: "The network’s weights are on their way.",
  late: "no answer came",
  failed: (why: string) => `The network’s weights did not load (${why}).`,
  again: "try again",
};

export interface Weights {
  /** One for each file, in order; undefined until all are there. */
  networks(): Network[] | undefined;
  /** A file's bytes. */
  bytes(file: string): DataView;
  /** Another network from a file, for images of another size. */
  sized(file: string, height: number, width: number): Network;
  /** The message while the figure waits or when it failed: put it first into the body. */
  notice: HTMLElement;
  /** Show or hide the notice; returns whether the networks are there. Call it in each `draw`. */
  ready(): boolean;
  /** The figure's sentence while they are not. */
  sentence(): string;
}

export function weights(stage: Stage, files: string[]): Weights {
  const networks = new Map<string, Network>();
  const views = new Map<string, DataView>();
  const notice = h("p", { class: "notice", hidden: true });
  let failure = "";
  let waiting = 0;
  const complete = () => files.every((file) => networks.has(file));
  const ask = () => {
    failure = "";
    clearTimeout(waiting);
    waiting = setTimeout(() => fail(WORDS.late), TIMEOUT) as unknown as number;
    for (const file of files) if (!networks.has(file)) stage.model.send({ ask: file } satisfies FileRequest);
    stage.invalidate();
  };
  const fail = (why: string) => {
    clearTimeout(waiting);
    if (complete()) return;
    failure = why;
    stage.invalidate();
  };
  const onMessage = (message: FileAnswer, buffers: DataView[]) => {
    if (!message || !files.includes(message.file) || networks.has(message.file)) return;
    if (message.error || !buffers?.[0]) return fail(message.error ?? WORDS.late);
    try {
      const [bytes] = buffers;
      const view = bytes instanceof DataView ? bytes : new DataView(bytes as ArrayBuffer);
      networks.set(message.file, new Network(view));
      views.set(message.file, view);
    } catch (error) {
      return fail(String(error));
    }
    if (!complete()) return;
    clearTimeout(waiting);
    stage.body.dataset.path = networks.get(files[0])!.path;
    stage.invalidate();
  };
  stage.model.on("msg:custom", onMessage);
  stage.signal.addEventListener("abort", () => {
    clearTimeout(waiting);
    stage.model.off("msg:custom", onMessage);
  });
  ask();

  const sentence = () => (failure ? WORDS.failed(failure) : WORDS.loading);
  return {
    networks: () => (complete() ? files.map((file) => networks.get(file)!) : undefined),
    bytes: (file) => views.get(file)!,
    sized: (file, height, width) => new Network(views.get(file)!, undefined, [height, width]),
    notice,
    ready() {
      const there = complete();
      if (there && notice.hidden) return true;
      stage.body.classList.toggle("waiting", !there);
      stage.body.classList.toggle("loading", !there && !failure);
      notice.hidden = there;
      if (!there) {
        notice.replaceChildren(`${sentence()} `);
        if (failure) notice.append(h("button", { type: "button", class: "nin-button", click: ask }, WORDS.again));
      }
      return there;
    },
    sentence,
  };
}
