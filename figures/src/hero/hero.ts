/** The start page's figure: what the reader draws goes through the network, and ten bars answer. */
import style from "./hero.css";
import type { Network } from "../net/network";
import { boxed, freshId, h, style as set, svg, write } from "../shell/dom";
import { drawn } from "../shell/drawn";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed, thousands } from "../shell/format";
import { decode, SIDE } from "../shell/garment";
import { map, type Sheet, sheet, shades } from "../shell/maps";
import { softmax } from "../shell/weights";

const WORDS = {
  title: "Draw a garment",
  how: "erase a sleeve, or draw something of your own · arrow keys move a cursor, the space bar uses the tool",
  caption:
    "Left to right: the picture; a few maps of each block, made from all maps before them by a small network at every pixel, each in its own scale; the ten class maps; the global average of each, which is its mean; and softmax, which shares out 100\u00a0% by the means.",
  pad: "picture, 28×28: arrow keys move the cursor, the space bar uses the tool",
  tools: { brush: "brush", eraser: "eraser" },
  clear: "clear",
  undo: "undo",
  pasted: "what was pasted",
  begin: "begin with",
  own: "your own",
  picture: "picture",
  block: (number: string) => `block ${number}`,
  classMaps: "class maps",
  mean: "global average",
  softmax: "softmax",
  shape: (height: number, width: number, maps?: number) => [height, width, maps].filter(Boolean).join("×"),
  answer: (first: string, share: string, second: string, next: string, others: number, rest: string) =>
    `${first} ${share}, ${second} ${next}, the other ${others} together ${rest}. `,
  blank: "All pixels are the same, so there is no garment; softmax shares out 100\u00a0% all the same. ",
  torn: "No class gets half: the network is in doubt. ",
  because: (first: string, means: [string, string], apart: string, times: string) =>
    `The mean of the map of ${first}, ${means[0]}, is ${apart} above the next, ${means[1]}; softmax makes that e^${apart} = ${times} times as probable. `,
  before: (name: string, then: string, now: string) => `Before the first stroke ${name} had ${then}, now ${now}. `,
  pixel: (row: number, column: number, value: number) => `The cursor is on pixel ${row}, ${column}, which holds ${value}.`,
  columns: (count: number) => ["class", `sum of ${count}`, "mean", "e^(mean − largest)", "softmax"],
  all: "all",
};

const FILE = "pocket_nin.f16";
/** Printed decimals of means: whole thousandths are added, so that what is printed adds up. */
const UNIT = 1000;
const text = (units: number) => fixed(units / UNIT, 3);
const percent = (tenths: number) => `${fixed(tenths / 10, 1)}\u00a0%`;

/** Shares of 1 as whole thousandths that add up to a thousand: the largest remainders are rounded up. */
function thousandths(shares: number[]): number[] {
  const parts = shares.map((share) => Math.floor(1000 * share));
  const order = shares.map((share, i) => [1000 * share - parts[i], i]).sort(([a], [b]) => b - a);
  const missing = 1000 - parts.reduce((a, b) => a + b);
  for (const [, i] of order.slice(0, missing)) parts[i]++;
  return parts;
}

/** From each thing of one column to each of the next. */
function wires(from: number, to: number): SVGElement {
  const places = (count: number) => Array.from({ length: count }, (_, i) => ((i + 0.5) / count).toFixed(3));
  const d = places(from).flatMap((start) => places(to).map((end) => `M0 ${start}L1 ${end}`)).join("");
  return svg("svg", { class: "wires", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { d, "vector-effect": "non-scaling-stroke" }));
}

/** What the network makes of a picture. */
interface Look {
  of: string;
  /** The maps of each layer, in order; the class maps come last. */
  maps: Float32Array[][];
  /** Of each map that is shown, the largest value without its sign. */
  most: number[][];
  /** Thousandths, class by class. */
  sums: number[];
  means: number[];
  shares: number[];
}

