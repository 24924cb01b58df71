/** One filter or a small network: points separated by one filter, or by a small network of 1×1 layers. */
import style from "./bend.css";
import { circle, fold, kinks, line, put, square } from "./marks";
import { multiplyAdds, parameters, type Point, profile, response, sizesOf, toTorch, Training, unitsOf, zeroLine } from "./mlp";
import { preamble } from "../shell/python";
import { h, setValue, slider, svg, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed, signed } from "../shell/format";
import { grid } from "../shell/grid";
import { paintSigned } from "../shell/maps";

const WORDS = {
  title: "One filter or a small network",
  how: "separate the two kinds with few units",
  keys: "arrow keys move the cursor",
  caption:
    "The response of one filter is a plane, so its zero line is straight. Each unit with a ReLU folds the plane along one line. The next 1×1 layer adds the folded planes, and its zero line can turn at each fold.",
  map: "response to each patch",
  up: "↑ x₂, lighter at the top",
  across: "x₁, lighter on the right →",
  along: (b: string) => `along x₂ = ${b} · dashed: cut by ReLU`,
  positive: "wanted positive",
  negative: "wanted negative",
  wrong: "on the wrong side",
  zero: "zero line",
  fold: "fold of a first-layer unit",
  patterns: { "one side": "one side", corner: "corner", "exclusive or": "exclusive or", ring: "ring" } as Record<string, string>,
  pattern: "pattern",
  depth: "hidden layers",
  width: "units in each",
  counted: {
    depth: (count: number) => `${count} hidden ${count === 1 ? "layer" : "layers"}`,
    width: (count: number) => `${count} ${count === 1 ? "unit" : "units"} in each layer`,
  },
  again: "another seed",
  correct: "correct side",
  parameters: "parameters",
  multiplyAdds: "multiply-adds per pixel",
  best: "Fewest units for 99 %:",
  notYet: "–",
  network(width: number, depth: number): string {
    if (depth === 0) return "a single filter";
    return `${depth} ${depth === 1 ? "layer" : "layers"} of ${width} ${width === 1 ? "unit" : "units"}`;
  },
  trying: (percent: string) => `: training, ${percent}\u00a0%.`,
  training: (percent: string, share: string, count: number) =>
    `: training, ${percent}\u00a0%; ${share}\u00a0% of the ${count} points on the correct side so far.`,
  trained: (share: string, count: number) => `: ${share}\u00a0% of the ${count} points on the correct side.`,
  costs: (numbers: number, products: number) => ` It has ${numbers} parameters and takes ${products} multiply-adds per pixel.`,
  noLine: (share: string) => ` No straight line gets more than ${share}\u00a0%.`,
  at: (a: string, b: string, value: string) => ` At x₁\u00a0=\u00a0${a}, x₂\u00a0=\u00a0${b} the response is ${value}`,
  cut: ", which a ReLU would make 0",
  kinks: (count: number) => `; this row has ${count === 0 ? "no fold" : count === 1 ? "1 fold" : `${count} folds`}.`,
  columns: (inputs: number) => ["unit", "bias", ...Array.from({ length: inputs }, (_, i) => `weight ${i + 1}`)],
  unit: (layer: number, unit: number) => `layer ${layer}, unit ${unit}`,
  output: "response",
};

const SIDE = 41;
const ENOUGH = 0.99;
/** Milliseconds of a frame for training and painting; the browser has the rest. */
const SLICE = 6;
/** Milliseconds between two sentences during training. */
const SENTENCE_EVERY = 200;

const DECIMALS = 4; // of a response

/** A part of so many points in percent; of the exact quotient, which a share may miss by a last digit. */
const percent = (part: number, points: number) => ((100 * part) / points).toFixed(1);
const across = (column: number) => -1 + (2 * column) / (SIDE - 1);
const up = (row: number) => 1 - (2 * row) / (SIDE - 1);

