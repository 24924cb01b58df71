/** The settings of a run that the figure offers, in ranges and with names. */
import type { Settings } from "../net/experiment";
import type { WORDS } from "./words";

export const GAINS = { default: 1 / Math.sqrt(3), xavier: 1, he: Math.SQRT2 };
export const GAIN = [0.2, 2];
export const BIAS = [-0.5, 0.5];
export const LEARNING_RATE = [0.003, 3];

type Initial = Omit<Settings, "seed">;
export const DEFAULTS: Initial = { gain: GAINS.he, bias: 0, learningRate: 0.1, finalRelu: true, norm: false };
export const PRESETS: Record<keyof typeof WORDS.named, Initial> = {
  high: { ...DEFAULTS, learningRate: 0.7 },
  blind: { ...DEFAULTS, gain: GAINS.default, bias: 0.1 },
  small: { ...DEFAULTS, gain: GAINS.default },
  negative: { ...DEFAULTS, bias: -0.5 },
  xavier: { ...DEFAULTS, gain: GAINS.xavier },
  healthy: { ...DEFAULTS, learningRate: 0.2, finalRelu: false },
  norm: { ...DEFAULTS, norm: true },
};
const TRAITS = { gain: "gain", bias: "bias", learningRate: "rate", finalRelu: "final_relu", norm: "norm", seed: "seed" } as const;
/** Settings as traits. */
export const asState = (some: Partial<Settings>) =>
  Object.fromEntries(Object.entries(some).map(([key, value]) => [TRAITS[key as keyof Settings], value]));
/** Snap a gain to one with a name, if it is within 0.011 of it. */
export const snapped = (gain: number) => Object.values(GAINS).find((one) => Math.abs(one - gain) < 0.011) ?? gain;
/** Round to two significant digits. */
export const short = (value: number) => Number(value.toPrecision(2));
