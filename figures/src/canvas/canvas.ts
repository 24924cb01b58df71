/** Bigger canvas, same weights: networks trained on 28×28 images classify garments on a canvas of any size. */
import style from "./canvas.css";
import type { Network } from "../net/network";
import { softmax } from "../net/softmax";
import { debounce } from "../shell/debounce";
import { boxed, freshId, h, setClass, setStyle, setValue, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed, thousands } from "../shell/format";
import { decode, encode, readGarment, SIDE } from "../shell/garment";
import { grid } from "../shell/grid";
import { onKeys } from "../shell/keys";
import { mapCanvas, type Painter, painter, paintSigned } from "../shell/maps";
import { type NetworkWorker, networkWorker } from "../shell/network_worker";
import { onDrag } from "../shell/pointer";
import { preamble } from "../shell/python";
import { weights } from "../shell/weights";
import { type Alone, alone } from "./alone";
import { blackPositions } from "./black";
import { winnersMap } from "./winners";
import { WORDS } from "./words";

const FILES = ["pair_average.f16", "pair_fully_connected.f16"];

const MAX_ITEMS = 3;
const CORNERS = [[0, 0], [1, 1], [0, 1]]; // of the canvas, for the first, second and third item

type Item = [image: number, row: number, column: number];

const best = (shares: ArrayLike<number>) => {
  let at = 0;
  for (let i = 1; i < shares.length; i++) if (shares[i] > shares[at]) at = i;
  return at;
};
const percent = (share: number) => (100 * share).toFixed(0);
const inside = (value: unknown, low: number, high: number) => Math.max(low, Math.min(high, Math.round(Number(value)) || 0));
const square = (side: number) => `${side}×${side}`;

