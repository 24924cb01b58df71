/** Break the explanation: tests of a class map by erasing cells and by reinitializing blocks of the network. */
import style from "./break_map.css";
import type { Network } from "../net/network";
import { random as seeded } from "../net/random";
import { softmax } from "../net/softmax";
import { boxed, freshId, h, setValue, slider, svg, write } from "../shell/dom";
import { acceptPaste } from "../shell/drawing_pad";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed, rounded, signed } from "../shell/format";
import { decode, encode, readGarment, SIDE } from "../shell/garment";
import { grid } from "../shell/grid";
import { colorTable, mapCanvas, type Painter, painter } from "../shell/maps";
import { weights } from "../shell/weights";

const FILE = "pocket_nin.f16";

const WORDS = {
  title: "Break the explanation",
  how: "guess, then erase cells; reinitialize blocks",
  keys: "arrow keys move over the map",
  caption:
    "Left to right in the first row: a class map, the image without the cells where that map is largest, the image without as many random cells. In the second row some blocks of the network have random weights in place of the learned ones, each map in its own scale.",
  images: "image",
  own: "your own",
  classes: "class",
  predicted: "the predicted class",
  pasted: "the pasted text",
  among: "cells to erase, of",
  amongs: { garment: "the garment", picture: "the whole image" },
  erase: "cells erased",
  points: "Does the map point at what matters?",
  cares: "Does the map care about what was learned?",
  mapOf: (name: string) => `class map of ${name}`,
  map: "class map with a cursor",
  strongest: "strongest cells erased",
  random: "as many at random",
  question: "Your guess: against random cells, erasing the strongest ones costs the class",
  guesses: { more: "more", same: "about as much", less: "less" },
  hidden: "Guess first; then the curves are drawn here.",
  probability: (name: string) => `probability of ${name}`,
  legend: ["strongest", "random, mean", "middle half of the draws"],
  redrawn: "blocks reinitialized, from the top",
  counted: {
    erased: (count: number) => `${count} ${count === 1 ? "cell" : "cells"}`,
    redrawn: (count: number) => `${count} ${count === 1 ? "block" : "blocks"}`,
  },
  again: "reinitialize again",
  trained: "as trained",
  reinitialized: (blocks: number) => (blocks ? `top ${blocks === 1 ? "block" : `${blocks} blocks`} reinitialized` : "nothing reinitialized"),
  agreement: "correlation r of the two maps",
  agreements: ["this draw", "mean", "middle half of the draws"],
  cell: (row: number, column: number, name: string, value: string, rank: number, count: number) =>
    `Row ${row}, column ${column} of the map of ${name} holds ${value}` + (rank ? `, number ${rank} of ${count} cells by strength.` : "; there is no garment."),
  guessFirst: " Guess what erasing the strongest cells does, and the curves appear.",
  working: " The random draws are being computed.",
  left: (count: number, of: number, name: string, share: string, logit: string, before: string, random: string, draws: number) =>
    ` Without its ${count} strongest of ${of} cells, ${name} keeps ${share}\u00a0% of ${before}\u00a0% (logit ${logit}); without ${count} random ones ${random}\u00a0%, the mean of ${draws} draws.`,
  gap: (most: number, gap: string) => ` Over 1 to ${most} cells the strongest cost ${gap} points more than random ones on average`,
  verdict: (guess: string, holds: boolean, same: number) =>
    `: your guess, “${guess}”, ${holds ? "holds" : "does not hold"} here (up to ${same} points count as no difference).`,
  agrees: (blocks: number, r: string) =>
    ` With ${blocks ? `the top ${blocks === 1 ? "block" : `${blocks} blocks`}` : "nothing"} reinitialized, the map’s correlation with the trained one is r = ${r}`,
  agreesOn: (draws: number, mean: string) => `; ${mean} on average over ${draws} draws`,
  columns: (draws: number) => ["change", "strongest cells, or this draw", `mean of ${draws} draws`, "middle half from", "to"],
  erasedRow: (count: number) => `${count} erased, %`,
  reinitializedRow: (blocks: number) => `${blocks} reinitialized, r`,
};

