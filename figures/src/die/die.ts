/** Watch ReLUs die: a small NiN trains in the page, and every unit that falls silent is seen. */
import style from "./die.css";
import { toTorch } from "./code";
import { WORDS } from "./words";
import { losses } from "./losses";
import { deadIn, EVERY, type Found, type Settings, shapesOf, STEPS, verdict, type Verdict } from "../net/experiment";
import { greys, raster } from "./raster";
import { choose, freshId, h, mark, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed, rounded, tiny } from "../shell/format";
import { decode } from "../shell/garment";
import { training } from "./training";

const MARKS = { default: 1 / Math.sqrt(3), xavier: 1, he: Math.SQRT2 };
const GAIN = [0.2, 2];
const BIAS = [-0.5, 0.5];
const RATE = [0.003, 3];
const COLUMNS = STEPS / EVERY + 1;
const TOP = 3.2; // of the axis of the loss
const SEED = 3;
const AT_ONCE = 10; // measurements at a time where nobody watches

type Start = Omit<Settings, "seed">;
const plain: Start = { gain: MARKS.he, bias: 0, rate: 0.1, finalRelu: true, norm: false };
const PRESETS: Record<keyof typeof WORDS.named, Start> = {
  high: { ...plain, rate: 0.7 },
  blind: { ...plain, gain: MARKS.default, bias: 0.1 },
  small: { ...plain, gain: MARKS.default },
  negative: { ...plain, bias: -0.5 },
  xavier: { ...plain, gain: MARKS.xavier },
  healthy: { ...plain, rate: 0.2, finalRelu: false },
  norm: { ...plain, norm: true },
};
const TRAITS = { gain: "gain", bias: "bias", rate: "rate", finalRelu: "final_relu", norm: "norm", seed: "seed" } as const;
const asState = (some: Partial<Settings>) =>
  Object.fromEntries(Object.entries(some).map(([key, value]) => [TRAITS[key as keyof Settings], value]));
/** A gain beside one with a name is that one. */
const snapped = (gain: number) => Object.values(MARKS).find((one) => Math.abs(one - gain) < 0.011) ?? gain;
/** Two digits that count. */
const short = (value: number) => Number(value.toPrecision(2));

