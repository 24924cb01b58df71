/** Watch ReLUs die: a small NiN trains in the page, and a raster shows every unit that dies. */
import style from "./die.css";
import { toTorch } from "./code";
import { lossChart } from "./losses";
import { grays, raster } from "./raster";
import { trainingRun } from "./training";
import { WORDS } from "./words";
import { asState, BIAS, DEFAULTS, GAIN, GAINS, LEARNING_RATE, PRESETS, short, snapped } from "./presets";
import { deadIn, EVERY, type Measurement, type Settings, shapesOf, STEPS, verdict, type Verdict } from "../net/experiment";
import { freshId, h, setClass, setValue, slider, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed, rounded, tiny } from "../shell/format";
import { decode } from "../shell/garment";
import { preamble } from "../shell/python";

const COLUMNS = STEPS / EVERY + 1;
const TOP = 3.2; // of the axis of the loss
const SEED = 3;
const HIDDEN_COUNT = 10; // measurements a request while the run is not shown

function mount(stage: Stage): View {
  const names = stage.get<string[]>("names");
  const images = { packed: Uint8Array.from(decode(stage.get("pictures"))), side: 14, classes: names.length };
  const shapes = shapesOf(images.side, images.classes);
  const widths = shapes.map(({ to }) => to);
  const units = widths.reduce((a, b) => a + b);
  const chances = Math.log(names.length);
  const root = stage.body.closest<HTMLElement>(".nin-figure")!;
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

  // ---- the state, clamped to its ranges
  const inside = (key: string, [low, high]: number[], otherwise: number) => {
    const value = Number(stage.get(key));
    return Number.isFinite(value) ? Math.max(low, Math.min(high, value)) : otherwise;
  };
  const settings = (): Settings => ({
    gain: snapped(inside("gain", GAIN, GAINS.he)),
    bias: inside("bias", BIAS, 0),
    learningRate: inside("rate", LEARNING_RATE, DEFAULTS.learningRate),
    finalRelu: !!stage.get("final_relu"),
    norm: !!stage.get("norm"),
    seed: Math.round(inside("seed", [0, 9999], SEED)),
  });

  // ---- the run
  let [playing, ranFor] = [false, ""];
  let previous: number[] = []; // losses of the run before
  const run = trainingRun(images, stage.signal, () => (hidden() ? continueRun() : stage.invalidate()));
  /** With reduced motion, a run is shown once it is complete. */
  const hidden = () => reducedMotion.matches && playing && !run.done();
  const visible = (): Measurement[] => (hidden() ? run.measurements.slice(0, 1) : run.measurements);
  const restartIfChanged = () => {
    const key = JSON.stringify(settings());
    if (key === ranFor) return;
    if (run.measurements.length > 1) previous = run.measurements.map(({ loss }) => loss);
    ranFor = key;
    run.begin(settings());
    rasterView.clear();
  };
  const continueRun = () => {
    if (run.done()) playing = false;
    if (hidden() && run.measurements.length % (2 * HIDDEN_COUNT) > HIDDEN_COUNT) stage.invalidate();
    if (!stage.awake()) return;
    if (!run.measurements.length) run.more(1);
    else if (playing) run.more(hidden() ? HIDDEN_COUNT : 1);
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
    restartIfChanged();
  };
  const retrain = (change: Partial<Settings>) => {
    stage.set({ ...asState(change), step: -1 });
    restartIfChanged();
    playing = true;
    stage.invalidate();
  };
  root.addEventListener("wake", continueRun, { signal: stage.signal });
  document.addEventListener("visibilitychange", continueRun, { signal: stage.signal });

  // ---- the cursor
  const column = () => {
    const [step, most] = [inside("step", [-1, STEPS], -1), Math.max(0, visible().length - 1)];
    return step < 0 ? most : Math.min(most, Math.round(step / EVERY));
  };
  const unit = () => Math.round(inside("unit", [0, units - 1], units - 1));
  const toColumn = (c: number) => (c >= visible().length - 1 ? -1 : c * EVERY);

  // ---- the settings
  const set = (change: Partial<Settings>) => stage.set({ ...asState(change), step: -1 });
  const preset = h("select", { "aria-label": WORDS.presets, change: () => set(PRESETS[preset.value as keyof typeof PRESETS]) },
    ...Object.entries(WORDS.named).map(([value, text]) => h("option", { value }, text)), h("option", { value: "", hidden: true }, WORDS.own));
  const setting = (label: string, [low, high]: number[], step: number, take: (value: number) => void, words: (value: number) => string, ...under: Node[]) => {
    const input = slider({ min: low, max: high, step, input: () => take(Number(input.value)) }, words);
    const number = h("span", { class: "nin-number" });
    return { input, number, element: h("label", { class: "slider" }, h("span", {}, label), number, input, ...under) };
  };
  const marks = h("span", { class: "marks", "aria-hidden": "true" }, ...Object.entries(GAINS).map(([key, value]) =>
    h("span", { style: `left:calc(8px + (100% - 16px) * ${(value - GAIN[0]) / (GAIN[1] - GAIN[0])})` }, WORDS.marks[key as keyof typeof GAINS])));
  const gainName = (value: number) => Object.entries(GAINS).find(([, gain]) => gain === snapped(value))?.[0] as keyof typeof GAINS | undefined;
  const gainWords = (value: number) => fixed(value, 2) + (gainName(value) ? `, ${WORDS.marks[gainName(value)!]}` : "");
  const gain = setting(WORDS.gain, GAIN, 0.01, (value) => set({ gain: snapped(value) }), gainWords, marks);
  const bias = setting(WORDS.bias, BIAS, 0.05, (value) => set({ bias: rounded(value, 2) }), (value) => fixed(value, 2));
  const rate = setting(WORDS.rate, LEARNING_RATE.map(Math.log10), 0.01, (value) => set({ learningRate: short(10 ** value) }), (value) => String(short(10 ** value)));
  const check = (label: string, take: (yes: boolean) => void) => {
    const input = h("input", { type: "checkbox", change: () => take(input.checked) });
    return { input, element: h("label", {}, input, ` ${label}`) };
  };
  const finalRelu = check(WORDS.finalRelu, (yes) => set({ finalRelu: yes }));
  const norm = check(WORDS.norm, (yes) => set({ norm: yes }));
  const seed = h("input", { type: "number", min: 0, max: 9999, step: 1, change: () => set({ seed: Number(seed.value) }) });
  const button = (text: string | Node, press: () => void) => h("button", { type: "button", class: "nin-button", click: press }, text);
  const go = button(WORDS.train, play);
  // Where there is no room for them, the settings are behind a button.
  const fold = button(WORDS.settings, () => setOpen(!panel.classList.contains("open")));
  const setOpen = (open: boolean) => {
    for (const one of [panel, stage.body]) one.classList.toggle("open", open);
    fold.setAttribute("aria-expanded", String(open));
  };
  fold.classList.add("fold");
  const panel = h("div", { class: "panel" },
    gain.element, bias.element, rate.element,
    finalRelu.element, norm.element,
    h("label", { class: "seed" }, h("span", {}, WORDS.seed), seed));
  setOpen(false);
  const remedies: [HTMLButtonElement, () => Partial<Settings>][] = [
    [button(h("span", {}, WORDS.half[0], h("span", { class: "wide" }, WORDS.half[1]), WORDS.half[2]), () => retrain({ learningRate: settings().learningRate / 2 })), () => ({ learningRate: LEARNING_RATE[0] })],
    [button(WORDS.normed, () => retrain({ norm: true })), () => ({ norm: true })],
    [button(WORDS.he, () => retrain({ gain: GAINS.he })), () => ({ gain: GAINS.he })],
    [button(WORDS.drop, () => retrain({ finalRelu: false })), () => ({ finalRelu: false })],
    [button(WORDS.raised, () => retrain({ bias: 0.1 })), () => ({ bias: 0.1 })],
  ];
  const remedy = freshId("remedies");

  // ---- the charts
  const chart = lossChart(COLUMNS, TOP, chances, WORDS.chances(names.length));
  const rasterView = raster({
    layers: shapes.map(({ to }, l) => ({ name: (l % 3 ? "" : WORDS.block(l / 3 + 1)) + (l % 3 ? "1×1" : "3×3"), units: to, first: l % 3 === 0 })),
    classes: names,
    images: names.map((_, c) => Array.from({ length: 196 }, (_, i) => ((images.packed[(196 * c + i) >> 1] >> (i % 2 ? 0 : 4)) & 15) / 15)),
    columns: COLUMNS,
    label: WORDS.rasterLabel,
    kind: WORDS.kind,
    dead: WORDS.dead,
    empty: WORDS.empty,
    move: (u, c) => stage.set({ unit: u, step: toColumn(c) }),
    press: play,
  });
  const scrub = slider({ min: 0, max: STEPS, step: EVERY, value: 0, "aria-label": WORDS.step, input: () => stage.set({ step: toColumn(Number(scrub.value) / EVERY) }) }, WORDS.ofSteps);
  const reading = (label: string) => {
    const value = h("b", {});
    return { value, element: h("div", {}, h("span", { class: "nin-label" }, label), h("div", { class: "value" }, value)) };
  };
  const readings = { step: reading(WORDS.step), loss: reading(WORDS.loss), gradient: reading(WORDS.gradient), dead: reading(WORDS.dead) };
  const state = h("b", {});
  const swatches = WORDS.legend.map((text) => ({ color: h("i", {}), text }));
  const note = h("p", { class: "note", hidden: true }, WORDS.here);
  stage.body.append(
    h("div", { class: "settings" },
      h("label", { class: "preset" }, h("span", {}, WORDS.presets), preset),
      h("div", { class: "go" }, go, button(WORDS.back, restart), fold),
      panel),
    h("div", { class: "run" },
      h("div", { class: "readings", "aria-hidden": "true" }, h("div", { class: "state" }, state), ...Object.values(readings).map(({ element }) => element)),
      h("div", { class: "plots" },
        chart.ticks, chart.element, h("span", { class: "nin-label over", "aria-hidden": "true" }, WORDS.dead),
        rasterView.names, rasterView.element, rasterView.numbers,
        scrub)),
    h("div", { class: "after" },
      h("div", { class: "remedies", role: "group", "aria-labelledby": remedy },
        h("span", { id: remedy }, WORDS.remedies), ...remedies.map(([one]) => one)),
      h("p", { class: "legend", "aria-hidden": "true" },
        ...swatches.map(({ color, text }) => h("span", {}, color, ` ${text}`)),
        h("span", { class: "line" }, h("i", {}), ` ${WORDS.former}`)),
      note),
  );

  const six = (value: number) => (!Number.isFinite(value) ? "NaN" : value >= 1e4 ? tiny(value) : fixed(value, 6));
  const small = (value: number) => (!Number.isFinite(value) ? "NaN" : value === 0 ? "0" : value < 1e-3 || value >= 1e4 ? tiny(value) : fixed(value, 4));
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  const activities = (measurements: Measurement[]) => measurements.map(({ on }) => on);
  const currentVerdict = (): Verdict => verdict(visible(), column(), widths);

  const view: View = {
    draw() {
      restartIfChanged();
      continueRun();
      const now = settings();
      const as = (one: Partial<Settings>) => Object.entries(one).every(([key, value]) => now[key as keyof Settings] === value);
      setValue(preset, Object.entries(PRESETS).find(([, one]) => as(one))?.[0] ?? "");
      setValue(gain.input, rounded(now.gain, 2));
      setValue(bias.input, rounded(now.bias, 2));
      setValue(rate.input, rounded(Math.log10(now.learningRate), 2));
      write(gain.number, fixed(now.gain, 2));
      write(bias.number, fixed(now.bias, 2));
      write(rate.number, String(now.learningRate));
      finalRelu.input.checked = now.finalRelu;
      norm.input.checked = now.norm;
      if (document.activeElement !== seed) setValue(seed, now.seed);
      write(go, playing ? WORDS.pause : run.done() ? WORDS.again : WORDS.train);
      for (const [one, done] of remedies) one.disabled = as(done());
      note.hidden = run.inWorker();
      swatches.forEach(({ color }, i) => (color.style.background = grays()[i]));
      const measurements = visible();
      rasterView.paint(activities(measurements));
      chart.draw(measurements.map(({ loss }) => loss), previous);
      const end = measurements.findIndex(({ stuck }) => stuck);
      chart.label(end, end < 0 ? "" : WORDS.deadFrom(measurements[end].step));
      if (!measurements.length) return;
      const c = column();
      const { step, loss, gradient, activeImages } = measurements[c];
      const dead = deadIn(activeImages, widths);
      rasterView.setCursor(unit(), c, measurements.length, dead, names.map((_, k) => activeImages[units - names.length + k] === 0));
      chart.setCursor(c);
      setValue(scrub, step);
      write(readings.step.value, String(step));
      write(readings.loss.value, six(loss));
      write(readings.gradient.value, small(gradient));
      write(readings.dead.value, `${sum(dead)}/${units}`);
      const word = currentVerdict();
      write(state, WORDS.short[word]);
      setClass(state, word === "dead" ? "dark" : "");
    },
    sentence() {
      if (hidden()) return WORDS.computing(Math.max(0, run.measurements.length - 1) * EVERY);
      const measurements = visible();
      if (!measurements.length) return null;
      const { step, loss, gradient, variation, on, mean, activeImages } = measurements[column()];
      const dead = deadIn(activeImages, widths);
      const cut = WORDS.layer(dead.findIndex((count, l) => count === widths[l]));
      const which = unit();
      const layer = widths.findIndex((_, l) => which < sum(widths.slice(0, l + 1)));
      const within = which - sum(widths.slice(0, layer));
      return (
        WORDS.at(step, six(loss), small(gradient)) +
        WORDS.verdicts[currentVerdict()](`${WORDS.chances(names.length)} = ${fixed(chances, 6)}`, cut, short(100 * variation).toString()) +
        (layer === widths.length - 1 ? WORDS.classMap(names[within]) : WORDS.unit(WORDS.layer(layer), within)) +
        (activeImages[which] === 0 ? WORDS.isDead : WORDS.isOn(fixed(100 * on[which], 1), activeImages[which], small(Math.abs(mean[which])).replace(/^/, mean[which] < 0 ? "−" : ""))) +
        WORDS.total(dead.join(" + "), sum(dead), units)
      );
    },
    table() {
      return {
        head: [...WORDS.columns, ...shapes.map((_, l) => `${WORDS.dead}, ${WORDS.layer(l)}`)],
        rows: visible().filter((_, i) => i % 5 === 0).map(({ step, loss, gradient, activeImages }) => [step, six(loss), small(gradient), ...deadIn(activeImages, widths)]),
      };
    },
    code() {
      return preamble(view.sentence(), true) + toTorch(settings(), widths, visible()[column()]?.step ?? 0);
    },
    restart() {
      [playing, ranFor] = [false, ""];
      restartIfChanged();
      previous = [];
      setOpen(false);
      stage.invalidate();
    },
  };
  return view;
}

export default figure({
  name: "die",
  words: WORDS,
  state: ["gain", "bias", "rate", "final_relu", "norm", "seed", "unit", "step"],
  style,
  mount,
});
