/** Break the explanation: tests of a class map by erasing cells and by reinitializing blocks of the network. */
import style from "./break_map.css";
import type { Network } from "../net/network";
import { random as seeded } from "../net/random";
import { softmax } from "../net/softmax";
import { boxed, freshId, h, setValue, slider, svg, write } from "../shell/dom";
import { acceptPaste } from "../shell/drawing_pad";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed, rounded } from "../shell/format";
import { decode, encode, readGarment, SIDE } from "../shell/garment";
import { grid } from "../shell/grid";
import { colorTable, mapCanvas, type Painter, painter } from "../shell/maps";
import { preamble } from "../shell/python";
import { segments, segmentsStyle } from "../shell/segments";
import { weights } from "../shell/weights";
import { chart } from "./chart";
import { likeness, mean, shuffled, type Spread, spread } from "./statistics";
import { WORDS } from "./words";

const FILE = "pocket_nin.f16";

const MAX_ERASED = 20; // cells
const BLOCKS = 4;
const DRAWS = 20;
const SAME = 3; // percentage points that count as no difference
const SLICE = 5; // ms for the draws, then as long a pause
type Guess = keyof typeof WORDS.guesses;
type Among = keyof typeof WORDS.amongs;
type Part = keyof typeof WORDS.part;

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
  /** The test that the reader makes: the only one shown where there is no room for both, and the first in words. */
  const part = () => one<Part>("part", WORDS.part, "cells") as Part;
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
  const agreement = (c: number) => likeness(whole().maps[c], reinitializedMaps()[c]);

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
        found[blocks].push(maps.map((values, c) => likeness(values, random[c])));
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
    // Once there is a guess its curves come first; before, they are computed last, so that they are there at once.
    const curvesLeft = !(cache.has(strongKey()) && cache.has(randomKey()));
    const agreementLeft = !cache.has(agreeKey());
    const erase = curvesLeft && (!!guess() || !agreementLeft);
    const key = erase ? `${strongKey()} ${randomKey()}` : agreementLeft ? agreeKey() : "";
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
  const labeled = (label: string, element: HTMLElement) => h("label", {}, h("span", {}, label), element);
  const choice = select(WORDS.images, "picture");
  images.forEach((_, i) => choice.append(h("option", { value: i }, names[i] ?? String(i))));
  const ownChoice = h("option", { value: -1 }, WORDS.own);
  choice.append(ownChoice);
  const classes = select(WORDS.classes, "chosen");
  classes.append(h("option", { value: -1 }, WORDS.predicted), ...names.map((name, c) => h("option", { value: c }, name)));
  const which = h("select", { "aria-label": WORDS.among, change: () => stage.set({ among: which.value, part: "cells" }) },
    ...Object.entries(WORDS.amongs).map(([value, text]) => h("option", { value }, text)));
  const name = freshId("guess");
  const guesses = Object.entries(WORDS.guesses).map(([value, text]) => {
    const input = h("input", { type: "radio", name, value, change: () => stage.set({ guess: value, part: "cells" }) });
    return { value, input, element: h("label", {}, input, ` ${text}`) };
  });
  const guessing = h("div", { class: "choice", role: "radiogroup", "aria-label": WORDS.question }, h("span", {}, WORDS.question), ...guesses.map(({ element }) => element));
  const parts = segments(WORDS.parts, WORDS.part, (part) => stage.set({ part }));
  const setting = (key: "erased" | "redrawn", part: Part, label: string, high: number) => {
    const input = slider({ min: 0, max: high, step: 1, input: () => stage.set({ [key]: Number(input.value), part }) }, WORDS.counted[key]);
    const value = h("span", { class: "nin-number" });
    return {
      element: h("label", { class: "slider" }, h("span", {}, label), input, boxed(value)),
      show(now: number) {
        setValue(input, now);
        write(value, String(now));
      },
    };
  };
  const erase = setting("erased", "cells", WORDS.erase, MAX_ERASED);
  const layers = setting("redrawn", "blocks", WORDS.redrawn, BLOCKS);
  const again = h("button", { type: "button", class: "nin-button", click: () => stage.set({ seed: seed() + 1, part: "blocks" }) }, WORDS.again);

  const outline = () => svg("path", { "vector-effect": "non-scaling-stroke" });
  const overlay = (path: SVGPathElement) => svg("svg", { class: "erased", viewBox: "0 0 1 1", "aria-hidden": "true" }, path);
  const cursor = grid({ label: WORDS.map, hover: true, move: (row, column) => stage.set({ row, column, part: "cells" }) });
  const outlines = { map: outline(), strong: outline(), random: outline() };
  cursor.canvas.after(overlay(outlines.map));
  const canvases = { strong: mapCanvas(), random: mapCanvas(), trained: mapCanvas(), reinitialized: mapCanvas() };
  const label = () => h("span", { class: "nin-label" });
  const labels = { map: label(), trained: label(), reinitialized: label(), chart: label(), cell: label() };
  const fullColor = { trained: label(), reinitialized: label() };
  const shares = chart(MAX_ERASED, 0, 1);
  const rs = chart(BLOCKS, 0, 1);
  const cover = h("p", { class: "cover" }, WORDS.hidden);
  shares.element.append(cover);
  const legend = (words: string[]) => h("p", { class: "legend" }, ...words.map((text, i) => h("span", {}, h("i", { class: ["chosen", "random", "band"][i] }), ` ${text}`)));
  const axis = (top: string, bottom: string) => h("div", { class: "axis", "aria-hidden": "true" }, h("span", { class: "nin-number" }, top), h("span", { class: "nin-number" }, bottom));
  const axisLabel = (text: string, high: number) => h("span", { class: "nin-label ends" }, h("span", { class: "nin-number" }, "0"), text, h("span", { class: "nin-number" }, String(high)));
  const panel = (label: HTMLElement, canvas: Element, ...under: Node[]) => h("div", { class: "shot" }, h("div", { class: "line" }, label), canvas, ...under);
  const framed = (canvas: HTMLCanvasElement, path: SVGPathElement) => h("div", { class: "framed" }, canvas, overlay(path));
  const graph = (label: HTMLElement, { element }: ReturnType<typeof chart>, ends: [string, string], across: string, high: number, words: string[]) =>
    h("div", { class: "graph" }, h("div", { class: "line" }, label), axis(...ends), element, axisLabel(across, high), legend(words));
  stage.body.append(
    file.notice,
    h("div", { class: "nin-controls top" }, labeled(WORDS.images, choice), labeled(WORDS.classes, classes), labeled(WORDS.among, which)),
    parts.element,
    h("section", { class: "cells" },
      h("strong", {}, WORDS.points),
      guessing,
      panel(labels.map, cursor.element, h("div", { class: "line" }, labels.cell)),
      panel(h("span", { class: "nin-label" }, WORDS.strongest), framed(canvases.strong, outlines.strong)),
      panel(h("span", { class: "nin-label" }, WORDS.random), framed(canvases.random, outlines.random)),
      h("div", { class: "side" },
        graph(labels.chart, shares, ["100 %", "0 %"], WORDS.erase, MAX_ERASED, WORDS.legend),
        h("div", { class: "nin-controls" }, erase.element))),
    h("section", { class: "blocks" },
      h("strong", {}, WORDS.cares),
      panel(labels.trained, canvases.trained, h("div", { class: "line" }, fullColor.trained)),
      panel(labels.reinitialized, canvases.reinitialized, h("div", { class: "line" }, fullColor.reinitialized)),
      h("div", { class: "side" },
        graph(h("span", { class: "nin-label" }, WORDS.agreement), rs, ["1", "0"], WORDS.redrawn, BLOCKS, WORDS.agreements),
        h("div", { class: "nin-controls" }, layers.element, again))),
  );

  const enlarged = new MutationObserver(() => stage.invalidate());
  enlarged.observe(root, { attributeFilter: ["class"] });
  stage.signal.addEventListener("abort", () => enlarged.disconnect());

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

  const percent = (share: number) => fixed(100 * share, 1);
  /** By how many points random cells leave more than the strongest, on average; the verdict is of the number printed. */
  const gapOf = ({ strong, random }: Curves) =>
    random.length > 1 ? rounded(100 * mean(random.slice(1).map((one, k) => one.mean - strong.shares[k + 1])), 1) : 0;
  const here = (c: number) => {
    const [row, column] = [inside("row", 0, size() - 1), inside("column", 0, size() - 1)];
    const position = row * size() + column;
    return { row, column, value: fixed(whole().maps[c][position], 3), rank: strongest(c).indexOf(position) + 1 };
  };

  const view: View = {
    draw() {
      setValue(choice, index());
      ownChoice.hidden = !own();
      setValue(which, among());
      for (const { value, input } of guesses) input.checked = value === guess();
      parts.show(part());
      for (const one of Object.keys(WORDS.part)) stage.body.classList.toggle(`part-${one}`, one === part());
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
      write(fullColor.trained, WORDS.fullColor(fixed(largest(whole().maps[c]), 1)));
      write(fullColor.reinitialized, WORDS.fullColor(fixed(largest(reinitializedMaps()[c]), 1)));
      write(labels.chart, WORDS.probability(names[c]));
      const { value, rank } = here(c);
      write(labels.cell, WORDS.short(value, rank, cells().length));
      paint(c);
      write(cover, guess() ? WORDS.working : WORDS.hidden);
      cover.hidden = !!curves(c);
      schedule();
    },
    sentence() {
      if (!network) return file.sentence();
      const c = chosen();
      const { row, column, value, rank } = here(c);
      const found = curves(c);
      const k = erased();
      let cellsText = guess() ? WORDS.working : WORDS.guessFirst;
      if (found) {
        const { strong, random } = found;
        const gap = gapOf(found);
        const truth: Guess = gap > SAME ? "more" : gap < -SAME ? "less" : "same";
        cellsText = WORDS.left(k, cells().length, names[c], percent(strong.shares[k]), fixed(strong.logits[k], 3), percent(softmax(whole().logits)[c]), percent(random[k].mean), DRAWS);
        if (most()) cellsText = WORDS.verdict(WORDS.guesses[guess() as Guess], truth === guess()) + cellsText + WORDS.gap(most(), fixed(Math.abs(gap), 1), gap >= 0, SAME);
      }
      cellsText += WORDS.cell(row, column, names[c], value, rank, cells().length);
      const agree = agreements(c);
      const blocksText = `${WORDS.agrees(redrawn(), fixed(agreement(c), 3))}${agree.length ? WORDS.agreesOn(DRAWS, fixed(agree[redrawn()].mean, 3)) : ""}.`;
      const texts = part() === "cells" ? [cellsText, blocksText] : [blocksText, cellsText];
      return root.classList.contains("nin-large") ? texts[0] : texts.join(" "); // over the whole screen one test is shown
    },
    table() {
      if (!network) return { head: [], rows: [] };
      const c = chosen();
      const found = curves(c);
      const rows: (string | number)[][] = found
        ? found.random.map(({ mean, low, high }, k) => [WORDS.erasedRow(k), percent(found.strong.shares[k]), percent(mean), percent(low), percent(high)])
        : [];
      agreements(c).forEach(({ mean, low, high }, blocks) => {
        const now = blocks === redrawn() ? fixed(agreement(c), 3) : "";
        rows.push([WORDS.reinitializedRow(blocks), now, ...[mean, low, high].map((r) => fixed(r, 3))]);
      });
      return { head: WORDS.columns(DRAWS), rows };
    },
    code() {
      const [mean, std] = stage.get<number[]>("normal");
      const c = network ? chosen() : 0;
      const k = network ? erased() : 0;
      const keep = among() === "garment" ? "    strength[blocks.amax((1, 3)).flatten() == 0] = -torch.inf  # no garment there\n" : "";
      return `${preamble(view.sentence(), true)}import torch
from nin_lib import models
from nin_lib.live.break_map import reinitialized  # with the page's random numbers

network = models.pocket_nin(trained=True)
pixels = torch.tensor([${decode(shown()).join(", ")}])

def class_maps(pixels, network=network):
    x = (pixels.reshape(1, 1, ${SIDE}, ${SIDE}) / 255 - ${mean}) / ${std}
    for name, layer in network.named_children():
        if name == "average":
            return x[0]
        x = layer(x)

with torch.no_grad():
    strength = class_maps(pixels)[${c}].flatten()  # ${names[c]}
    random = class_maps(pixels, reinitialized(network, ${redrawn()}, seed=${seed()}))[${c}].flatten()
    r = torch.corrcoef(torch.stack([strength, random]))[0, 1]
    blocks = pixels.reshape(7, 4, 7, 4)
${keep}    for cell in strength.argsort(descending=True)[:${k}].tolist():
        blocks[cell // 7, :, cell % 7] = 0  # in the image too
    logits = class_maps(pixels).mean((1, 2))

print(logits[${c}].item())
print(logits.softmax(0)[${c}].item())
print(r.abs().item())  # correlation with the map of random weights
`;
    },
    async loadImage(file) {
      stage.set({ own: encode(await readGarment(file)), picture: -1, chosen: -1 });
    },
  };
  return view;
}

export default figure({
  name: "break-map",
  words: WORDS,
  state: ["picture", "own", "chosen", "row", "column", "erased", "among", "guess", "redrawn", "seed", "part"],
  style: segmentsStyle + style,
  mount,
});
