/**
 * One training after another, in whatever runs this: on the GPU where there is one that computes the
 * same as the processor and faster, else on the processor; from whichever state it has reached.
 */
import type { Engine } from "./engine";
import { type Garments, pack, readGarments } from "./garments";
import { openGpu } from "./gpu/gpu";
import { type Answer, BATCH, type Choices, type Reason, type Request } from "./messages";
import { Judge } from "./judge";
import { plan, POCKET, type Plan, TWIN } from "./plan";
import { Processor } from "./processor/processor";
import { initialize, order, rates, RULE } from "./recipe";

const SHARE = 0.02; // by which the first gradients of GPU and processor may differ, as lengths
const LATE = 60_000; // ms
const AT_ONCE = 64; // steps asked of an engine, at most

/** A pause in which messages come in. */
const breath = () => new Promise<void>((done) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => (port1.close(), done());
  port2.postMessage(0);
});

/** What is promised, or an error if it does not come: a GPU may hang without a word. */
function answered<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The GPU did not answer.")), LATE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The length of the difference of two gradients, as a share of the second's. */
export function apart(one: Float32Array, other: Float32Array): number {
  let [difference, whole] = [0, 0];
  for (let i = 0; i < other.length; i++) {
    difference += (one[i] - other[i]) ** 2;
    whole += other[i] ** 2;
  }
  return Math.sqrt(difference / whole);
}

const sentence = (error: unknown) => (error instanceof Error ? error.message : String(error));

export const planOf = ({ network, norm, lastRelu }: Choices): Plan => plan(BATCH, { ...(network === "twin" ? TWIN : POCKET), norm, lastRelu });

/** @param part milliseconds that a part of the training takes, after which messages come in */
export function session(post: (answer: Answer) => void, part: number): (request: Request) => Promise<void> {
  let garments: Garments | undefined;
  let current = NaN; // number of the run
  let going = true;
  let goOn = () => {};
  let image: Extract<Request, { kind: "image" }> | undefined;
  let judge: Judge | undefined; // knows the last state

  const look = async () => {
    if (!judge || !image) return;
    const { maps, shares } = judge.look(pack(image.pixels));
    post({ kind: "seen", run: current, image: image.image, maps, shares });
  };
  const wait = () => (going ? breath() : new Promise<void>((resume) => (goOn = resume)));

  async function train(run: number, choices: Choices, software: boolean): Promise<void> {
    const { train, photographs, drawn } = garments!;
    const own = planOf(choices);
    const perEpoch = Math.floor(train.labels.length / BATCH);
    const steps = perEpoch * choices.epochs;
    const all = order(train.labels.length, BATCH, choices.epochs, choices.seed);
    const rate = rates(steps, choices.rate);
    let state = initialize(own, choices.initialization, choices.seed);
    judge = undefined;

    let [step, parts, atOnce] = [0, 0, 1];
    let [counted, spent] = [0, 0]; // steps of this engine, and the milliseconds that they took
    const processor = new Processor(own, train, RULE);
    let engine: Engine = processor;
    const say = (reason: Reason, detail = "") =>
      post({ kind: "engine", run, name: engine.name, road: engine === processor ? "processor" : "GPU", reason, detail, steps, perEpoch });
    const byProcessor = async (reason: Reason, detail = "") => {
      engine.end();
      engine = processor;
      await processor.set(state);
      [counted, spent] = [0, 0];
      say(reason, detail);
    };

    // ---- which engine: the GPU, if its first gradient is the processor's
    await processor.set(state);
    const first = all.subarray(0, BATCH);
    const began = performance.now();
    const gradient = await processor.gradient(first);
    const slowest = performance.now() - began; // of a step that is worth going to the GPU
    const gpu = await answered(openGpu(own, train, RULE, { software })).catch(sentence);
    if (typeof gpu === "string") say("none", gpu);
    else
      try {
        engine = gpu;
        await gpu.set(state);
        if (apart(await answered(gpu.gradient(first)), gradient) < SHARE) say("");
        else await byProcessor("differs");
      } catch (error) {
        await byProcessor("lost", sentence(error));
      }
    if (run !== current) return engine.end();

    const test = async (epoch: number) => {
      const [{ accuracy }, others] = [judge!.test(photographs), judge!.test(drawn)];
      post({ kind: "tested", run, test: { epoch, photographs: accuracy, drawn: others.accuracy, zeros: others.zeros } });
    };
    judge = new Judge(own, RULE);
    await judge.set(state);
    await look();
    while (step < steps) {
      await wait();
      if (run !== current) return engine.end();
      const count = Math.min(atOnce, perEpoch - (step % perEpoch));
      const start = performance.now();
      try {
        const results = await answered(engine.steps(all.subarray(step * BATCH, (step + count) * BATCH), rate.subarray(step, step + count)));
        state = await answered(engine.get());
        const took = performance.now() - start;
        step += count;
        counted += count;
        spent += took;
        if (run !== current) return engine.end();
        post({
          kind: "progress", run,
          losses: results.map(({ loss }) => loss),
          rights: results.map(({ right }) => right / BATCH),
          speed: (counted * BATCH) / (spent / 1000),
        });
        atOnce = Math.max(1, Math.min(AT_ONCE, 2 * atOnce, Math.round((count * part) / took)));
        // The first part also prepares what the others use.
        if (engine !== processor && ++parts === 2 && took / count > slowest) await byProcessor("slow");
      } catch (error) {
        if (engine === processor) throw error;
        await byProcessor("lost", sentence(error));
        continue;
      }
      await judge.set(state);
      await look();
      if (step % perEpoch === 0) await test(step / perEpoch);
    }
    engine.end();
    post({ kind: "done", run });
  }

  return async (request) => {
    if (request.kind === "load")
      try {
        garments = await readGarments(request.file);
        const [train, photographs, drawn] = [garments.train, garments.photographs, garments.drawn].map(({ labels }) => labels.length);
        post({ kind: "loaded", train, photographs, drawn });
      } catch (error) {
        post({ kind: "damaged", why: (error as Error).message });
      }
    if (request.kind === "start") {
      current = request.run;
      going = true;
      goOn(); // of the run before, which then ends
      try {
        await train(request.run, request.choices, request.software);
      } catch (error) {
        post({ kind: "failed", run: request.run, why: sentence(error) });
      }
    }
    if (request.kind === "go") {
      going = request.on;
      if (going) goOn();
    }
    if (request.kind === "image") {
      image = request;
      await look();
    }
    if (request.kind === "stop") {
      current = NaN;
      judge = undefined;
      goOn();
    }
  };
}
