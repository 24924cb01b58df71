/** The start page's figure: the reader draws, the network runs at each stroke, and ten bars show its prediction. */
import style from "./hero.css";
import type { Network } from "../net/network";
import { softmax } from "../net/softmax";
import { boxed, freshId, h, setStyle, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed, thousands } from "../shell/format";
import { decode, SIDE } from "../shell/garment";
import { garmentEditor } from "../shell/garment_editor";
import { colorTable, mapCanvas, type Painter, painter } from "../shell/maps";
import { preamble } from "../shell/python";
import { asPython, asTable, DECIMALS, inWords, opening } from "./inputs";
import { walk } from "./walk";
import { wires } from "./wires";

const WORDS = {
  title: "Draw a garment",
  how: "erase a sleeve, draw something of your own, or open a map",
  keys: "arrow keys move, the space bar draws, Enter opens and Esc closes",
  caption:
    "Left to right: the image; a few maps of each block, made from all maps before them by a small network at every pixel, each in its own scale; the ten class maps; the global average of each, which is its mean; and softmax, which distributes 100\u00a0% by the means. Bold is the network’s prediction.",
  pad: "image, 28×28: arrow keys move the cursor, the space bar uses the tool",
  tools: { brush: "brush", eraser: "eraser" },
  clear: "clear",
  undo: "undo",
  pasted: "the pasted text",
  begin: "start from",
  own: "your own",
  image: "image",
  block: (number: number) => `block ${number}`,
  blocks: "maps of the blocks",
  map: (channel: number, block: number) => `Map ${channel} of block ${block}`,
  classMap: (name: string) => `The class map of ${name}`,
  classMaps: "class maps",
  mean: "global average",
  softmax: "softmax",
  shape: (height: number, width: number, maps?: number) => [height, width, maps].filter(Boolean).join("×"),
  answer: (first: string, share: string, second: string, next: string, others: number, rest: string) =>
    `${first} ${share}, ${second} ${next}, the other ${others} together ${rest}. `,
  blank: "All pixels are the same, so there is no garment; softmax still distributes 100\u00a0%. ",
  doubt: "No class gets half: the network is in doubt. ",
  because: (first: string, means: [string, string], apart: string, times: string) =>
    `The mean of the map of ${first}, ${means[0]}, is ${apart} above the next, ${means[1]}; softmax makes that e^${apart} ≈ ${times} times as probable. `,
  before: (name: string, then: string, now: string) => `Before the first stroke ${name} had ${then}, now ${now}. `,
  pixel: (row: number, column: number, value: number) => `The cursor is on the pixel in row ${row}, column ${column}, which holds ${value}.`,
  columns: (count: number) => ["class", `sum of ${count}`, "mean", "e^(mean − largest)", "softmax"],
  all: "all",
};

const FILE = "pocket_nin.f16";
const mean3 = (mean: number) => fixed(mean, DECIMALS);
const percent = (share: number) => `${fixed(100 * share, 1)}\u00a0%`;

/** The network's result for an image. */
interface Result {
  image: string;
  /** The maps of each layer, in order; the class maps come last. */
  maps: Float32Array[][];
  /** The largest absolute value of each map that is shown. */
  largest: number[][];
  /** Class by class. */
  sums: number[];
  means: number[];
  shares: number[];
}

/** The largest absolute value of a map. */
function largestIn(map: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < map.length; i++) largest = Math.max(largest, Math.abs(map[i]));
  return largest;
}

