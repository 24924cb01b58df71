/** What a page and the worker that trains say to each other. */
import type { Scheme } from "./recipe";

export const BATCH = 128; // images of a step
export const GARMENTS = 6000; // of a page, to train on

/** What the reader chooses. */
export interface Choices {
  rate: number; // the highest learning rate
  epochs: number;
  lastRelu: boolean;
  norm: boolean;
  initialization: Scheme;
  network: "pocket" | "twin";
  seed: number;
}

export type Request =
  | { kind: "load"; file: DataView }
  /** Train from the start; another run number makes an end of the run before. */
  | { kind: "start"; run: number; choices: Choices; software: boolean }
  | { kind: "go"; on: boolean }
  /** Name an image of 784 bytes, 0 to 255, now and after each part of the training. */
  | { kind: "image"; image: string; pixels: Uint8Array }
  | { kind: "stop" };

/** Why the processor works and not the GPU; "" if the GPU does. */
export type Reason = "" | "none" | "differs" | "lost" | "slow";

/** What the network says of the reader's image. */
export interface Seen {
  image: string;
  maps: Float32Array[]; // class by class
  shares: number[];
}

/** After an epoch: accuracies on photographs and on drawn garments. */
export interface Test {
  epoch: number;
  photographs: number;
  drawn: number;
  zeros: number; // share of the numbers in the drawn garments' class maps that are exactly 0
}

export type Answer =
  | { kind: "loaded"; train: number; photographs: number; drawn: number }
  | { kind: "damaged"; why: string }
  /** Which engine works from now on, and why it is not the GPU. */
  | { kind: "engine"; run: number; name: string; road: string; reason: Reason; detail: string; steps: number; perEpoch: number }
  /** Losses and shares of right answers of the steps since the last answer, and images per second of the engine that works. */
  | { kind: "progress"; run: number; losses: number[]; rights: number[]; speed: number }
  | { kind: "tested"; run: number; test: Test }
  | ({ kind: "seen"; run: number } & Seen)
  | { kind: "done"; run: number }
  | { kind: "failed"; run: number; why: string };
