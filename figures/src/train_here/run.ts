/** The reader's training: loads what it needs once it is asked to, and keeps what is found out. */
import type { Answer, Choices, Reason, Request, Seen, Test } from "../training/messages";
import { askFile } from "../shell/ask_file";
import type { Model } from "../shell/model";
import { startWorker } from "../shell/worker";

const [SCRIPT, GARMENTS] = ["training.js", "garments.4bit"];
const SILENCE = 150_000; // ms without an answer, after which a worker counts as dead; a GPU has its own, shorter time

export type Phase = "idle" | "loading" | "training" | "paused" | "done";

/** A training, from its start. */
export interface Run {
  choices: Choices;
  steps: number;
  perEpoch: number;
  losses: number[];
  rights: number[]; // shares of right answers, step by step
  tests: Test[];
  engine: string;
  reason: Reason;
  detail: string;
  speed: number; // images per second
  again: boolean; // begun anew, because the worker of the first attempt died
}

export interface Training {
  phase: Phase;
  /** Why nothing runs, though the reader asked for it; "" otherwise. */
  failure: { kind: "" | "file" | "garments" | "training"; why: string };
  run?: Run;
  former: number[]; // losses of the run before
  seen?: Seen;
  inWorker: boolean;
  loaded: boolean;
  counts: { train: number; photographs: number; drawn: number };
  begin(choices: Choices, software: boolean): void;
  pause(): void;
  goOn(): void;
  /** Have an image named, now and while the network learns. */
  look(image: string, pixels: number[]): void;
  forget(): void;
}

export function training(model: Model, signal: AbortSignal, onChange: (road?: string) => void): Training {
  let post: ((request: Request) => void) | undefined;
  let number = 0;
  let looked: Extract<Request, { kind: "image" }> | undefined;
  let asked: { choices: Choices; software: boolean; again: boolean } | undefined;
  let wanted: typeof asked; // while all is loaded
  let loading = false;

  const take = (answer: Answer) => {
    if ("run" in answer && answer.run !== number) return;
    const { run } = self;
    switch (answer.kind) {
      case "loaded":
        [self.loaded, loading] = [true, false];
        self.counts = answer;
        if (wanted) start(wanted);
        wanted = undefined;
        break;
      case "damaged":
        loading = false;
        fail("garments", answer.why);
        break;
      case "engine":
        Object.assign(run!, { engine: answer.name, reason: answer.reason, detail: answer.detail, steps: answer.steps, perEpoch: answer.perEpoch });
        return onChange(answer.road);
      case "progress":
        run!.losses.push(...answer.losses);
        run!.rights.push(...answer.rights);
        run!.speed = answer.speed;
        break;
      case "tested":
        run!.tests.push(answer.test);
        break;
      case "seen":
        self.seen = answer;
        break;
      case "done":
        self.phase = "done";
        break;
      case "failed":
        fail("training", answer.why);
    }
    onChange();
  };
  const fail = (kind: Training["failure"]["kind"], why: unknown) => {
    self.phase = self.run ? "paused" : "idle";
    self.failure = { kind, why: String(why) };
    if (kind === "training") self.run && (self.phase = "done");
    onChange();
  };

  /** Where workers are forbidden, the same script works in the page, in short parts. */
  const inPage = async (script: string) => {
    const { port1, port2 } = new MessageChannel();
    (globalThis as { ninTraining?: MessagePort }).ninTraining = port2;
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    await import(address);
    URL.revokeObjectURL(address);
    port1.onmessage = ({ data }) => take(data);
    signal.addEventListener("abort", () => port1.close());
    self.inWorker = false;
    post = (request) => port1.postMessage(request);
  };
  const connect = async (script: string, file: DataView) => {
    const worker = startWorker(script, signal);
    let [answered, silence] = [false, 0];
    const load = () => {
      if (looked) post!(looked);
      post!({ kind: "load", file });
    };
    if (!worker) {
      await inPage(script);
      return load();
    }
    const died = (why: string) => {
      clearTimeout(silence);
      worker.terminate();
      [self.loaded, loading, post] = [false, true, undefined];
      if (!answered) return void inPage(script).then(load, (error) => ((loading = false), fail("training", error)));
      const anew = /training|paused/.test(self.phase) && !asked?.again;
      if (anew) wanted = { ...asked!, again: true };
      void connect(script, file);
      if (!anew) fail("training", why);
    };
    const watch = () => {
      clearTimeout(silence);
      if (/loading|training/.test(self.phase)) silence = setTimeout(died, SILENCE, "its worker does not answer") as unknown as number;
    };
    signal.addEventListener("abort", () => clearTimeout(silence));
    post = (request) => {
      worker.postMessage(request);
      watch();
    };
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      answered = true;
      take(data);
      if (data.kind === "damaged") worker.terminate(); // the next attempt has its own
      watch();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      died(event.message || "its worker ended");
    };
    load();
  };
  const fetchAll = async () => {
    loading = true;
    try {
      const [script, file] = await Promise.all([SCRIPT, GARMENTS].map((name) => askFile(model, name, signal)));
      await connect(new TextDecoder().decode(script), file);
    } catch (error) {
      loading = false;
      if (!signal.aborted) fail("file", error);
    }
  };
  const start = (what: NonNullable<typeof asked>) => {
    const { choices, software, again } = (asked = what);
    if (self.run?.losses.length) self.former = self.run.losses;
    self.run = { choices, steps: 0, perEpoch: 0, losses: [], rights: [], tests: [], engine: "", reason: "", detail: "", speed: 0, again };
    self.phase = "training";
    self.seen = undefined;
    post!({ kind: "start", run: ++number, choices, software });
  };

  const self: Training = {
    phase: "idle",
    failure: { kind: "", why: "" },
    former: [],
    inWorker: true,
    loaded: false,
    counts: { train: 0, photographs: 0, drawn: 0 },
    begin(choices, software) {
      self.failure = { kind: "", why: "" };
      const what = { choices, software, again: false };
      if (self.loaded) start(what);
      else {
        wanted = what;
        self.phase = "loading";
        if (!loading) void fetchAll();
      }
      onChange();
    },
    pause() {
      self.phase = "paused";
      post?.({ kind: "go", on: false });
      onChange();
    },
    goOn() {
      self.phase = "training";
      post?.({ kind: "go", on: true });
      onChange();
    },
    look(image, pixels) {
      if (looked?.image === image) return;
      looked = { kind: "image", image, pixels: Uint8Array.from(pixels) };
      if (self.loaded) post?.(looked);
    },
    forget() {
      number++;
      post?.({ kind: "stop" });
      wanted = undefined;
      Object.assign(self, { phase: "idle", failure: { kind: "", why: "" }, run: undefined, former: [], seen: undefined });
      onChange();
    },
  };
  return self;
}