function mount(stage: Stage): View {
  const root = stage.body.closest<HTMLElement>(".nin-figure")!;
  const names = stage.get<string[]>("names");
  const channels = Object.entries(stage.get<Record<string, number[]>>("channels"));
  const last = channels.length; // the place of the class maps among the layers
  let network: Network | undefined;
  const layersOf = ({ layers }: Network) => [...channels.map(([name]) => layers.findIndex((layer) => layer.name === name)), layers.length - 2];
  const shownMaps = ({ maps }: Pick<Result, "maps">) => maps.map((layer, i) => (channels[i] ? channels[i][1].map((channel) => layer[channel]) : layer));
  const garment = garmentEditor<Result>(stage, {
    file: FILE,
    words: WORDS,
    layers: layersOf,
    compute(image, maps) {
      const sums = maps[last].map((map) => map.reduce((sum, value) => sum + value, 0));
      const means = sums.map((sum, c) => sum / maps[last][c].length);
      const largest = shownMaps({ maps }).map((layer) => layer.map(largestIn));
      return { image, maps, largest, sums, means, shares: softmax(means) };
    },
    move: stage.invalidate,
  });
  const { latestResult, original, resultOf, shown } = garment;

  const maps = opening(stage, {
    last,
    name: (place, channel) => (place === last ? WORDS.classMap(names[channel]) : WORDS.map(channel, place + 1)),
    image: shown,
    find: (place) => network && { network, index: layersOf(network)[place] },
    mapsOf: garment.mapsOf,
  });
  garment.pad.element.addEventListener("focus", stage.invalidate);
  garment.pad.element.addEventListener("blur", stage.invalidate);

  // ---- elements
  const radios = freshId("garment");
  const choices = stage.get<string[]>("pictures").map((picture, i) => {
    const input = h("input", { type: "radio", name: radios, "aria-label": names[i] ?? String(i), change: () => garment.choose(i) });
    const canvas = mapCanvas();
    painter(canvas, SIDE, SIDE).gray(decode(picture));
    return { input, element: h("label", { title: names[i] }, input, canvas) };
  });
  const head = (above: string) => {
    const below = h("span", {});
    return { below, element: h("span", { class: "nin-label head" }, h("span", {}, above), below) };
  };
  const imageHead = head(WORDS.image);
  write(imageHead.below, WORDS.shape(SIDE, SIDE));
  const blocks = channels.map(([, numbers], i) => {
    const { below, element } = head(WORDS.block(i + 1));
    const canvases = numbers.map(mapCanvas);
    const openers = numbers.map((channel, m) => maps.button(i, channel, canvases[m]));
    const from = i ? channels[i - 1][1].length : 1;
    return { below, canvases, openers, elements: [wires(from, numbers.length), h("div", { class: "block" }, element, ...openers)] };
  });
  const classHead = head(WORDS.classMaps);
  const rows = names.map((name, c) => {
    const parts = {
      canvas: mapCanvas(),
      mean: h("span", { class: "nin-number" }),
      share: h("span", { class: "nin-number" }),
      bar: h("i", {}),
      before: h("b", {}),
    };
    const button = maps.button(last, c, parts.canvas, h("span", { class: "name" }, name), boxed(parts.mean),
      h("span", { class: "bars" }, h("span", { class: "nin-bar" }, parts.bar, parts.before)), boxed(parts.share));
    return { ...parts, button, element: h("li", {}, button) };
  });
  const openers = [...blocks.map(({ openers }) => openers), rows.map(({ button }) => button)];
  walk(openers);
  stage.body.append(
    garment.weights.notice,
    h("div", { class: "pad" }, imageHead.element, garment.pad.element, garment.pad.hint),
    h("div", { class: "path", role: "group", "aria-label": WORDS.blocks }, ...blocks.flatMap(({ elements }) => elements), wires(channels.at(-1)![1].length, names.length)),
    h("div", { class: "edit" },
      h("div", { class: "choices", role: "radiogroup", "aria-label": WORDS.begin }, ...choices.map(({ element }) => element)),
      garment.pad.tools,
      h("span", { class: "redo" }, garment.clear, garment.undo)),
    h("div", { class: "classes" },
      h("div", { class: "heads", "aria-hidden": "true" }, classHead.element, h("span", { class: "nin-label" }, WORDS.mean), h("span", { class: "nin-label" }, WORDS.softmax)),
      h("ol", {}, ...rows.map(({ element }) => element))),
    maps.strip,
  );

  // ---- painting, only when something changed
  let painters: Painter[][] | undefined;
  let painted = "";
  let index: number | undefined;
  const paint = (now: Result) => {
    const key = [root.dataset.theme, now.image, original()].join(" ");
    if (key === painted) return;
    painted = key;
    const [then, colors] = [resultOf(original()), colorTable()];
    shownMaps(now).forEach((layer, i) => {
      // The value of full color is kept while the reader draws, unless exceeded; class maps share one.
      const limits = layer.map((_, m) => Math.max(now.largest[i][m], then.largest[i][m]));
      const shared = Math.max(...limits);
      layer.forEach((values, m) => painters![i][m].signed(values, blocks[i] ? limits[m] : shared, colors));
    });
  };
  /** The two classes with the largest means. */
  const best = ({ means }: Result) => means.map((_, c) => c).sort((a, b) => means[b] - means[a]).slice(0, 2);

  return {
    draw() {
      network = garment.draw();
      garment.pad.showCursor(garment.cursor[0], garment.cursor[1]);
      if (index !== garment.index()) choices.forEach(({ input }, i) => (input.checked = i === garment.index()));
      index = garment.index();
      if (!network) return;
      if (!painters) {
        const placed = layersOf(network).map((layer) => network!.layers[layer]);
        const canvases = [...blocks.map(({ canvases }) => canvases), rows.map(({ canvas }) => canvas)];
        painters = canvases.map((layer, i) => layer.map((canvas) => painter(canvas, placed[i].height, placed[i].width)));
        const shape = ({ height, width, out }: (typeof placed)[number]) => WORDS.shape(height, width, out);
        [...blocks, classHead].forEach(({ below }, i) => write(below, shape(placed[i])));
      }
      if (garment.computing()) return; // the rest when the worker has answered
      const now = latestResult();
      paint(now);
      if (garment.drawing()) return;
      const then = resultOf(original());
      rows.forEach(({ mean, share, bar, before, element }, c) => {
        write(mean, mean3(now.means[c]));
        write(share, percent(now.shares[c]));
        setStyle(bar, "transform", `scaleX(${now.shares[c].toFixed(3)})`);
        setStyle(before, "transform", now === then ? "" : `translateX(${(100 * then.shares[c]).toFixed(1)}%)`);
        element.classList.toggle("best", c === best(now)[0]);
      });
      maps.draw();
    },
    sentence() {
      if (!network) return garment.weights.sentence();
      if (garment.drawing()) return null;
      const [now, then] = [resultOf(shown()), resultOf(original())];
      const [first, second] = best(now);
      const [share, next] = [now.shares[first], now.shares[second]];
      const apart = now.means[first] - now.means[second];
      const times = Math.exp(apart);
      const open = maps.opened();
      const [was] = best(then);
      const [row, column] = garment.cursor;
      return (
        WORDS.answer(names[first], percent(share), names[second], percent(next), names.length - 2, percent(1 - share - next)) +
        (open ? inWords(open) : "") +
        (garment.blank() ? WORDS.blank : share < 0.5 ? WORDS.doubt : "") +
        WORDS.because(names[first], [mean3(now.means[first]), mean3(now.means[second])], mean3(apart), times < 100 ? times.toPrecision(3) : thousands(times)) +
        (now === then ? "" : WORDS.before(names[was], percent(then.shares[was]), percent(now.shares[was]))) +
        (garment.pad.element.matches(":focus-visible") ? WORDS.pixel(row, column, garment.bytes()[row * SIDE + column]) : "")
      ).trimEnd();
    },
    table() {
      if (!network) return { head: [], rows: [] };
      const open = maps.opened();
      if (open) return asTable(open);
      const { maps: layers, sums, means, shares } = resultOf(shown());
      const powers = means.map((mean) => Math.exp(mean - Math.max(...means)));
      return {
        head: WORDS.columns(layers[last][0].length),
        rows: [
          ...names.map((name, c) => [name, mean3(sums[c]), mean3(means[c]), fixed(powers[c], 4), percent(shares[c])]),
          [WORDS.all, "", "", fixed(powers.reduce((a, b) => a + b), 4), percent(1)],
        ],
      };
    },
    code() {
      const open = maps.opened();
      return `${preamble(this.sentence(), true)}${garment.code()}
names = ${JSON.stringify(names)}
for name, mean, share in zip(names, logits, logits.softmax(0)):
    print(f"{name:12} {mean:6.${DECIMALS}f} {100 * share:5.1f} %")
${open ? asPython(open) : ""}`;
    },
    loadImage: garment.load,
    restart: garment.restart,
  };
}

export default figure({
  name: "hero",
  words: WORDS,
  state: ["picture", "own", "before", "tool", "opened"],
  style,
  mount,
});
