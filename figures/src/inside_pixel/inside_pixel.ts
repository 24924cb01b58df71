/** The network inside a pixel: the small MLP at one position of the trained pocket network. */
import style from "./inside_pixel.css";
import type { Clamp, Network } from "../net/network";
import { softmax } from "../net/softmax";
import { toTorch } from "./code";
import { perceptron } from "./perceptron";
import { h, setValue, slider, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed } from "../shell/format";
import { grid } from "../shell/grid";
import { paintColor, paintSigned } from "../shell/maps";
import { decode, encode, readGarment } from "../shell/garment";
import { preamble } from "../shell/python";
import { weights } from "../shell/weights";

const FILE = "pocket_nin.f16";

const WORDS = {
  title: "The network inside a pixel",
  how: "choose a pixel · choose a unit in the small network",
  keys: "arrow keys move too",
  caption:
    "A block applies one small network, with the same weights, at every position. A hollow circle, or half of one, is a unit that is 0 there. The dotted square is the pinned pixel’s receptive field. With a 1×1 unit chosen, lines are the largest products that enter it.",
  image: "image; dashed: the receptive field",
  garment: "image",
  own: "your own",
  block: "block",
  unit: "unit",
  unitOf: { before: (unit: number) => `conv. unit ${unit}`, after: (unit: number) => `1×1 unit ${unit}` },
  units: "small network: up and down choose a unit, left and right a layer",
  before: (n: number) => `convolution, ${n}`,
  after: (n: number) => `1×1, ${n} units`,
  convolution: "convolution",
  pointwise: "1×1",
  map: (whose: string, unit: number, size: string) => `${whose}, unit ${unit}, ${size}`,
  pin: "pin this pixel",
  unpin: "unpin the pixel",
  clamp: "hold this unit at",
  value: "value the unit is held at",
  scores: "the network’s prediction",
  columns: ["input unit", "value", "weight", "product"],
  bias: "bias",
  sum: "sum",
  relu: "after the ReLU",
  at: (block: number, row: number, column: number) => `Block ${block}, row ${row}, column ${column}`,
  sumIs: (unit: number, count: number, total: string, bias: string, sum: string) =>
    `1×1 unit ${unit} adds ${count} products, ${total}, and the bias ${bias}: ${sum}`,
  cut: ", which the ReLU makes 0",
  first: (unit: number, value: string) => `convolution unit ${unit} is ${value}`,
  held: (unit: string, block: number, value: string) => `Held at every position: ${unit} of block ${block}, at ${value}. `,
  heldItself: (unit: string, block: number, value: string) => `${unit} of block ${block} is held at ${value} at every position.`,
  would: (row: number, column: number, value: string, count: number, total: string, bias: string, cut: boolean) =>
    ` Without that it would be ${value} at row ${row}, column ${column}: ${count} products, ${total}, and the bias ${bias}${cut ? "; the ReLU makes a sum below 0 a 0" : ""}.`,
  pinned: (row: number, column: number, value: string) => ` At the pinned row ${row}, column ${column} it is ${value}.`,
  predicts: (name: string, share: string) => `The network predicts ${name}, ${share}.`,
};

const LINES = 12; // drawn into a unit
const DECIMALS = 4;