function mount(stage: Stage): View {
  const all = stage.get<Record<string, Point[]>>("points");
  const names = Object.keys(all);
  const root = stage.body.closest<HTMLElement>(".nin-figure")!;

  /** The state, clamped to its ranges. */
  const state = () => {
    const inside = (key: string, low: number, high: number) => Math.max(low, Math.min(high, Math.round(stage.get(key)) || 0));
    const pattern = stage.get<string>("pattern");
    const [row, column] = [inside("row", 0, SIDE - 1), inside("column", 0, SIDE - 1)];
    return {
      pattern: names.includes(pattern) ? pattern : names[0],
      width: inside("width", 1, 8),
      depth: inside("depth", 0, 3),
      seed: inside("seed", 0, 2 ** 31 - 1),
      row,
      column,
      a: across(column),
      b: up(row),
    };
  };

  const field = grid({ label: WORDS.map, move: (row, column) => stage.set({ row, column }) });
  const marks = { folds: line("folds"), zero: line("zero"), row: line("row"), no: line("no"), yes: line("yes"), wrong: line("wrong") };
  field.canvas.after(svg("svg", { viewBox: "-1.025 -1.025 2.05 2.05", "aria-hidden": "true" },
    marks.folds, marks.row,
    svg("g", { transform: `scale(${2 / (SIDE - 1)}) translate(${-(SIDE + 1) / 2} ${-(SIDE + 1) / 2})` }, marks.zero),
    marks.no, marks.yes, marks.wrong));

  const chart = { axis: line("axis"), spot: line("row"), cut: line("cut"), rest: line("rest"), kept: line("kept"), kinks: line("kinks"), dot: line("dot") };
  put(chart.axis, "M-1 0H1");
  const along = h("span", { class: "nin-label along" });
  const most = h("span", { class: "nin-number nin-pos" });
  const least = h("span", { class: "nin-number nin-neg" });

  const sample = (text: string, name: string, d: string) =>
    h("span", {}, svg("svg", { viewBox: "-10 -8 20 16", "aria-hidden": "true" }, Object.assign(svg("path", { class: name, d }))), ` ${text}`);
  const legend = h("p", { class: "legend" },
    sample(WORDS.positive, "yes", square(0, 0, 3.5)),
    sample(WORDS.negative, "no", circle(0, 0, 3.8)),
    sample(WORDS.wrong, "wrong", circle(0, 0, 6.5)),
    sample(WORDS.zero, "zero", "M-9 0H9"),
    sample(WORDS.fold, "folds", "M-9 0H9"));

  const choice = h("select", { change: () => stage.set({ pattern: choice.value }) },
    ...names.map((name) => h("option", { value: name }, WORDS.patterns[name] ?? name)));
  const setting = (key: "width" | "depth", low: number, high: number) => {
    const input = slider({ min: low, max: high, step: 1, input: () => stage.set({ [key]: Number(input.value) }) }, WORDS.counted[key]);
    const value = h("span", { class: "nin-number" });
    const element = h("label", { class: "slider" }, h("span", {}, WORDS[key]), input, value);
    const show = (now: number, disabled = false) => {
      setValue(input, now);
      input.disabled = disabled;
      write(value, disabled ? "–" : String(now));
    };
    return { element, show };
  };
  const depth = setting("depth", 0, 3);
  const width = setting("width", 1, 8);
  const again = h("button", { type: "button", class: "nin-button", click: () => stage.set({ seed: state().seed + 1 }) }, WORDS.again);

  const count = (label: string) => {
    const value = h("dd", { class: "nin-number" });
    return { value, element: h("div", {}, h("dt", { class: "nin-label" }, label), value) };
  };
  const counts = { correct: count(WORDS.correct), parameters: count(WORDS.parameters), products: count(WORDS.multiplyAdds) };
  const records = Object.fromEntries(names.map((name) => [name, h("span", {}, WORDS.notYet)]));
  const best: Record<string, number> = {};

  stage.body.append(
    h("div", { class: "field" },
      h("span", { class: "nin-label" }, WORDS.up),
      field.element,
      h("span", { class: "nin-label ends" }, h("span", { class: "nin-number" }, "−1"), WORDS.across, h("span", { class: "nin-number" }, "1"))),
    h("div", { class: "along-row" },
      h("div", {}, along),
      h("div", { class: "profile" },
        h("div", { class: "scale", "aria-hidden": "true" }, most, h("span", { class: "nin-number" }, "0"), least),
        h("div", { class: "plot" }, svg("svg", { viewBox: "-1 -1 2 2", preserveAspectRatio: "none", "aria-hidden": "true" }, ...Object.values(chart))))),
    h("div", { class: "nin-controls" }, h("label", {}, `${WORDS.pattern} `, choice), again, depth.element, width.element),
    h("dl", {}, ...Object.values(counts).map(({ element }) => element)),
    h("p", { class: "best" }, h("span", { class: "all" }, WORDS.best), ...names.map((name) => h("span", {}, `${WORDS.patterns[name] ?? name}: `, records[name]))),
    legend,
  );

  /** The training for the present pattern, width, depth and seed. */
  let training!: Training;
  let trainedFor = "";
  let finished = false;
  const restart = () => {
    const { pattern, width, depth, seed } = state();
    const key = [pattern, depth && width, depth, depth && seed].join();
    if (key === trainedFor) return;
    trainedFor = key;
    training = new Training(sizesOf(width, depth), seed, all[pattern]);
    [finished, job, stepsLeft] = [false, 0, 0];
    put(marks.yes, all[pattern].filter(([, , wanted]) => wanted > 0).map(([a, b]) => square(a, -b, 0.019)).join(""));
    put(marks.no, all[pattern].filter(([, , wanted]) => wanted < 0).map(([a, b]) => circle(a, -b, 0.021)).join(""));
    if (stage.get("score") !== null) stage.set({ score: null });
    schedule();
  };

  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  /** Whether there is a network to show. */
  const visible = () => training.done || (training.chosen && !reducedMotion.matches);

  /** What is painted now depends on these keys of network, theme and cursor: painted again when they change. */
  const painted = { values: "", marks: "", background: "", chart: "" };
  const values = new Float64Array(SIDE * SIDE);
  const wider = new Float64Array((SIDE + 2) ** 2); // one more cell on each side, so that the zero line reaches the edge
  let top = 1;
  let correct = 0; // points
  let bends: [number, number][] = [];

  const evaluate = () => {
    const key = `${trainedFor} ${visible() ? training.step : "none"}`;
    if (painted.values === key) return;
    painted.values = key;
    const respond = visible() ? response(training.network) : () => 0;
    for (let r = -1; r <= SIDE; r++)
      for (let c = -1; c <= SIDE; c++) {
        const value = (wider[(r + 1) * (SIDE + 2) + c + 1] = respond(across(c), up(r)));
        if (r >= 0 && r < SIDE && c >= 0 && c < SIDE) values[r * SIDE + c] = value;
      }
    top = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1); // at least 1, so that a flat map looks flat
  };

  const paintMarks = () => {
    if (painted.marks === painted.values) return;
    painted.marks = painted.values;
    const { network } = training;
    const { pattern, depth } = state();
    const at = response(network);
    const wrong = all[pattern].filter(([a, b, wanted]) => at(a, b) > 0 !== wanted > 0);
    correct = all[pattern].length - wrong.length;
    put(marks.zero, zeroLine(wider, SIDE + 2));
    put(marks.wrong, visible() ? wrong.map(([a, b]) => circle(a, -b, 0.045)).join("") : "");
    put(marks.folds, visible() && depth ? unitsOf(network, 1).map(fold).join("") : "");
  };

  const paintBackground = () => {
    const key = `${painted.values} ${root.dataset.theme}`;
    if (painted.background === key) return;
    painted.background = key;
    paintSigned(field.canvas, values, SIDE, SIDE, 1.4 * top); // less than full color, so that the points stand out
  };

  const paintChart = () => {
    const { a, b } = state();
    const key = `${painted.values} ${a} ${b}`;
    if (painted.chart === key) return;
    painted.chart = key;
    const at = (x: number, value: number) => `${x.toFixed(4)} ${((-0.94 * value) / top).toFixed(4)}`;
    bends = visible() ? profile(training.network, b) : [];
    let [kept, cut, rest] = ["", "", ""];
    bends.slice(1).forEach(([q, to], i) => {
      const [p, from] = bends[i];
      const zero = p + ((q - p) * from) / (from - to);
      const ends = from * to < 0 ? [[p, from], [zero, 0], [q, to]] : [[p, from], [q, to]];
      for (let k = 1; k < ends.length; k++) {
        const [[x, low], [u, high]] = [ends[k - 1], ends[k]];
        const part = `M${at(x, low)}L${at(u, high)}`;
        if (low + high > 0) kept += part;
        else [cut, rest] = [cut + part, `${rest}M${at(x, 0)}L${at(u, 0)}`];
      }
    });
    put(chart.kept, kept);
    put(chart.cut, cut);
    put(chart.rest, rest);
    put(chart.kinks, kinks(bends).map(([x, value]) => `M${at(x, value)}h0`).join(""));
    put(chart.dot, visible() ? `M${at(a, response(training.network)(a, b))}h0` : "");
    write(most, signed(top, 1));
    write(least, signed(-top, 1));
  };

  /** Steps before the next drawing: few at first, where most changes; more where drawing takes frames. */
  let stepsLeft = 0;
  let frames = 1;
  const train = (end: number) => {
    if (stepsLeft <= 0) {
      stepsLeft = visible() ? (2 + training.step / 25) * Math.min(frames, 4) : 100;
      frames = 0;
    }
    do training.advance();
    while (!training.done && --stepsLeft > 0 && performance.now() < end);
    return training.done || stepsLeft <= 0;
  };

  /** Whether the next frame is for the sentence alone. */
  let sentenceFrame = false;
  let lastSentence = 0;
  const report = () => {
    if (training.done) {
      finished = true;
      const { pattern, width, depth } = state();
      const units = width * depth;
      const share = correct / all[pattern].length;
      if (share >= ENOUGH && !(best[pattern] <= units)) {
        best[pattern] = units;
        write(records[pattern], String(units));
        records[pattern].className = "nin-number";
      }
      stage.set({ score: share });
    } else if (performance.now() - lastSentence > SENTENCE_EVERY) {
      lastSentence = performance.now();
      sentenceFrame = true;
      stage.invalidate();
    }
  };

  /** The jobs of a cycle; each frame runs as many of them as it has time for. */
  const jobs = [train, evaluate, paintMarks, paintBackground, paintChart, report];
  const costs = jobs.map(() => 0);
  let job = 0;
  let frame = 0;
  const schedule = () => {
    frame ||= requestAnimationFrame(tick);
  };
  const tick = () => {
    frame = 0;
    if (stage.signal.aborted || finished || !stage.awake()) return;
    const end = performance.now() + SLICE;
    frames++;
    if (!sentenceFrame)
      do {
        const from = performance.now();
        if (jobs[job](end) === false) break; // training, when its time is up
        costs[job] = performance.now() - from;
        job = (job + 1) % jobs.length;
      } while (job > 0 && performance.now() + costs[job] < end);
    else sentenceFrame = false;
    if (!finished) schedule();
  };
  root.addEventListener("wake", schedule);
  document.addEventListener("visibilitychange", schedule, { signal: stage.signal });

  return {
    draw() {
      restart();
      const now = state();
      setValue(choice, now.pattern);
      depth.show(now.depth);
      width.show(now.width, now.depth === 0);
      again.disabled = now.depth === 0;
      field.showCursor(now.row, now.column, SIDE, SIDE);
      put(marks.row, `M-1.025 ${-now.b}H1.025`);
      put(chart.spot, `M${now.a} -1V1`);
      write(along, WORDS.along(fixed(now.b, 2)));
      const sizes = sizesOf(now.width, now.depth);
      write(counts.parameters.value, String(parameters(sizes)));
      write(counts.products.value, String(multiplyAdds(sizes)));
      if (!sentenceFrame) for (const paint of [evaluate, paintMarks, paintBackground, paintChart]) paint();
      write(counts.correct.value, visible() ? `${percent(correct, all[now.pattern].length)}\u00a0%` : "…");
    },
    sentence() {
      const { pattern, width, depth, a, b } = state();
      const name = WORDS.patterns[pattern] ?? pattern;
      const start = `${name[0].toUpperCase()}${name.slice(1)} with ${WORDS.network(width, depth)}`;
      const done = Math.floor(100 * training.progress).toFixed(0);
      if (!visible()) return start + WORDS.trying(done);
      const points = all[pattern].length;
      if (!training.done) return start + WORDS.training(done, percent(correct, points), points);
      const sizes = sizesOf(width, depth);
      const line = Math.round(points * stage.get<Record<string, number>>("best_line")[pattern]);
      const value = response(training.network)(a, b);
      return (
        start +
        WORDS.trained(percent(correct, points), points) +
        // layers of one unit depend on one direction only, so their zero line is straight too
        (line < points && (depth === 0 || width === 1) ? WORDS.noLine(percent(line, points)) : "") +
        WORDS.costs(parameters(sizes), multiplyAdds(sizes)) +
        WORDS.at(fixed(a, 2), fixed(b, 2), signed(value, DECIMALS)) +
        (value < 0 ? WORDS.cut : "") +
        WORDS.kinks(kinks(bends).length)
      );
    },
    table() {
      const { network } = training;
      const layers = network.sizes.slice(1).map((_, l) => unitsOf(network, l + 1));
      const inputs = Math.max(...layers.map(([unit]) => unit.length - 1));
      const rows = layers.flatMap((units, l) => units.map((unit, u) => {
        const [bias, ...weights] = [unit.at(-1)!, ...unit.slice(0, -1)].map((value) => fixed(value, DECIMALS));
        const name = l === layers.length - 1 ? WORDS.output : WORDS.unit(l + 1, u + 1);
        return [name, bias, ...weights, ...Array<string>(inputs - weights.length).fill("")];
      }));
      return { head: WORDS.columns(inputs), rows };
    },
    code() {
      const { a, b } = state();
      return preamble(this.sentence()) + toTorch(training.network, Number(a.toFixed(2)), Number(b.toFixed(2)), DECIMALS);
    },
  };
}

export default figure({
  name: "bend",
  words: WORDS,
  state: ["pattern", "width", "depth", "seed", "row", "column"],
  style,
  mount,
});
