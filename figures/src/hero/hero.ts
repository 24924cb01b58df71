/** The start page's figure: the reader draws, the network runs at each stroke, and ten bars show its prediction. */
import style from "./hero.css";
import type { Network } from "../net/network";
import { softmax } from "../net/softmax";
import { boxed, freshId, h, setStyle, svg, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed, thousands } from "../shell/format";
import { decode, SIDE } from "../shell/garment";
import { garmentEditor } from "../shell/garment_editor";
import { colorTable, mapCanvas, type Painter, painter } from "../shell/maps";

const WORDS = {
  title: "Draw a garment",
  how: "erase a sleeve, or draw something of your own",
  keys: "arrow keys move a cursor, the space bar uses the tool",
  caption:
    "Left to right: the image; a few maps of each block, made from all maps before them by a small network at every pixel, each in its own scale; the ten class maps; the global average of each, which is its mean; and softmax, which distributes 100\u00a0% by the means.",
  pad: "image, 28×28: arrow keys move the cursor, the space bar uses the tool",
  tools: { brush: "brush", eraser: "eraser" },
  clear: "clear",
  undo: "undo",
  pasted: "the pasted text",
  begin: "start from",
  own: "your own",
  image: "image",
  block: (number: string) => `block ${number}`,
  classMaps: "class maps",
  mean: "global average",
  softmax: "softmax",
  shape: (height: number, width: number, maps?: number) => [height, width, maps].filter(Boolean).join("×"),
  answer: (first: string, share: string, second: string, next: string, others: number, rest: string) =>
    `${first} ${share}, ${second} ${next}, the other ${others} together ${rest}. `,
  blank: "All pixels are the same, so there is no garment; softmax still distributes 100\u00a0%. ",
  doubt: "No class gets half: the network is in doubt. ",
  because: (first: string, means: [string, string], apart: string, times: string) =>
    `The mean of the map of ${first}, ${means[0]}, is ${apart} above the next, ${means[1]}; softmax makes that e^${apart} = ${times} times as probable. `,
  before: (name: string, then: string, now: string) => `Before the first stroke ${name} had ${then}, now ${now}. `,
  pixel: (row: number, column: number, value: number) => `The cursor is on pixel ${row}, ${column}, which holds ${value}.`,
  columns: (count: number) => ["class", `sum of ${count}`, "mean", "e^(mean − largest)", "softmax"],
  all: "all",
};

const FILE = "pocket_nin.f16";
/** Printed decimals of means. Whole thousandths are added, so that the printed sum is exact. */
const UNIT = 1000;
const text = (units: number) => fixed(units / UNIT, 3);
const percent = (tenths: number) => `${fixed(tenths / 10, 1)}\u00a0%`;

/** Round shares of 1 to whole thousandths that add up to a thousand: the largest remainders are rounded up. */
function thousandths(shares: number[]): number[] {
  const parts = shares.map((share) => Math.floor(1000 * share));
  const order = shares.map((share, i) => [1000 * share - parts[i], i]).sort(([a], [b]) => b - a);
  const missing = 1000 - parts.reduce((a, b) => a + b);
  for (const [, i] of order.slice(0, missing)) parts[i]++;
  return parts;
}

/** Draw lines from each element of one column to each of the next. */
function wires(from: number, to: number): SVGElement {
  const heights = (count: number) => Array.from({ length: count }, (_, i) => ((i + 0.5) / count).toFixed(3));
  const d = heights(from).flatMap((start) => heights(to).map((end) => `M0 ${start}L1 ${end}`)).join("");
  return svg("svg", { class: "wires", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { d, "vector-effect": "non-scaling-stroke" }));
}

