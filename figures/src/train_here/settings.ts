/** What the reader chooses before a training, and the elements to choose it with. */
import type { Choices } from "../training/messages";
import type { Scheme } from "../training/recipe";
import { h, setValue, slider, write } from "../shell/dom";
import type { Stage } from "../shell/figure";
import { rounded } from "../shell/format";
import { WORDS } from "./words";

const EPOCHS = [1, 2, 4, 6, 10, 20];
const RATE = [0.003, 3];
const SCHEMES: Scheme[] = ["he", "xavier", "default"];
const SEEDS = 10_000;

const short = (value: number) => Number(value.toPrecision(2));

export function settings(stage: Stage) {
  const among = <T>(key: string, values: readonly T[]): T => (values.includes(stage.get(key)) ? stage.get<T>(key) : values[0]);
  const number = (key: string, [low, high]: number[], otherwise: number) => {
    const value = Number(stage.get(key));
    return Number.isFinite(value) ? Math.max(low, Math.min(high, value)) : otherwise;
  };
  const choices = (): Choices => ({
    rate: number("rate", RATE, 0.4),
    epochs: among("epochs", [6, ...EPOCHS]),
    lastRelu: !!stage.get("final_relu"),
    norm: !!stage.get("norm"),
    initialization: among("initialization", SCHEMES),
    network: among("network", ["pocket", "twin"] as const),
    seed: Math.round(number("seed", [0, SEEDS - 1], 0)),
  });

  const select = (label: string, key: string, options: Record<string, string>, take: (value: string) => unknown = String) => {
    const input = h("select", { "aria-label": label, change: () => stage.set({ [key]: take(input.value) }) },
      ...Object.entries(options).map(([value, text]) => h("option", { value }, text)));
    return { input, element: h("label", { class: "choice" }, h("span", {}, label), input) };
  };
  const check = (label: string, key: string) => {
    const input = h("input", { type: "checkbox", change: () => stage.set({ [key]: input.checked }) });
    return { input, element: h("label", {}, input, ` ${label}`) };
  };
  const network = select(WORDS.network, "network", WORDS.networks);
  const initialization = select(WORDS.initialization, "initialization", WORDS.initializations);
  const epochs = select(WORDS.epochs, "epochs", Object.fromEntries(EPOCHS.map((count) => [count, String(count)])), Number);
  const rateNumber = h("span", { class: "nin-number" });
  const rate = slider({ min: rounded(Math.log10(RATE[0]), 2), max: rounded(Math.log10(RATE[1]), 2), step: 0.01, input: () => stage.set({ rate: short(10 ** Number(rate.value)) }) },
    (value) => String(short(10 ** value)));
  const norm = check(WORDS.norm, "norm");
  const lastRelu = check(WORDS.lastRelu, "final_relu");
  const seed = h("input", { type: "number", min: 0, max: SEEDS - 1, step: 1, change: () => stage.set({ seed: Math.round(Number(seed.value)) || 0 }) });
  return {
    choices,
    element: h("div", { class: "panel" },
      network.element, initialization.element,
      h("label", { class: "slider" }, h("span", {}, WORDS.rate), rateNumber, rate),
      norm.element, lastRelu.element,
      h("div", { class: "pair" }, epochs.element, h("label", { class: "choice" }, h("span", {}, WORDS.seed), seed))),
    nextSeed: () => stage.set({ seed: (choices().seed + 1) % SEEDS }),
    useTwin: () => stage.set({ network: "twin" }),
    draw(): void {
      const now = choices();
      setValue(network.input, now.network);
      setValue(initialization.input, now.initialization);
      setValue(epochs.input, now.epochs);
      setValue(rate, rounded(Math.log10(now.rate), 2));
      write(rateNumber, String(now.rate));
      norm.input.checked = now.norm;
      lastRelu.input.checked = now.lastRelu;
      if (document.activeElement !== seed) setValue(seed, now.seed);
    },
  };
}