function mount(stage: Stage): View {
  const file = weights(stage, FILES);
  const names = stage.get<string[]>("names");
  const images = stage.get<string[]>("pictures");
  const sides = stage.get<number[]>("sides");
  const root = stage.body.closest<HTMLElement>(".nin-figure")!;
  const textUpdate = debounce(stage);

  // ---- the state, clamped to its ranges
  const state = () => {
    const asked = stage.get<number>("size");
    const size = sides.includes(asked) ? asked : sides[0];
    const own = stage.get<string>("own");
    const given = stage.get<unknown>("items");
    const items = (Array.isArray(given) ? given : [])
      .filter((item) => Array.isArray(item) && item.length === 3)
      .slice(0, MAX_ITEMS)
      .map(([image, row, column]): Item => [inside(image, own ? -1 : 0, images.length - 1), ...clamped(row, column, size)]);
    return { size, own, items, chosen: inside(stage.get("chosen"), 0, Math.max(0, items.length - 1)), shown: inside(stage.get("shown"), -1, names.length - 1) };
  };
  /** Clamp a position so that at least half of the garment's square is on the canvas. */
  const clamped = (row: unknown, column: unknown, size: number): [number, number] => {
    const [low, high] = [-SIDE / 2, size - SIDE / 2];
    return [inside(row, low, high), inside(column, low, high)];
  };
  const nameOf = (image: number) => (image < 0 ? WORDS.own : names[image]);
  const put = (index: number, changes: Partial<{ image: number; row: number; column: number }>) => {
    const { items, size } = state();
    if (!items[index]) return;
    const [image, row, column] = items[index];
    const moved = clamped(changes.row ?? row, changes.column ?? column, size);
    textUpdate.restart();
    stage.set({ items: items.map((item, i) => (i === index ? [changes.image ?? image, ...moved] : item)), chosen: index }, false);
    compute();
    stage.invalidate();
  };
  const add = (image: number) => {
    const { items, size } = state();
    const [down, right] = CORNERS[items.length];
    stage.set({ items: [...items, [image, down * (size - SIDE), right * (size - SIDE)]], chosen: items.length });
  };

  // ---- elements
  const size = h("select", { "aria-label": WORDS.size, change: () => stage.set({ size: Number(size.value) }) }, ...sides.map((side) => h("option", { value: side }, WORDS.sizes(side))));
  const canvas = mapCanvas();
  const box = h("div", { class: "box" });
  const frame = h("div", { class: "frame", role: "application", tabindex: 0, "aria-roledescription": "image with items that can be moved", "aria-label": WORDS.canvas }, canvas, box);
  onKeys(frame, (step) => {
    const { items, chosen } = state();
    const [, row, column] = items[chosen] ?? [0, 0, 0];
    return {
      ArrowUp: () => put(chosen, { row: row - step }),
      ArrowDown: () => put(chosen, { row: row + step }),
      ArrowLeft: () => put(chosen, { column: column - step }),
      ArrowRight: () => put(chosen, { column: column + step }),
    };
  });
  let drag: { x: number; y: number; index: number; row: number; column: number; pixel: number } | undefined;
  onDrag(frame, {
    press(event) {
      const { items, chosen, size } = state();
      const around = frame.getBoundingClientRect();
      const pixel = around.width / size;
      const [x, y] = [(event.clientX - around.left) / pixel, (event.clientY - around.top) / pixel];
      const hit = ([, row, column]: Item) => y >= row && y < row + SIDE && x >= column && x < column + SIDE;
      const index = items[chosen] && hit(items[chosen]) ? chosen : items.findIndex(hit);
      drag = undefined;
      if (index < 0) return;
      stage.set({ chosen: index });
      drag = { x: event.clientX, y: event.clientY, index, row: items[index][1], column: items[index][2], pixel };
    },
    move(event) {
      if (!drag) return;
      const pixels = (distance: number) => Math.round(distance / drag!.pixel);
      put(drag.index, { row: drag.row + pixels(event.clientY - drag.y), column: drag.column + pixels(event.clientX - drag.x) });
    },
  });

  const radios = freshId("garment");
  const items = Array.from({ length: MAX_ITEMS }, (_, i) => {
    const input = h("input", { type: "radio", name: radios, value: i, change: () => stage.set({ chosen: i }) });
    const text = h("span", {});
    return { input, text, element: h("label", {}, input, text) };
  });
  const garment = h("select", { "aria-label": WORDS.garment, change: () => put(state().chosen, { image: Number(garment.value) }) },
    ...names.map((name, i) => h("option", { value: i }, name)),
    h("option", { value: -1, hidden: true }, WORDS.own));
  const another = h("button", { type: "button", class: "nin-button", click: () => {
    const used = state().items.map(([image]) => image);
    add(names.findIndex((_, i) => !used.includes(i)));
  } }, WORDS.add);
  const remove = h("button", { type: "button", class: "nin-button", click: () => {
    const { items, chosen } = state();
    stage.set({ items: items.filter((_, i) => i !== chosen), chosen: Math.max(0, chosen - 1) });
  } }, WORDS.remove);

  const move = (row: number, column: number) => stage.set({ row, column });
  const classMap = grid({ label: WORDS.title, move, hover: true });
  const winners = grid({ label: WORDS.title, move, hover: true });
  const paintWinners = winnersMap(winners.canvas, () => root.dataset.theme);
  const winnersLabel = h("span", { class: "nin-label" });
  const shown = h("select", { "aria-label": WORDS.maps.join(""), change: () => stage.set({ shown: Number(shown.value) }) },
    h("option", { value: -1 }, WORDS.named), ...names.map((name, i) => h("option", { value: i }, name)));

  const bars = names.map((name, c) => {
    const made = { row: h("div", {}), values: [0, 1].map(() => ({ bar: h("i", {}), share: h("span", { class: "nin-number" }) })) };
    made.row.append(h("span", { class: "nin-number" }, String(c)), h("span", { class: "name" }, name),
      ...made.values.flatMap(({ bar, share }) => [h("span", { class: "nin-bar" }, bar), boxed(share)]));
    return made;
  });
  const connected = h("p", { class: "connected" });
  stage.body.append(
    file.notice,
    h("div", { class: "left" },
      h("label", {}, h("span", {}, `${WORDS.size} `), size),
      frame,
      h("fieldset", {}, h("legend", { class: "nin-only-heard" }, WORDS.garments), ...items.map(({ element }) => element)),
      h("div", { class: "change" }, garment, another, remove),
      connected),
    h("div", { class: "right" },
      h("div", { class: "maps" },
        h("div", { class: "heads" }, h("label", {}, h("span", {}, WORDS.maps[0]), `${WORDS.maps[1]} `, shown), winnersLabel),
        classMap.element, winners.element),
      h("div", { class: "scores" },
        h("div", { class: "nin-label head" }, h("span", {}, WORDS.over), h("span", {}, WORDS.here)),
        ...bars.map(({ row }) => row),
        h("p", { class: "nin-label key" }, h("b", {}, WORDS.bold), ` ${WORDS.isPrediction} · `, h("i", { class: "dark" }), ` ${WORDS.isThere}`))),
  );

  // ---- the canvas, composed and painted when something moved
  interface Composition {
    key: string; // everything it depends on
    size: number;
    bytes: Uint8Array;
  }
  const decoded = new Map<string, number[]>();
  const garmentOf = (image: number) => {
    const text = image < 0 ? stage.get<string>("own") : images[image];
    if (!decoded.has(text)) decoded.set(text, decode(text));
    return decoded.get(text)!;
  };
  let composition: Composition = { key: "", size: 0, bytes: new Uint8Array() };
  let canvasPainter: Painter;
  const compose = (): Composition => {
    const { size, items, own } = state();
    const key = JSON.stringify([size, items, items.some(([image]) => image < 0) && own]);
    if (key === composition.key) return composition;
    if (size !== composition.size) canvasPainter = painter(canvas, size, size);
    const bytes = new Uint8Array(size * size);
    for (const [image, row, column] of items) {
      const garment = garmentOf(image);
      for (let r = Math.max(0, -row); r < SIDE && row + r < size; r++)
        for (let c = Math.max(0, -column); c < SIDE && column + c < size; c++) {
          const at = (row + r) * size + column + c;
          bytes[at] = Math.max(bytes[at], garment[r * SIDE + c]);
        }
    }
    canvasPainter.gray(bytes);
    return (composition = { key, size, bytes });
  };

  // ---- the network: in a worker, so that a garment keeps moving; the first time, or without a worker, in the page
  /** The network's result for a canvas. */
  interface Result {
    key: string; // of the composition
    maps: Float32Array[];
    side: number; // of the maps
    logits: number[];
    shares: number[];
    alone: Alone; // what each position says
    empty: boolean[]; // position by position, whether its receptive field is all black
  }
  let result: Result | undefined;
  const [mean, std] = stage.get<number[]>("normal");
  const values = Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - mean) / std);
  const normalized = ({ bytes }: Composition) => {
    const input = new Float32Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) input[i] = values[bytes[i]];
    return input;
  };
  const keep = (composition: Composition, maps: Float32Array[]) => {
    const [first] = file.networks()!;
    const side = Math.sqrt(maps[0].length);
    const logits = maps.map((values) => values.reduce((a, b) => a + b) / values.length);
    result = { key: composition.key, maps, side, logits, shares: softmax(logits), alone: alone(maps), empty: blackPositions(first.layers.slice(0, -1), composition, side) };
  };
  /** The connected head's probabilities, if the canvas fits. */
  const connectedShares = (composition: Composition) => {
    if (composition.size !== SIDE) return;
    const [, other] = file.networks()!;
    if (connectedResult.key !== composition.key) {
      other.run(normalized(composition));
      connectedResult = { key: composition.key, shares: softmax(names.map((_, c) => other.at(other.layers.length - 1, c, 0))) };
    }
    return connectedResult.shares;
  };
  let connectedResult = { key: "", shares: [] as number[] };
  const workers = new Map<number, NetworkWorker>(); // by the size of the canvas
  const networks = new Map<number, Network>();
  let sent: Composition[] = []; // to the worker
  const onAnswer = (key: string, maps?: Float32Array[][]) => {
    const index = sent.findIndex((one) => one.key === key);
    if (maps && index >= 0) keep(sent[index], maps[0]);
    sent = maps ? sent.slice(index + 1) : [];
    stage.draw();
  };
  /** Run the network on the canvas, or have the worker run it. */
  const compute = () => {
    const now = compose();
    if (!file.networks() || result?.key === now.key || sent.some(({ key }) => key === now.key)) return;
    const last = file.networks()![0].layers.length - 2; // the class maps, which the average follows
    if (result) {
      if (!workers.has(now.size)) workers.set(now.size, networkWorker(file.bytes(FILES[0]), [last], stage.signal, onAnswer, now.size));
      if (workers.get(now.size)!.run(now.key, normalized(now))) {
        sent.push(now);
        return;
      }
    }
    if (!networks.has(now.size)) networks.set(now.size, file.sized(FILES[0], now.size, now.size));
    const network = networks.get(now.size)!;
    network.run(normalized(now));
    keep(now, network.maps(last));
  };
  const spot = (side: number) => {
    const [row, column] = [inside(stage.get("row"), 0, side - 1), inside(stage.get("column"), 0, side - 1)];
    return { row, column, position: row * side + column };
  };
  /** The position at which a class has its highest probability. */
  const peak = ({ alone: { shares }, side }: Result, c: number) => {
    const position = best(shares[c]);
    return { share: shares[c][position], row: Math.floor(position / side), column: position % side };
  };

  let painted = "";
  const paint = (now: Result) => {
    const which = state().shown;
    const key = `${now.key} ${which} ${root.dataset.theme}`;
    if (key === painted) return;
    painted = key;
    paintSigned(classMap.canvas, now.maps[which < 0 ? best(now.shares) : which], now.side, now.side);
    paintWinners(now.side, now.alone, now.empty);
  };
  let scoresFor = "";
  /** The input channels, input size and classes of the fully connected head. */
  const connectedSizes = () => {
    const other = file.networks()![1];
    const last = other.layers.at(-1)!;
    return { channels: last.channels, taken: last.channels * last.kernel ** 2, classes: last.out };
  };
  let connectedShown = 0; // side of the map for which the paragraph is written
  const showConnected = (side: number) => {
    if (connectedShown === side) return;
    connectedShown = side;
    const { channels, taken, classes } = connectedSizes();
    const given = channels * side * side;
    if (given === taken) return connected.replaceChildren(WORDS.fits(square(side), channels, thousands(given)));
    connected.replaceChildren(WORDS.refusal, h("code", {}, WORDS.refuses(given, taken, classes)),
      WORDS.plain(square(side), channels, thousands(given), thousands(taken)));
  };

  const view: View = {
    draw() {
      compute();
      if (!file.ready()) return;
      const now = result!;
      const { size: side, items: present, chosen, shown: which } = state();
      setValue(size, side);
      setValue(shown, which);
      const item = present[chosen];
      box.hidden = !item;
      if (item) {
        const share = `${(100 * SIDE) / side}%`;
        for (const side of ["width", "height"] as const) setStyle(box, side, share);
        setStyle(box, "transform", `translate(${(100 * item[2]) / SIDE}%,${(100 * item[1]) / SIDE}%)`);
        setValue(garment, item[0]);
      }
      garment.disabled = remove.disabled = !item;
      another.disabled = present.length === MAX_ITEMS;
      items.forEach(({ input, text, element }, i) => {
        if (element.hidden === !!present[i]) element.hidden = !present[i]; // set again, it would be styled anew
        input.checked = i === chosen;
        if (present[i]) write(text, nameOf(present[i][0]));
      });
      showConnected(now.side);
      paint(now);
      const { row, column, position } = spot(now.side);
      const sized = square(now.side);
      for (const one of [classMap, winners]) one.showCursor(row, column, now.side, now.side);
      if (write(winnersLabel, WORDS.winners(sized))) {
        classMap.element.setAttribute("aria-label", WORDS.classMap(sized));
        winners.element.setAttribute("aria-label", WORDS.winners(sized));
      }
      const both = [now.shares, now.alone.shares.map((plane) => plane[position])];
      bars.forEach(({ values }, c) => values.forEach(({ bar }, i) => setStyle(bar, "transform", `scaleX(${both[i][c].toFixed(2)})`)));
      const key = [now.key, position, which].join(" ");
      if (key === scoresFor || textUpdate.pending()) return;
      scoresFor = key;
      const there = present.map(([image]) => image);
      const predicted = both.map(best);
      bars.forEach(({ row, values }, c) => {
        values.forEach(({ share }, i) => write(share, percent(both[i][c])));
        setClass(row, [there.includes(c) && "there", c === predicted[0] && "best", c === predicted[1] && "best-here"].filter(Boolean).join(" "));
      });
    },
    sentence() {
      if (!file.networks()) return file.sentence();
      if (textUpdate.pending() || result?.key !== compose().key) return null; // until the worker has answered
      const now = result!;
      const { size, items } = state();
      const winner = best(now.shares);
      const positions = items.map(([image, row, column]) => WORDS.place(nameOf(image), fixed(row, 0), fixed(column, 0)));
      const known = [...new Set(items.map(([image]) => image))].filter((image) => image >= 0);
      const parts = known.map((c) => {
        const { share, row, column } = peak(now, c);
        return WORDS.item(names[c], percent(now.shares[c]), percent(share), WORDS.at(row, column));
      });
      const prediction = WORDS.predicts(square(now.side), names[winner], percent(now.shares[winner]));
      const { row, column, position } = spot(now.side);
      const { winners, most } = now.alone;
      let text = [prediction, WORDS.lie(positions, square(size)), ...parts].join("");
      text += WORDS.on(row, column, names[winners[position]], percent(most[position]), now.empty[position]);
      const connected = connectedShares(compose());
      if (connected) text += WORDS.connectedSays(names[best(connected)], percent(connected[best(connected)]));
      return text;
    },
    table() {
      if (!result) return { head: [], rows: [] };
      const now = result;
      const rows = names.map((name, c) => {
        const { share, row, column } = peak(now, c);
        return [name, fixed(now.logits[c], 4), fixed(now.shares[c], 5), fixed(share, 5), WORDS.at(row, column)];
      });
      return { head: WORDS.columns, rows };
    },
    code() {
      const { size, items, own } = state();
      const [mean, std] = stage.get<number[]>("normal");
      const listed = items.map(([image, row, column]) => `    ("${image < 0 ? own : images[image]}", ${row}, ${column}),\n`);
      return `${preamble(view.sentence(), true)}import base64
import torch
from nin_lib.models import trained_pair

garments = [  # 28×28 bytes, and where the upper left corner lies
${listed.join("")}]
canvas = torch.zeros(${size} + 56, ${size} + 56, dtype=torch.uint8)  # with a margin, cut off below
for image, row, column in garments:
    pixels = torch.frombuffer(bytearray(base64.b64decode(image)), dtype=torch.uint8)
    place = canvas[row + 28 : row + 56, column + 28 : column + 56]
    torch.maximum(place, pixels.reshape(28, 28), out=place)
x = (canvas[None, None, 28:-28, 28:-28] / 255 - ${mean}) / ${std}
names = ${JSON.stringify(names)}
with torch.no_grad():
    shares = trained_pair("average")(x)[0].softmax(0)
print(dict(zip(names, shares.tolist())))
`;
    },
    async loadImage(file) {
      const own = encode(await readGarment(file));
      stage.set({ own });
      const { items, chosen } = state();
      if (items.length) put(chosen, { image: -1 });
      else add(-1);
    },
  };
  return view;
}

export default figure({
  name: "canvas",
  words: WORDS,
  state: ["size", "items", "own", "chosen", "row", "column", "shown"],
  style,
  mount,
});