/** The network's result for an image. */
interface Result {
  image: string;
  /** The maps of each layer, in order; the class maps come last. */
  maps: Float32Array[][];
  /** The largest absolute value of each map that is shown. */
  largest: number[][];
  /** Thousandths, class by class. */
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
  let network: Network | undefined;
  const layersOf = ({ layers }: Network) => [...channels.map(([name]) => layers.findIndex((layer) => layer.name === name)), layers.length - 2];
  const shownMaps = ({ maps }: Pick<Result, "maps">) => maps.map((layer, i) => (channels[i] ? channels[i][1].map((channel) => layer[channel]) : layer));
  const garment = garmentEditor<Result>(stage, {
    file: FILE,
    words: WORDS,
    layers: layersOf,
    compute(image, maps) {
      const sums = maps.at(-1)!.map((map) => map.reduce((sum, value) => sum + Math.round(UNIT * value), 0));
      const means = sums.map((sum, c) => Math.round(sum / maps.at(-1)![c].length));
      const largest = shownMaps({ maps }).map((layer) => layer.map(largestIn));
      return { image, maps, largest, sums, means, shares: thousandths(softmax(means.map((mean) => mean / UNIT))) };
    },
    move: stage.invalidate,
  });
  const { latestResult, original, resultOf, shown } = garment;
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
  const blocks = channels.map(([name, numbers], i) => {
    const { below, element } = head(WORDS.block(name.match(/\d+/)![0]));
    const canvases = numbers.map(mapCanvas);
    const from = i ? channels[i - 1][1].length : 1;
    return { below, numbers, canvases, elements: [wires(from, numbers.length), h("div", { class: "block" }, element, ...canvases)] };
  });
  const classHead = head(WORDS.classMaps);
  const rows = names.map((name) => {
    const parts = {
      canvas: mapCanvas(),
      mean: h("span", { class: "nin-number" }),
      share: h("span", { class: "nin-number" }),
      bar: h("i", {}),
      before: h("b", {}),
    };
    const element = h("li", {}, parts.canvas, h("span", { class: "name" }, name), boxed(parts.mean),
      h("span", { class: "bars" }, h("span", { class: "nin-bar" }, parts.bar, parts.before)), boxed(parts.share));
    return { ...parts, element };
  });
  stage.body.append(
    garment.weights.notice,
    h("div", { class: "pad" }, imageHead.element, garment.pad.element),
    h("div", { class: "path", "aria-hidden": "true" }, ...blocks.flatMap(({ elements }) => elements), wires(channels.at(-1)![1].length, names.length)),
    h("div", { class: "choices", role: "radiogroup", "aria-label": WORDS.begin }, ...choices.map(({ element }) => element)),
    h("div", { class: "nin-controls" }, garment.pad.tools, garment.clear, garment.undo),
    h("div", { class: "classes" },
      h("div", { class: "heads", "aria-hidden": "true" }, classHead.element, h("span", { class: "nin-label" }, WORDS.mean), h("span", { class: "nin-label" }, WORDS.softmax)),
      h("ol", {}, ...rows.map(({ element }) => element))),
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
        write(mean, fixed(now.means[c] / UNIT, 2));
        write(share, percent(now.shares[c]));
        setStyle(bar, "transform", `scaleX(${(now.shares[c] / 1000).toFixed(3)})`);
        setStyle(before, "transform", now === then ? "" : `translateX(${then.shares[c] / 10}%)`);
        element.classList.toggle("best", c === best(now)[0]);
      });
    },
    sentence() {
      if (!network) return garment.weights.sentence();
      if (garment.drawing()) return null;
      const [now, then] = [resultOf(shown()), resultOf(original())];
      const [first, second] = best(now);
      const [share, next] = [now.shares[first], now.shares[second]];
      const apart = now.means[first] - now.means[second];
      const times = Math.exp(apart / UNIT);
      const [was] = best(then);
      const [row, column] = garment.cursor;
      return (
        WORDS.answer(names[first], percent(share), names[second], percent(next), names.length - 2, percent(1000 - share - next)) +
        (garment.blank() ? WORDS.blank : share < 500 ? WORDS.doubt : "") +
        WORDS.because(names[first], [text(now.means[first]), text(now.means[second])], text(apart), times < 100 ? times.toPrecision(3) : thousands(times)) +
        (now === then ? "" : WORDS.before(names[was], percent(then.shares[was]), percent(now.shares[was]))) +
        (garment.pad.element.matches(":focus-visible") ? WORDS.pixel(row, column, garment.bytes()[row * SIDE + column]) : "")
      ).trimEnd();
    },
    table() {
      if (!network) return { head: [], rows: [] };
      const { maps, sums, means, shares } = resultOf(shown());
      const powers = means.map((mean) => Math.round(1e4 * Math.exp((mean - Math.max(...means)) / UNIT)));
      const all = powers.reduce((a, b) => a + b);
      return {
        head: WORDS.columns(maps.at(-1)![0].length),
        rows: [
          ...names.map((name, c) => [name, text(sums[c]), text(means[c]), fixed(powers[c] / 1e4, 4), percent(shares[c])]),
          [WORDS.all, "", "", fixed(all / 1e4, 4), percent(1000)],
        ],
      };
    },
    code: () => `${garment.code()}
names = ${JSON.stringify(names)}
for name, share in zip(names, logits.softmax(0).tolist()):
    print(f"{name:12} {100 * share:5.1f} %")
`,
    loadImage: garment.load,
    restart: garment.restart,
  };
}

export default figure({
  name: "hero",
  words: WORDS,
  state: ["picture", "own", "before", "tool"],
  style,
  mount,
});