function mount(stage: Stage): View {
  const file = weights(stage, [FILE]);
  let network: Network | undefined;
  let input: number[] = [];

  // ---- elements
  const garment = h("select", { "aria-label": WORDS.garment, change: () => stage.set({ picture: Number(garment.value) }) });
  const block = h("select", { "aria-label": WORDS.block, change: () => stage.set({ block: Number(block.value), unit: 0, pinned: [] }) });
  for (const n of [1, 2, 3, 4]) block.append(h("option", { value: n }, `${WORDS.block} ${n}`));
  const units = h("select", { "aria-label": WORDS.unit, change: () => {
    const [side, unit] = units.value.split(" ");
    stage.set({ side, unit: Number(unit) });
  } });
  const move = (row: number, column: number) => stage.set({ row, column });
  const imageGrid = grid({ label: WORDS.image, move, hover: true });
  const fieldSquare = h("div", { class: "field" });
  const pinnedSquare = h("div", { class: "field pinned" });
  imageGrid.element.append(pinnedSquare, fieldSquare);
  const chosenMap = grid({ label: WORDS.title, move, hover: true });
  const mapLabel = h("span", { class: "nin-label" });
  const mlp = perceptron(WORDS.units, (side, unit) => stage.set({ side, unit }), stage.signal);
  const scores = h("div", { class: "scores", role: "img", "aria-label": WORDS.scores });
  const pin = h("button", { type: "button", class: "nin-button", click: () => togglePin() }, WORDS.pin);
  const clamp = h("input", { type: "checkbox", change: () => setClamp() });
  const level = slider({ min: -2, max: 4, step: 0.25, value: 0, "aria-label": WORDS.value, input: () => clamp.checked && setClamp() }, (value) => fixed(value, 2));
  const levelText = h("span", { class: "nin-number" });
  stage.body.append(
    file.notice,
    h("div", { class: "choose" }, garment, block, units),
    h("div", { class: "left" },
      h("span", { class: "nin-label" }, WORDS.image),
      imageGrid.element),
    h("div", { class: "middle" }, mlp.element),
    h("div", { class: "right" }, mapLabel, chosenMap.element),
    scores,
    h("div", { class: "nin-controls" }, pin, h("label", {}, clamp, ` ${WORDS.clamp} `), level, levelText),
  );

  // ---- the state, clamped to its ranges
  type Block = { conv: Network["layers"][number] & { index: number }; pointwise: Block["conv"] };
  let found: Block[] | undefined;
  const blocks = () => (found ??= findBlocks());
  const findBlocks = (): Block[] => {
    const names = [...new Set(network!.layers.map((layer) => layer.name.split(".")[0]))].filter((name) => name.startsWith("block"));
    return names.map((name) => {
      const layers = network!.layers.map((layer, index) => ({ ...layer, index })).filter((layer) => layer.name.startsWith(`${name}.`));
      return { conv: layers[0], pointwise: layers[1] };
    });
  };
  const where = () => {
    const inside = (value: number, count: number) => Math.max(0, Math.min(count - 1, Math.round(value) || 0));
    const number = inside(stage.get<number>("block") - 1, 4) + 1;
    const { conv, pointwise } = blocks()[number - 1];
    const side = stage.get<string>("side") === "before" ? "before" : "after";
    const layer = side === "before" ? conv : pointwise;
    const row = inside(stage.get("row"), conv.height);
    const column = inside(stage.get("column"), conv.width);
    const pinned = stage.get<number[]>("pinned");
    return {
      number,
      conv,
      pointwise,
      side,
      layer,
      unit: inside(stage.get("unit"), layer.out),
      row,
      column,
      position: row * conv.width + column,
      pinned: pinned.length === 2 ? inside(pinned[0], conv.height) * conv.width + inside(pinned[1], conv.width) : -1,
    };
  };
  const bytes = (): number[] => {
    const own = stage.get<number>("picture") < 0 && stage.get<string>("own");
    return decode(own || stage.get<string[]>("pictures")[Math.max(0, stage.get<number>("picture"))]);
  };
  const pixels = () => bytes().map((value) => value / 255);
  const clamps = (): (Clamp & { block: number; after: boolean })[] => {
    const held = stage.get<number[]>("held");
    if (held.length !== 4) return [];
    const [number, after, channel, value] = held;
    const block = blocks()[Math.max(0, Math.min(3, number - 1))];
    const layer = after ? block.pointwise : block.conv;
    return [{ layer: layer.index, channel: Math.min(channel, layer.out - 1), value, block: Math.max(1, Math.min(4, number)), after: !!after }];
  };
  /** Whether this unit is the one that is held. */
  const holds = (block: number, side: string, unit: number) => {
    const held = stage.get<number[]>("held");
    return held.length === 4 && held[0] === block && !!held[1] === (side === "after") && held[2] === unit;
  };
  const togglePin = () => stage.set({ pinned: stage.get<number[]>("pinned").length ? [] : [where().row, where().column] });
  const setClamp = () => {
    const { number, side, unit } = where();
    stage.set({ held: clamp.checked ? [number, side === "after" ? 1 : 0, unit, Number(level.value)] : [] });
  };

  // ---- running, only when image or clamp changed
  let ranFor = "";
  let names: string[] = [];
  const run = () => {
    const key = JSON.stringify([stage.get("picture"), stage.get<string>("own"), stage.get("held")]);
    if (key === ranFor) return;
    ranFor = key;
    input = pixels();
    const [mean, std] = stage.get<number[]>("normal");
    network!.run(input.map((value) => (value - mean) / std), clamps());
    showImage();
  };
  /** Paint the garment light on black, in both themes. */
  const showImage = () => {
    const gray = pixels();
    paintColor(imageGrid.canvas, [gray, gray, gray], 28, 28);
  };
  const shares = (): number[] => {
    const last = network!.layers.length - 1;
    return softmax(names.map((_, c) => network!.at(last, c, 0)));
  };
  /** The receptive field of one position of a layer: a square of the image, in pixels. */
  const field = (index: number, row: number, column: number) => {
    let [size, step, start] = [1, 1, 0];
    for (const layer of network!.layers.slice(0, index + 1)) {
      size += (layer.kernel - 1) * step;
      start -= layer.padding * step;
      step *= layer.stride;
    }
    return { size, top: start + row * step, left: start + column * step };
  };
  const showField = (square: HTMLElement, index: number, row: number, column: number) => {
    const { size, top, left } = field(index, row, column);
    const share = `${(100 * size) / 28}%`;
    if (square.style.width !== share) Object.assign(square.style, { width: share, height: share });
    square.style.transform = `translate(${(100 * left) / size}%,${(100 * top) / size}%)`;
  };
  /** The sum of the chosen 1×1 unit at the cursor, and its parts. */
  const parts = () => {
    const { conv, pointwise, unit, position } = where();
    const weights = network!.weightsOf(pointwise.index, unit);
    const values = Array.from({ length: conv.out }, (_, c) => network!.at(conv.index, c, position));
    const products = values.map((value, c) => value * weights[c]);
    const bias = network!.biasOf(pointwise.index, unit);
    const total = products.reduce((a, b) => a + b, 0);
    return { weights, values, products, bias, total, sum: total + bias };
  };

  let bars: { name: HTMLElement; bar: HTMLElement; share: HTMLElement }[] = [];
  const build = () => {
    if (names.length) return;
    names = stage.get("names");
    stage.get<string[]>("pictures").forEach((_, i) => garment.append(h("option", { value: i }, names[i] ?? String(i))));
    garment.append(h("option", { value: -1, hidden: true }, WORDS.own));
    bars = names.map((text) => {
      const made = { name: h("span", {}, text), bar: h("i", {}), share: h("span", { class: "nin-number" }) };
      scores.append(h("div", {}, made.name, h("span", { class: "nin-bar" }, made.bar), made.share));
      return made;
    });
  };

  let paintedMap = "";
  return {
    draw() {
      if (!file.ready()) return showImage();
      [network] = file.networks()!;
      build();
      run();
      const spot = where();
      const { conv, pointwise, layer, unit, row, column, position } = spot;
      setValue(garment, stage.get("picture"));
      setValue(block, spot.number);
      const counts = [conv.out, pointwise.out];
      if (units.dataset.counts !== counts.join()) {
        units.dataset.counts = counts.join();
        units.replaceChildren(...(["before", "after"] as const).map((side, i) =>
          h("optgroup", { label: side === "before" ? WORDS.convolution : WORDS.pointwise },
            ...Array.from({ length: counts[i] }, (_, unit) => h("option", { value: `${side} ${unit}` }, WORDS.unitOf[side](unit))))));
      }
      setValue(units, `${spot.side} ${unit}`);
      imageGrid.showCursor(row, column, conv.height, conv.width);
      chosenMap.showCursor(row, column, conv.height, conv.width);
      showField(fieldSquare, conv.index, row, column);
      pinnedSquare.hidden = spot.pinned < 0;
      if (spot.pinned >= 0) showField(pinnedSquare, conv.index, Math.floor(spot.pinned / conv.width), spot.pinned % conv.width);

      const heldNow = stage.get<number[]>("held");
      const key = JSON.stringify([layer.index, unit, ranFor, document.documentElement.dataset.theme]);
      if (key !== paintedMap) {
        paintedMap = key;
        paintSigned(chosenMap.canvas, network.map(layer.index, unit), layer.height, layer.width);
        const prediction = shares();
        bars.forEach(({ name, bar, share }, i) => {
          bar.style.transform = `scaleX(${prediction[i]})`;
          write(share, percent(prediction[i]));
          name.className = prediction[i] === Math.max(...prediction) ? "best" : "";
        });
        showImage();
      }
      const whose = spot.side === "before" ? WORDS.convolution : spot.number === 4 ? names[unit] : WORDS.pointwise;
      write(mapLabel, WORDS.map(whose, unit, `${layer.height}×${layer.width}`));

      const read = (index: number, count: number, at: number) => Array.from({ length: count }, (_, c) => network!.at(index, c, at));
      const lines = spot.side === "after" ? largest(parts().products) : [];
      mlp.draw({
        labels: [WORDS.before(conv.out), WORDS.after(pointwise.out)],
        here: [read(conv.index, conv.out, position), read(pointwise.index, pointwise.out, position)],
        pinned: spot.pinned < 0 ? null : [read(conv.index, conv.out, spot.pinned), read(pointwise.index, pointwise.out, spot.pinned)],
        chosen: { side: spot.side === "after" ? 1 : 0, unit },
        lines,
      });
      const holdsThis = holds(spot.number, spot.side, unit);
      clamp.checked = holdsThis;
      if (holdsThis) setValue(level, heldNow[3]);
      write(levelText, fixed(Number(level.value), 2));
      write(pin, spot.pinned < 0 ? WORDS.pin : WORDS.unpin);
    },
    sentence() {
      if (!network) return file.sentence();
      const { number, row, column, side, unit, layer, position, pinned, conv } = where();
      const value = network.at(layer.index, unit, position);
      const itself = holds(number, side, unit);
      let text = itself ? "" : `${WORDS.at(number, row, column)}: `;
      if (side === "after") {
        const { bias, sum, total, values } = parts();
        if (itself) text = WORDS.would(row, column, fixed(layer.relu ? Math.max(0, sum) : sum, DECIMALS), values.length, fixed(total, DECIMALS), fixed(bias, DECIMALS), layer.relu && sum < 0);
        else text += WORDS.sumIs(unit, values.length, fixed(total, DECIMALS), fixed(bias, DECIMALS), fixed(sum, DECIMALS));
        if (!itself) text += layer.relu && sum < 0 ? `${WORDS.cut}.` : ".";
      } else if (!itself) text += `${WORDS.first(unit, fixed(value, DECIMALS))}.`;
      if (pinned >= 0 && !itself) text += WORDS.pinned(Math.floor(pinned / conv.width), pinned % conv.width, fixed(network.at(layer.index, unit, pinned), DECIMALS));
      const prediction = shares();
      const best = prediction.indexOf(Math.max(...prediction));
      const answer = WORDS.predicts(names[best], percent(prediction[best]));
      const [held] = clamps();
      if (!held) return `${text} ${answer}`;
      const name = WORDS.unitOf[held.after ? "after" : "before"](held.channel);
      if (itself) return `${answer} ${WORDS.heldItself(name[0].toUpperCase() + name.slice(1), held.block, fixed(held.value, 2))}${text}`;
      return `${answer} ${WORDS.held(name, held.block, fixed(held.value, 2))}${text}`;
    },
    table() {
      if (!network) return { head: [], rows: [] };
      const { side, layer } = where();
      if (side === "before") {
        const { position } = where();
        return { head: WORDS.columns.slice(0, 2), rows: Array.from({ length: layer.out }, (_, c) => [c, fixed(network!.at(layer.index, c, position), DECIMALS)]) };
      }
      const { values, weights, products, bias, sum } = parts();
      const rows: (string | number)[][] = values.map((value, c) => [c, fixed(value, DECIMALS), fixed(weights[c], DECIMALS), fixed(products[c], DECIMALS)]);
      rows.push([WORDS.bias, "", "", fixed(bias, DECIMALS)], [WORDS.sum, "", "", fixed(sum, DECIMALS)]);
      if (layer.relu) rows.push([WORDS.relu, "", "", fixed(Math.max(0, sum), DECIMALS)]);
      return { head: WORDS.columns, rows };
    },
    code() {
      if (!network) return preamble(this.sentence());
      const [mean, std] = stage.get<number[]>("normal");
      return preamble(this.sentence(), true) + toTorch({ ...where(), held: stage.get("held"), pixels: bytes(), mean, std, names, decimals: DECIMALS });
    },
    async loadImage(file) {
      stage.set({ own: encode(await readGarment(file)), picture: -1 });
    },
  };
}

const percent = (share: number) => `${(100 * share).toFixed(1)}\u00a0%`;

/** The channels with the largest products, as [channel, product]. */
function largest(products: number[]): [number, number][] {
  return products
    .map((product, channel): [number, number] => [channel, product])
    .filter(([, product]) => product !== 0)
    .sort(([, a], [, b]) => Math.abs(b) - Math.abs(a))
    .slice(0, LINES);
}

export default figure({
  name: "inside-pixel",
  words: WORDS,
  state: ["picture", "own", "block", "row", "column", "side", "unit", "pinned", "held"],
  style,
  mount,
});