function mount(stage: Stage): View {
  const names = stage.get<string[]>("names");
  const pictures = { packed: Uint8Array.from(decode(stage.get("pictures"))), side: 14, classes: names.length };
  const shapes = shapesOf(pictures.side, pictures.classes);
  const widths = shapes.map(({ to }) => to);
  const units = widths.reduce((a, b) => a + b);
  const chances = Math.log(names.length);
  const root = stage.body.closest<HTMLElement>(".nin-figure")!;
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  // ---- the state, kept inside what there is
  const inside = (key: string, [low, high]: number[], otherwise: number) => {
    const value = Number(stage.get(key));
    return Number.isFinite(value) ? Math.max(low, Math.min(high, value)) : otherwise;
  };
  const settings = (): Settings => ({
    gain: snapped(inside("gain", GAIN, MARKS.he)),
    bias: inside("bias", BIAS, 0),
    rate: inside("rate", RATE, plain.rate),
    finalRelu: !!stage.get("final_relu"),
    norm: !!stage.get("norm"),
    seed: Math.round(inside("seed", [0, 9999], SEED)),
  });

  // ---- the run
  let [playing, ranFor] = [false, ""];
  let former: number[] = [];
  const run = training(pictures, stage.signal, () => (hidden() ? goOn() : stage.invalidate()));
  /** Where nothing may move, a run is shown once it is there. */
  const hidden = () => still.matches && playing && !run.done();
  const seen = (): Found[] => (hidden() ? run.found.slice(0, 1) : run.found);
  const follow = () => {
    const key = JSON.stringify(settings());
    if (key === ranFor) return;
    if (run.found.length > 1) former = run.found.map(({ loss }) => loss);
    ranFor = key;
    run.begin(settings());
    units_.begin();
  };
  const goOn = () => {
    if (run.done()) playing = false;
    if (hidden() && run.found.length % (2 * AT_ONCE) > AT_ONCE) stage.invalidate();
    if (!stage.awake()) return;
    if (!run.found.length) run.more(1);
    else if (playing) run.more(hidden() ? AT_ONCE : 1);
    if (run.done()) stage.invalidate();
  };
  const play = () => {
    if (run.done()) restart();
    playing = !playing;
    stage.set({ step: -1 });
  };
  const restart = () => {
    playing = false;
    ranFor = "";
    stage.set({ step: -1 });
    follow();
  };
  const retrain = (change: Partial<Settings>) => {
    stage.set({ ...asState(change), step: -1 });
    follow();
    playing = true;
    stage.invalidate();
  };
  root.addEventListener("wake", goOn, { signal: stage.signal });
  document.addEventListener("visibilitychange", goOn, { signal: stage.signal });

  // ---- where the cursor is
  const column = () => {
    const [step, most] = [inside("step", [-1, STEPS], -1), Math.max(0, seen().length - 1)];
    return step < 0 ? most : Math.min(most, Math.round(step / EVERY));
  };
  const unit = () => Math.round(inside("unit", [0, units - 1], units - 1));
  const toColumn = (c: number) => (c >= seen().length - 1 ? -1 : c * EVERY);

  // ---- the settings
  const set = (change: Partial<Settings>) => stage.set({ ...asState(change), step: -1 });
  const preset = h("select", { change: () => set(PRESETS[preset.value as keyof typeof PRESETS]) },
    ...Object.entries(WORDS.named).map(([value, text]) => h("option", { value }, text)), h("option", { value: "", hidden: true }, WORDS.own));
  const slider = (label: string, [low, high]: number[], step: number, take: (value: number) => void, ...under: Node[]) => {
    const input = h("input", { type: "range", min: low, max: high, step, input: () => take(Number(input.value)) });
    const number = h("span", { class: "nin-number" });
    return { input, number, element: h("label", { class: "slider" }, h("span", {}, label), number, input, ...under) };
  };
  const marks = h("span", { class: "marks", "aria-hidden": "true" }, ...Object.entries(MARKS).map(([key, value]) =>
    h("span", { style: `left:calc(8px + (100% - 16px) * ${(value - GAIN[0]) / (GAIN[1] - GAIN[0])})` }, WORDS.marks[key as keyof typeof MARKS])));
  const gain = slider(WORDS.gain, GAIN, 0.01, (value) => set({ gain: snapped(value) }), marks);
  const bias = slider(WORDS.bias, BIAS, 0.05, (value) => set({ bias: rounded(value, 2) }));
  const rate = slider(WORDS.rate, RATE.map(Math.log10), 0.01, (value) => set({ rate: short(10 ** value) }));
  const check = (label: string, take: (yes: boolean) => void) => {
    const input = h("input", { type: "checkbox", change: () => take(input.checked) });
    return { input, element: h("label", {}, input, ` ${label}`) };
  };
  const finalRelu = check(WORDS.finalRelu, (yes) => set({ finalRelu: yes }));
  const norm = check(WORDS.norm, (yes) => set({ norm: yes }));
  const seed = h("input", { type: "number", min: 0, max: 9999, step: 1, change: () => set({ seed: Number(seed.value) }) });
  const button = (text: string, press: () => void) => h("button", { type: "button", class: "nin-button", click: press }, text);
  const go = button(WORDS.train, play);
  const remedies: [HTMLButtonElement, () => Partial<Settings>][] = [
    [button(WORDS.half, () => retrain({ rate: short(settings().rate / 2) })), () => ({ rate: RATE[0] })],
    [button(WORDS.he, () => retrain({ gain: MARKS.he })), () => ({ gain: MARKS.he })],
    [button(WORDS.drop, () => retrain({ finalRelu: false })), () => ({ finalRelu: false })],
    [button(WORDS.raised, () => retrain({ bias: 0.1 })), () => ({ bias: 0.1 })],
    [button(WORDS.normed, () => retrain({ norm: true })), () => ({ norm: true })],
  ];
  const remedy = freshId("remedies");

  // ---- the drawing
  const chart = losses(COLUMNS, TOP, chances, WORDS.chances(names.length));
  const units_ = raster({
    layers: shapes.map(({ to }, l) => ({ name: (l % 3 ? "" : WORDS.block(l / 3 + 1)) + (l % 3 ? "1×1" : "3×3"), units: to, opens: l % 3 === 0 })),
    classes: names,
    pictures: names.map((_, c) => Array.from({ length: 196 }, (_, i) => ((pictures.packed[(196 * c + i) >> 1] >> (i % 2 ? 0 : 4)) & 15) / 15)),
    columns: COLUMNS,
    label: WORDS.rasterLabel,
    kind: WORDS.kind,
    dead: WORDS.dead,
    empty: WORDS.empty,
    move: (u, c) => stage.set({ unit: u, step: toColumn(c) }),
    press: play,
  });
  const scrub = h("input", { type: "range", min: 0, max: STEPS, step: EVERY, "aria-label": WORDS.step, input: () => stage.set({ step: toColumn(Number(scrub.value) / EVERY) }) });
  const reading = (label: string) => {
    const value = h("b", {});
    return { value, element: h("div", {}, h("span", { class: "nin-label" }, label), h("div", { class: "value" }, value)) };
  };
  const readings = { step: reading(WORDS.step), loss: reading(WORDS.loss), gradient: reading(WORDS.gradient), dead: reading(WORDS.dead) };
  const state = h("b", {});
  const swatches = WORDS.legend.map((text) => ({ colour: h("i", {}), text }));
  const note = h("p", { class: "note", hidden: true }, WORDS.here);
  stage.body.append(
    h("div", { class: "settings" },
      h("label", { class: "preset" }, h("span", {}, WORDS.presets), preset),
      gain.element, bias.element, rate.element,
      finalRelu.element, norm.element,
      h("label", { class: "seed" }, h("span", {}, WORDS.seed), seed),
      h("div", { class: "go" }, go, button(WORDS.back, restart)),
      h("div", { class: "remedies", role: "group", "aria-labelledby": remedy },
        h("span", { id: remedy }, WORDS.remedies), ...remedies.map(([one]) => one)),
      note),
    h("div", { class: "run" },
      h("div", { class: "readings", "aria-hidden": "true" }, h("div", { class: "state" }, state), ...Object.values(readings).map(({ element }) => element)),
      h("div", { class: "plots" },
        chart.ticks, chart.element, h("span", { class: "nin-label over", "aria-hidden": "true" }, WORDS.dead),
        units_.names, units_.element, units_.numbers,
        scrub),
      h("p", { class: "legend", "aria-hidden": "true" },
        ...swatches.map(({ colour, text }) => h("span", {}, colour, ` ${text}`)),
        h("span", { class: "line" }, h("i", {}), ` ${WORDS.former}`))),
  );

  const six = (value: number) => (!Number.isFinite(value) ? "NaN" : value >= 1e4 ? tiny(value) : fixed(value, 6));
  const small = (value: number) => (!Number.isFinite(value) ? "NaN" : value === 0 ? "0" : value < 1e-3 || value >= 1e4 ? tiny(value) : fixed(value, 4));
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  const activities = (found: Found[]) => found.map(({ on }) => on);
  const standing = (): Verdict => verdict(seen(), column(), widths);

  return {
    draw() {
      follow();
      goOn();
      const now = settings();
      const as = (one: Partial<Settings>) => Object.entries(one).every(([key, value]) => now[key as keyof Settings] === value);
      choose(preset, Object.entries(PRESETS).find(([, one]) => as(one))?.[0] ?? "");
      choose(gain.input, rounded(now.gain, 2));
      choose(bias.input, rounded(now.bias, 2));
      choose(rate.input, rounded(Math.log10(now.rate), 2));
      write(gain.number, fixed(now.gain, 2));
      write(bias.number, fixed(now.bias, 2));
      write(rate.number, String(now.rate));
      finalRelu.input.checked = now.finalRelu;
      norm.input.checked = now.norm;
      if (document.activeElement !== seed) choose(seed, now.seed);
      write(go, playing ? WORDS.pause : run.done() ? WORDS.again : WORDS.train);
      for (const [one, done] of remedies) one.disabled = as(done());
      note.hidden = run.inWorker();
      swatches.forEach(({ colour }, i) => (colour.style.background = greys()[i]));
      const found = seen();
      units_.paint(activities(found));
      chart.draw(found.map(({ loss }) => loss), former);
      const end = found.findIndex(({ over }) => over);
      chart.say(end, end < 0 ? "" : WORDS.deadFrom(found[end].step));
      if (!found.length) return;
      const c = column();
      const { step, loss, gradient, lit } = found[c];
      const dead = deadIn(lit, widths);
      units_.place(unit(), c, found.length, dead, names.map((_, k) => lit[units - names.length + k] === 0));
      chart.place(c);
      choose(scrub, step);
      write(readings.step.value, String(step));
      write(readings.loss.value, six(loss));
      write(readings.gradient.value, small(gradient));
      write(readings.dead.value, `${sum(dead)}/${units}`);
      const word = standing();
      write(state, WORDS.short[word]);
      mark(state, word === "dead" ? "dark" : "");
    },
    sentence() {
      if (hidden()) return WORDS.computing(Math.max(0, run.found.length - 1) * EVERY);
      const found = seen();
      if (!found.length) return "";
      const { step, loss, gradient, varies, on, mean, lit } = found[column()];
      const dead = deadIn(lit, widths);
      const cut = WORDS.layer(dead.findIndex((count, l) => count === widths[l]));
      const which = unit();
      const layer = widths.findIndex((_, l) => which < sum(widths.slice(0, l + 1)));
      const within = which - sum(widths.slice(0, layer));
      return (
        WORDS.at(step, six(loss), small(gradient)) +
        WORDS.verdicts[standing()](`${WORDS.chances(names.length)} = ${fixed(chances, 6)}`, cut, short(100 * varies).toString()) +
        (layer === widths.length - 1 ? WORDS.classMap(names[within]) : WORDS.unit(WORDS.layer(layer), within)) +
        (lit[which] === 0 ? WORDS.isDead : WORDS.isOn(fixed(100 * on[which], 1), lit[which], small(Math.abs(mean[which])).replace(/^/, mean[which] < 0 ? "−" : ""))) +
        WORDS.total(dead.join(" + "), sum(dead), units)
      );
    },
    table() {
      return {
        head: [...WORDS.columns, ...shapes.map((_, l) => `${WORDS.dead}, ${WORDS.layer(l)}`)],
        rows: seen().filter((_, i) => i % 5 === 0).map(({ step, loss, gradient, lit }) => [step, six(loss), small(gradient), ...deadIn(lit, widths)]),
      };
    },
    code() {
      return toTorch(settings(), widths, seen()[column()]?.step ?? 0);
    },
  };
}

export default figure({
  name: "die",
  words: WORDS,
  state: ["gain", "bias", "rate", "final_relu", "norm", "seed", "unit", "step"],
  style,
  mount,
});