const MAX_ERASED = 20; // cells
const BLOCKS = 4;
const DRAWS = 20;
const SAME = 3; // percentage points that count as no difference
const SLICE = 5; // ms for the draws, then as long a pause
type Guess = keyof typeof WORDS.guesses;
type Among = keyof typeof WORDS.amongs;

function shuffled(values: number[], random: () => number): number[] {
  const result = values.slice();
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b) / values.length;

/** Pearson's correlation of two maps; 0 where one is constant. */
function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [a, b].map((values) => {
    const middle = mean(values);
    return Array.from(values, (value) => value - middle);
  });
  const dot = (p: number[], q: number[]) => p.reduce((sum, value, i) => sum + value * q[i], 0);
  return dot(x, y) / (Math.sqrt(dot(x, x) * dot(y, y)) || 1);
}

/** Compute mean and middle half of the draws. */
function spread(values: number[]) {
  const sorted = values.slice().sort((a, b) => a - b);
  const quarter = Math.floor(sorted.length / 4);
  return { mean: mean(values), low: sorted[quarter], high: sorted[sorted.length - 1 - quarter] };
}
type Spread = ReturnType<typeof spread>;

/** A chart of a curve, and of a mean with its band; x from 0 to `width`, y from `low` to `high`. */
function chart(width: number, low: number, high: number) {
  const line = (name: string) => svg("path", { class: name, "vector-effect": "non-scaling-stroke" });
  const [band, zero, random, chosen, dot] = ["band", "zero", "random", "chosen", "dot"].map(line);
  const here = h("div", { class: "here" });
  const drawing = svg("svg", { viewBox: `0 0 ${width} 1`, preserveAspectRatio: "none", "aria-hidden": "true" }, band, zero, random, chosen, dot);
  const at = (x: number, value: number) => `${x} ${((high - value) / (high - low)).toFixed(4)}`;
  const path = (values: number[]) => (values.length ? `M${values.map((value, x) => at(x, value)).join("L")}` : "");
  zero.setAttribute("d", `M${at(0, 0)}H${width}`);
  return {
    element: h("div", { class: "plot" }, drawing, here),
    draw(spreads: Spread[], values: number[]) {
      random.setAttribute("d", path(spreads.map(({ mean }) => mean)));
      chosen.setAttribute("d", path(values));
      const back = spreads.map(({ low }, x) => at(x, low)).reverse();
      band.setAttribute("d", spreads.length ? `${path(spreads.map(({ high }) => high))}L${back.join("L")}z` : "");
    },
    setCursor(x: number, value?: number) {
      here.style.transform = `translateX(${(100 * x) / width}%)`;
      dot.setAttribute("d", value === undefined ? "" : `M${at(x, value)}h0`);
    },
  };
}