/** The largest value of a map, without its sign. */
function most(map: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < map.length; i++) most = Math.max(most, Math.abs(map[i]));
  return most;
}

function mount(stage: Stage): View {
  const root = stage.body.closest<HTMLElement>(".nin-figure")!;
  const names = stage.get<string[]>("names");
  const channels = Object.entries(stage.get<Record<string, number[]>>("channels"));
  let network: Network | undefined;
  const layersOf = ({ layers }: Network) => [...channels.map(([name]) => layers.findIndex((layer) => layer.name === name)), layers.length - 2];
  const shownMaps = ({ maps }: Pick<Look, "maps">) => maps.map((layer, i) => (channels[i] ? channels[i][1].map((channel) => layer[channel]) : layer));
  const garment = drawn<Look>(stage, {
    file: FILE,
    words: WORDS,
    layers: layersOf,
    make(of, maps) {
      const sums = maps.at(-1)!.map((map) => map.reduce((sum, value) => sum + Math.round(UNIT * value), 0));
      const means = sums.map((sum, c) => Math.round(sum / maps.at(-1)![c].length));
      const largest = shownMaps({ maps }).map((layer) => layer.map(most));
      return { of, maps, most: largest, sums, means, shares: thousandths(softmax(means.map((mean) => mean / UNIT))) };
    },
    move: stage.invalidate,
  });
  const { look, picked, seen, shown } = garment;
  garment.pad.element.addEventListener("focus", stage.invalidate);
  garment.pad.element.addEventListener("blur", stage.invalidate);

  // ---- what stands on the stage
  const radios = freshId("garment");
  const choices = stage.get<string[]>("pictures").map((picture, i) => {
    const input = h("input", { type: "radio", name: radios, "aria-label": names[i] ?? String(i), change: () => garment.pick(i) });
    const canvas = map();
    sheet(canvas, SIDE, SIDE).grey(decode(picture));
    return { input, element: h("label", { title: names[i] }, input, canvas) };
  });
  const head = (above: string) => {
    const below = h("span", {});
    return { below, element: h("span", { class: "nin-label head" }, h("span", {}, above), below) };
  };
  const pictureHead = head(WORDS.picture);
  write(pictureHead.below, WORDS.shape(SIDE, SIDE));
  const blocks = channels.map(([name, numbers], i) => {
    const { below, element } = head(WORDS.block(name.match(/\d+/)![0]));
    const canvases = numbers.map(map);
    const from = i ? channels[i - 1][1].length : 1;
    return { below, numbers, canvases, elements: [wires(from, numbers.length), h("div", { class: "block" }, element, ...canvases)] };
  });
  const classHead = head(WORDS.classMaps);
  const rows = names.map((name) => {
    const parts = {
      canvas: map(),
      mean: h("span", { class: "nin-number" }),
      share: h("span", { class: "nin-number" }),
      bar: h("i", {}),
      was: h("b", {}),
    };
    const element = h("li", {}, parts.canvas, h("span", { class: "name" }, name), boxed(parts.mean),
      h("span", { class: "bars" }, h("span", { class: "nin-bar" }, parts.bar, parts.was)), boxed(parts.share));
    return { ...parts, element };
  });
  stage.body.append(
    garment.weights.notice,
    h("div", { class: "pad" }, pictureHead.element, garment.pad.element),
    h("div", { class: "path", "aria-hidden": "true" }, ...blocks.flatMap(({ elements }) => elements), wires(channels.at(-1)![1].length, names.length)),
    h("div", { class: "choices", role: "radiogroup", "aria-label": WORDS.begin }, ...choices.map(({ element }) => element)),
    h("div", { class: "nin-controls" }, garment.pad.tools, garment.clear, garment.undo),
    h("div", { class: "classes" },
      h("div", { class: "heads", "aria-hidden": "true" }, classHead.element, h("span", { class: "nin-label" }, WORDS.mean), h("span", { class: "nin-label" }, WORDS.softmax)),
      h("ol", {}, ...rows.map(({ element }) => element))),
  );

  // ---- painting, only when something changed
  let sheets: Sheet[][] | undefined;
  let painted = "";
  let index: number | undefined;
  const paint = (now: Look) => {
    const key = [root.dataset.theme, now.of, picked()].join(" ");
    if (key === painted) return;
    painted = key;
    const [then, colours] = [look(picked()), shades()];
    shownMaps(now).forEach((layer, i) => {
      // Full colour stays while the reader draws, unless outgrown: one for all class maps, else each map's own.
      const own = layer.map((_, m) => Math.max(now.most[i][m], then.most[i][m]));
      const all = Math.max(...own);
      layer.forEach((values, m) => sheets![i][m].signed(values, blocks[i] ? own[m] : all, colours));
    });
  };
  /** The two classes with the largest means. */
  const best = ({ means }: Look) => means.map((_, c) => c).sort((a, b) => means[b] - means[a]).slice(0, 2);

  return {
    draw() {
      network = garment.draw();
      garment.pad.place(garment.at[0], garment.at[1]);
      if (index !== garment.index()) choices.forEach(({ input }, i) => (input.checked = i === garment.index()));
      index = garment.index();
      if (!network) return;
      if (!sheets) {
        const placed = layersOf(network).map((layer) => network!.layers[layer]);
        const canvases = [...blocks.map(({ canvases }) => canvases), rows.map(({ canvas }) => canvas)];
        sheets = canvases.map((layer, i) => layer.map((canvas) => sheet(canvas, placed[i].height, placed[i].width)));
        const shape = ({ height, width, out }: (typeof placed)[number]) => WORDS.shape(height, width, out);
        [...blocks, classHead].forEach(({ below }, i) => write(below, shape(placed[i])));
      }
      if (garment.looking()) return; // the rest when the answer is there
      const now = seen();
      paint(now);
      if (garment.drawing()) return;
      const then = look(picked());
      rows.forEach(({ mean, share, bar, was, element }, c) => {
        write(mean, fixed(now.means[c] / UNIT, 2));
        write(share, percent(now.shares[c]));
        set(bar, "transform", `scaleX(${(now.shares[c] / 1000).toFixed(3)})`);
        set(was, "transform", now === then ? "" : `translateX(${then.shares[c] / 10}%)`);
        element.classList.toggle("best", c === best(now)[0]);
      });
    },
    sentence() {
      if (!network) return garment.weights.sentence();
      if (garment.drawing()) return null;
      const [now, then] = [look(shown()), look(picked())];
      const [first, second] = best(now);
      const [share, next] = [now.shares[first], now.shares[second]];
      const apart = now.means[first] - now.means[second];
      const times = Math.exp(apart / UNIT);
      const [was] = best(then);
      const [row, column] = garment.at;
      return (
        WORDS.answer(names[first], percent(share), names[second], percent(next), names.length - 2, percent(1000 - share - next)) +
        (garment.blank() ? WORDS.blank : share < 500 ? WORDS.torn : "") +
        WORDS.because(names[first], [text(now.means[first]), text(now.means[second])], text(apart), times < 100 ? times.toPrecision(3) : thousands(times)) +
        (now === then ? "" : WORDS.before(names[was], percent(then.shares[was]), percent(now.shares[was]))) +
        (garment.pad.element.matches(":focus-visible") ? WORDS.pixel(row, column, garment.bytes()[row * SIDE + column]) : "")
      ).trimEnd();
    },
    table() {
      if (!network) return { head: [], rows: [] };
      const { maps, sums, means, shares } = look(shown());
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
    picture: garment.take,
  };
}

export default figure({
  name: "hero",
  words: WORDS,
  state: ["picture", "own", "before", "tool"],
  style,
  mount,
});
