/** A page that trains on the GPU as its tester asks. Numbers go in and out as base64 of their bytes. */
import type { Images, Rule, State } from "../src/training/engine";
import { type Gpu, openGpu } from "../src/training/gpu/gpu";
import { plan, type Shape } from "../src/training/plan";

const bytes = (text: string): Uint8Array => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const floats = (text: string): Float32Array => new Float32Array(bytes(text).buffer);
const base64 = (numbers: Float32Array): string => {
  let text = "";
  for (const byte of new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)) text += String.fromCharCode(byte);
  return btoa(text);
};

type Written<T> = { [Name in keyof T]: string };
let gpu: Gpu;

const page = {
  /** The engine's name, or the sentence that says why there is none. */
  async open(batch: number, shape: Shape, images: Written<Images>, rule: Rule, software: boolean) {
    const { pixels, labels } = images;
    const opened = await openGpu(plan(batch, shape), { pixels: bytes(pixels), labels: bytes(labels) }, rule, { software });
    if (typeof opened === "string") return { why: opened };
    gpu = opened;
    return { name: gpu.name };
  },
  async set({ parameters, momentum, running }: Written<State>) {
    await gpu.set({ parameters: floats(parameters), momentum: floats(momentum), running: floats(running) });
  },
  async get(): Promise<Written<State>> {
    const { parameters, momentum, running } = await gpu.get();
    return { parameters: base64(parameters), momentum: base64(momentum), running: base64(running) };
  },
  gradient: async (batch: number[]) => base64(await gpu.gradient(Uint32Array.from(batch))),
  steps: (order: number[], rates: number[]) => gpu.steps(Uint32Array.from(order), Float32Array.from(rates)),
  /** What WebGPU forbids; it says so in an event. */
  misuse: () => void gpu.device.createBuffer({ size: 4, usage: 0 }),
  lose: () => gpu.device.destroy(),
  end: () => gpu.end(),
};

/** Does one of these; an error's sentence comes back in place of the answer. */
(globalThis as unknown as { ask: unknown }).ask = async (name: keyof typeof page, given: unknown[]) => {
  try {
    return { answer: await (page[name] as (...given: unknown[]) => unknown)(...given) };
  } catch (error) {
    return { error: (error as Error).message };
  }
};