function mount(stage: Stage): View {
  const file = weights(stage, [FILE]);
  const root = stage.body.closest<HTMLElement>(".nin-figure")!;
  acceptPaste(root, WORDS.pasted);
  let network: Network | undefined;
  let copy: Network | undefined;
  const names = stage.get<string[]>("names");
  const images = stage.get<string[]>("pictures");

  // ---- the state, clamped to its ranges
  const inside = (key: string, low: number, high: number) => Math.max(low, Math.min(high, Math.round(stage.get(key)) || 0));
  const own = () => stage.get<string>("own");
  const index = () => (stage.get<number>("picture") < 0 && own() ? -1 : inside("picture", 0, images.length - 1));
  const shown = () => (index() < 0 ? own() : images[index()]);
  const one = <K extends string>(key: string, words: Record<K, string>, otherwise: K | "") => {
    const value = stage.get<K>(key);
    return value in words ? value : otherwise;
  };
  const guess = () => one<Guess>("guess", WORDS.guesses, "");
  const among = () => one<Among>("among", WORDS.amongs, "garment");
  const erased = () => Math.min(inside("erased", 0, MAX_ERASED), cells().length);
  const redrawn = () => inside("redrawn", 0, BLOCKS);
  const seed = () => inside("seed", 0, 2 ** 20);

  /** Compute a value once for each key; the key lists everything that it depends on. */
  const cache = new Map<string, unknown>();
  const cached = <T>(key: string, make: () => T): T => {
    if (!cache.has(key)) {
      if (cache.size > 1000) cache.clear();
      cache.set(key, make());
    }
    return cache.get(key) as T;
  };

  // ---- the network on an image, whole or in part
  const bytes = () => cached(`bytes ${shown()}`, () => decode(shown()));
  const last = () => network!.layers.length - 2; // the class maps, which the average follows
  const size = () => network!.layers[last()].height;
  const normalized = (image: number[]) => {
    const [mean, std] = stage.get<number[]>("normal");
    return image.map((value) => (value / 255 - mean) / std);
  };
  const cellOf = (pixel: number) => {
    const side = SIDE / size();
    return Math.floor(Math.floor(pixel / SIDE) / side) * size() + Math.floor((pixel % SIDE) / side);
  };
  const without = (erased: number[]) => {
    const black = new Set(erased);
    return bytes().map((value, pixel) => (black.has(cellOf(pixel)) ? 0 : value));
  };
  const logitsOf = (image: number[]): number[] => {
    network!.run(normalized(image));
    return names.map((_, c) => network!.at(last() + 1, c, 0));
  };
  const whole = () => cached(`whole ${shown()}`, () => {
    const logits = logitsOf(bytes());
    return { logits, maps: names.map((_, c) => Array.from(network!.map(last(), c))) };
  });
  /** The chosen class; −1 is the network's prediction for the whole image. */
  const chosen = () => {
    const { logits } = whole();
    return stage.get<number>("chosen") < 0 ? logits.indexOf(Math.max(...logits)) : inside("chosen", 0, names.length - 1);
  };
  /** The cells that may be erased: all of them, or those that contain a part of the garment. */
  const cells = () => cached(`cells ${shown()} ${among()}`, () => {
    const holds = new Set<number>();
    bytes().forEach((value, pixel) => value > 0 && holds.add(cellOf(pixel)));
    return Array.from({ length: size() ** 2 }, (_, i) => i).filter((i) => among() === "picture" || holds.has(i));
  });
  const strongest = (c: number) => cached(`order ${shown()} ${among()} ${c}`, () => {
    const values = whole().maps[c];
    return cells().slice().sort((a, b) => values[b] - values[a]);
  });
  const orderOf = (draw: number) => cached(`random ${shown()} ${among()} ${seed()} ${draw}`, () => shuffled(cells(), seeded(1000 * seed() + draw)));
  const most = () => Math.min(MAX_ERASED, cells().length);

  /** Reinitialize the top blocks of the copy: weights with He's variance, biases 0. Returns its maps. */
  const reinitialize = (blocks: number, random: () => number) => {
    copy ??= file.sized(FILE, SIDE, SIDE);
    const floats = (of: Network) => new Float32Array(of.weightsOf(0, 0).buffer); // everything in a network's memory
    floats(copy).set(floats(network!));
    const reinitialized = Array.from({ length: blocks }, (_, i) => `block${BLOCKS - i}`);
    copy.layers.forEach((layer, i) => {
      if (layer.kind !== "conv" || !reinitialized.includes(layer.name.split(".")[0])) return;
      const bound = Math.sqrt(6 / (layer.channels * layer.kernel ** 2));
      for (let c = 0; c < layer.out; c++) {
        const weights = copy!.weightsOf(i, c);
        for (let k = 0; k < weights.length; k++) weights[k] = bound * (2 * random() - 1);
      }
      floats(copy!).fill(0, layer.bias, layer.bias + layer.out);
    });
    copy.run(normalized(bytes()));
    return names.map((_, c) => Array.from(copy!.map(last(), c)));
  };
  const weightsSeed = (draw: number) => 1000 * (seed() + draw) + 7;
  const reinitializedMaps = () => cached(`reinitialized ${shown()} ${seed()} ${redrawn()}`, () => reinitialize(redrawn(), seeded(weightsSeed(0))));
  const agreement = (c: number) => correlation(whole().maps[c], reinitializedMaps()[c]);

  // ---- the draws, computed in slices; the curves are shown once they are complete
  interface Curves {
    strong: { logits: number[]; shares: number[] };
    random: Spread[];
  }
  const agreeKey = () => `agree ${shown()} ${seed()}`;
  const strongKey = () => `strong ${shown()} ${among()} ${chosen()}`;
  const randomKey = () => `shares ${shown()} ${among()} ${seed()}`;
  const curves = (c: number): Curves | undefined => {
    if (!guess() || !cache.has(strongKey()) || !cache.has(randomKey())) return undefined;
    const shares = cache.get(randomKey()) as number[][][];
    return { strong: cache.get(strongKey()) as Curves["strong"], random: shares.map((draws) => spread(draws.map((each) => each[c]))) };
  };
  const agreements = (c: number): Spread[] =>
    ((cache.get(agreeKey()) as number[][][]) ?? []).map((draws) => spread(draws.map((each) => each[c])));

  function* computeErasing(): Generator<void> {
    const [strong, random, c, counts] = [strongKey(), randomKey(), chosen(), Array.from({ length: most() + 1 }, (_, k) => k)];
    if (!cache.has(strong)) {
      const [logits, shares]: number[][] = [[], []];
      for (const k of counts) {
        const values = logitsOf(without(strongest(c).slice(0, k)));
        logits.push(values[c]);
        shares.push(softmax(values)[c]);
        yield;
      }
      cache.set(strong, { logits, shares });
    }
    if (cache.has(random)) return;
    const shares: number[][][] = counts.map(() => []);
    for (let draw = 0; draw < DRAWS; draw++)
      for (const k of counts) {
        shares[k].push(softmax(logitsOf(without(orderOf(draw).slice(0, k)))));
        yield;
      }
    cache.set(random, shares);
  }
  function* computeAgreement(): Generator<void> {
    const key = agreeKey();
    const { maps } = whole();
    const found: number[][][] = [];
    for (let blocks = 0; blocks <= BLOCKS; blocks++) {
      found.push([]);
      for (let draw = 0; draw < (blocks ? DRAWS : 1); draw++) {
        const random = reinitialize(blocks, seeded(weightsSeed(draw)));
        found[blocks].push(maps.map((values, c) => correlation(values, random[c])));
        yield;
      }
    }
    cache.set(key, found);
  }
  let job: Generator<void> | null = null;
  let jobFor = "";
  let slice = 0;
  /** Choose the next job for the present state, if any. */
  const plan = () => {
    const erase = guess() && !(cache.has(strongKey()) && cache.has(randomKey()));
    const key = erase ? `${strongKey()} ${randomKey()}` : cache.has(agreeKey()) ? "" : agreeKey();
    if (key !== jobFor) [jobFor, job] = [key, key ? (erase ? computeErasing() : computeAgreement()) : null];
  };
  const work = () => {
    slice = 0;
    if (stage.signal.aborted || !stage.awake()) return;
    const end = performance.now() + SLICE;
    plan(); // the state may have changed since the last slice
    if (!job) return;
    do
      if (job.next().done) {
        [job, jobFor] = [null, ""];
        stage.invalidate();
      }
    while (job && performance.now() < end);
    schedule();
  };
  /** Schedule the next slice; in the pauses between slices the page draws and answers. */
  const schedule = () => {
    if (network) slice ||= setTimeout(work, SLICE) as unknown as number;
  };
  root.addEventListener("wake", schedule);
  document.addEventListener("visibilitychange", schedule, { signal: stage.signal });

  // ---- elements
  const select = (label: string, key: string) => {
    const element: HTMLSelectElement = h("select", { "aria-label": label, change: () => stage.set({ [key]: Number(element.value) }) });
    return element;
  };
  const choice = select(WORDS.images, "picture");
  images.forEach((_, i) => choice.append(h("option", { value: i }, names[i] ?? String(i))));
  const ownChoice = h("option", { value: -1 }, WORDS.own);
  choice.append(ownChoice);
  const classes = select(WORDS.classes, "chosen");
  classes.append(h("option", { value: -1 }, WORDS.predicted), ...names.map((name, c) => h("option", { value: c }, name)));
  const radios = <K extends string>(label: string, key: string, words: Record<K, string>) => {
    const name = freshId(key);
    const inputs = Object.keys(words).map((value) => h("input", { type: "radio", name, value, change: () => stage.set({ [key]: value }) }));
    const element = h("div", { class: "choice", role: "radiogroup", "aria-label": label }, h("span", {}, label), ...inputs.map((input) => h("label", {}, input, ` ${words[input.value as K]}`)));
    return { element, show: (value: string) => inputs.forEach((input) => (input.checked = input.value === value)) };
  };
  const which = radios(WORDS.among, "among", WORDS.amongs);
  const guessing = radios(WORDS.question, "guess", WORDS.guesses);
  const setting = (key: "erased" | "redrawn", label: string, high: number) => {
    const input = slider({ min: 0, max: high, step: 1, input: () => stage.set({ [key]: Number(input.value) }) }, WORDS.counted[key]);
    const value = h("span", { class: "nin-number" });
    return {
      element: h("label", { class: "slider" }, h("span", {}, label), input, boxed(value)),
      show(now: number) {
        setValue(input, now);
        write(value, String(now));
      },
    };
  };
  const erase = setting("erased", WORDS.erase, MAX_ERASED);
  const layers = setting("redrawn", WORDS.redrawn, BLOCKS);
  const again = h("button", { type: "button", class: "nin-button", click: () => stage.set({ seed: seed() + 1 }) }, WORDS.again);

  const outline = () => svg("path", { "vector-effect": "non-scaling-stroke" });
  const overlay = (path: SVGPathElement) => svg("svg", { class: "erased", viewBox: "0 0 1 1", "aria-hidden": "true" }, path);
  const cursor = grid({ label: WORDS.map, hover: true, move: (row, column) => stage.set({ row, column }) });
  const outlines = { map: outline(), strong: outline(), random: outline() };
  cursor.canvas.after(overlay(outlines.map));
  const canvases = { strong: mapCanvas(), random: mapCanvas(), trained: mapCanvas(), reinitialized: mapCanvas() };
  const label = () => h("span", { class: "nin-label" });
  const labels = { map: label(), trained: label(), reinitialized: label(), chart: label() };
  const shares = chart(MAX_ERASED, 0, 1);
  const rs = chart(BLOCKS, -1, 1);
  const cover = h("p", { class: "cover" }, WORDS.hidden);
  shares.element.append(cover);
  const legend = (words: string[]) => h("p", { class: "legend" }, ...words.map((text, i) => h("span", {}, h("i", { class: ["chosen", "random", "band"][i] }), ` ${text}`)));
  const axis = (top: string, bottom: string) => h("div", { class: "axis", "aria-hidden": "true" }, h("span", { class: "nin-number" }, top), h("span", { class: "nin-number" }, bottom));
  const axisLabel = (text: string, high: number) => h("span", { class: "nin-label ends" }, h("span", { class: "nin-number" }, "0"), text, h("span", { class: "nin-number" }, String(high)));
  const panel = (label: HTMLElement, canvas: Element) => h("div", { class: "shot" }, h("div", { class: "line" }, label), canvas);
  const framed = (canvas: HTMLCanvasElement, path: SVGPathElement) => h("div", { class: "framed" }, canvas, overlay(path));
  stage.body.append(
    file.notice,
    h("div", { class: "nin-controls top" }, h("label", {}, `${WORDS.images} `, choice), h("label", {}, `${WORDS.classes} `, classes), which.element),
    h("section", {},
      h("strong", {}, WORDS.points),
      guessing.element,
      panel(labels.map, cursor.element),
      panel(h("span", { class: "nin-label" }, WORDS.strongest), framed(canvases.strong, outlines.strong)),
      panel(h("span", { class: "nin-label" }, WORDS.random), framed(canvases.random, outlines.random)),
      h("div", { class: "graph" }, h("div", { class: "line" }, labels.chart), axis("100 %", "0 %"), shares.element, axisLabel(WORDS.erase, MAX_ERASED), legend(WORDS.legend)),
      erase.element),
    h("section", {},
      h("strong", {}, WORDS.cares),
      panel(labels.trained, canvases.trained),
      panel(labels.reinitialized, canvases.reinitialized),
      h("div", { class: "graph" }, h("span", { class: "nin-label" }, WORDS.agreement), axis("1", "−1"), rs.element, axisLabel(WORDS.redrawn, BLOCKS), legend(WORDS.agreements)),
      h("div", { class: "nin-controls" }, layers.element, again)),
  );

  // ---- painting, each thing only when it changed
  const painted = new Map<string, string>();
  /** Whether something must be painted again: what it depends on has changed. */
  const stale = (what: string, ...inputs: unknown[]) => {
    const key = [root.dataset.theme, ...inputs].join(" ");
    return painted.get(what) !== key && !!painted.set(what, key);
  };
  let painters: Record<"map" | keyof typeof canvases, Painter> | undefined;
  const squares = (cells: number[]) => cells.map((i) => `M${(i % size()) / size()} ${Math.floor(i / size()) / size()}h${1 / size()}v${1 / size()}h${-1 / size()}z`).join("");
  const largest = (values: number[]) => Math.max(...values.map(Math.abs));
  const paint = (c: number) => {
    const [k, order] = [erased(), strongest(c)];
    if (stale("map", shown(), c)) for (const name of ["map", "trained"] as const) painters![name].signed(whole().maps[c], largest(whole().maps[c]), colorTable());
    if (stale("erased", shown(), c, among(), seed(), k)) {
      const [strong, random] = [order.slice(0, k), orderOf(0).slice(0, k)];
      painters!.strong.gray(without(strong));
      painters!.random.gray(without(random));
      for (const path of [outlines.map, outlines.strong]) path.setAttribute("d", squares(strong));
      outlines.random.setAttribute("d", squares(random));
    }
    if (stale("reinitialized", shown(), c, seed(), redrawn())) painters!.reinitialized.signed(reinitializedMaps()[c], largest(reinitializedMaps()[c]), colorTable());
    const found = curves(c);
    if (stale("curves", shown(), c, among(), seed(), !!found)) shares.draw(found?.random ?? [], found?.strong.shares ?? []);
    shares.setCursor(k);
    const agree = agreements(c);
    if (stale("agree", shown(), c, seed(), agree.length)) rs.draw(agree, []);
    if (stale("dot", shown(), c, seed(), redrawn())) rs.setCursor(redrawn(), agreement(c));
  };

  /** A share in percent, rounded to the printed digit. */
  const percent = (share: number) => rounded(100 * share, 1);
  const gapOf = ({ strong, random }: Curves) =>
    random.length > 1 ? mean(random.slice(1).map((one, k) => percent(one.mean) - percent(strong.shares[k + 1]))) : 0;

  return {
    draw() {
      setValue(choice, index());
      ownChoice.hidden = !own();
      which.show(among());
      guessing.show(guess());
      layers.show(redrawn());
      if (!file.ready()) return;
      [network] = file.networks()!;
      painters ??= {
        map: painter(cursor.canvas, size(), size()),
        trained: painter(canvases.trained, size(), size()),
        reinitialized: painter(canvases.reinitialized, size(), size()),
        strong: painter(canvases.strong, SIDE, SIDE),
        random: painter(canvases.random, SIDE, SIDE),
      };
      const c = chosen();
      setValue(classes, stage.get<number>("chosen") < 0 ? -1 : c);
      erase.show(erased());
      cursor.showCursor(inside("row", 0, size() - 1), inside("column", 0, size() - 1), size(), size());
      write(labels.map, WORDS.mapOf(names[c]));
      write(labels.trained, WORDS.trained);
      write(labels.reinitialized, WORDS.reinitialized(redrawn()));
      write(labels.chart, WORDS.probability(names[c]));
      paint(c);
      cover.hidden = !!guess();
      schedule();
    },
    sentence() {
      if (!network) return file.sentence();
      const c = chosen();
      const [row, column] = [inside("row", 0, size() - 1), inside("column", 0, size() - 1)];
      const position = row * size() + column;
      const { maps, logits } = whole();
      let text = WORDS.cell(row, column, names[c], fixed(maps[c][position], 3), strongest(c).indexOf(position) + 1, cells().length);
      const found = curves(c);
      const k = erased();
      if (!guess()) text += WORDS.guessFirst;
      else if (!found) text += WORDS.working;
      else {
        const { strong, random } = found;
        const gap = gapOf(found);
        const truth: Guess = gap > SAME ? "more" : gap < -SAME ? "less" : "same";
        text += WORDS.left(k, cells().length, names[c], fixed(percent(strong.shares[k]), 1), fixed(strong.logits[k], 3), fixed(percent(softmax(logits)[c]), 1), fixed(percent(random[k].mean), 1), DRAWS);
        if (most()) text += WORDS.gap(most(), fixed(gap, 1)) + WORDS.verdict(WORDS.guesses[guess() as Guess], truth === guess(), SAME);
      }
      text += WORDS.agrees(redrawn(), fixed(agreement(c), 3));
      const agree = agreements(c);
      return `${text}${agree.length ? WORDS.agreesOn(DRAWS, fixed(agree[redrawn()].mean, 3)) : ""}.`;
    },
    table() {
      if (!network) return { head: [], rows: [] };
      const c = chosen();
      const found = curves(c);
      const tenth = (share: number) => fixed(percent(share), 1);
      const rows: (string | number)[][] = found
        ? found.random.map(({ mean, low, high }, k) => [WORDS.erasedRow(k), tenth(found.strong.shares[k]), tenth(mean), tenth(low), tenth(high)])
        : [];
      agreements(c).forEach(({ mean, low, high }, blocks) => {
        const now = blocks === redrawn() ? signed(agreement(c), 3) : "";
        rows.push([WORDS.reinitializedRow(blocks), now, ...[mean, low, high].map((r) => signed(r, 3))]);
      });
      return { head: WORDS.columns(DRAWS), rows };
    },
    code() {
      const [mean, std] = stage.get<number[]>("normal");
      const c = network ? chosen() : 0;
      const k = network ? erased() : 0;
      const keep = among() === "garment" ? "    strength[blocks.amax((1, 3)).flatten() == 0] = -torch.inf  # no garment there\n" : "";
      return `import torch
from nin_lib import models

network = models.pocket_nin(trained=True)
pixels = torch.tensor([${decode(shown()).join(", ")}])

def class_maps(pixels):
    x = (pixels.reshape(1, 1, ${SIDE}, ${SIDE}) / 255 - ${mean}) / ${std}
    for name, layer in network.named_children():
        if name == "average":
            return x[0]
        x = layer(x)

with torch.no_grad():
    strength = class_maps(pixels)[${c}].flatten()  # ${names[c]}
    blocks = pixels.reshape(7, 4, 7, 4)
${keep}    for cell in strength.argsort(descending=True)[:${k}].tolist():
        blocks[cell // 7, :, cell % 7] = 0  # in the image too
    logits = class_maps(pixels).mean((1, 2))

print(logits[${c}].item())
print(logits.softmax(0)[${c}].item())
`;
    },
    async loadImage(file) {
      stage.set({ own: encode(await readGarment(file)), picture: -1, chosen: -1 });
    },
  };
}

export default figure({
  name: "break-map",
  words: WORDS,
  state: ["picture", "own", "chosen", "row", "column", "erased", "among", "guess", "redrawn", "seed"],
  style,
  mount,
});
