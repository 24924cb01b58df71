/** Bigger canvas, same weights: garments on a canvas of any size, read by networks made for 28×28. */
import style from "./canvas.css";
import type { Network } from "../net/network";
import { beside, type Beside } from "../shell/beside";
import { boxed, choose, freshId, h, mark, style as set, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed, thousands } from "../shell/format";
import { decode, encode, readGarment, SIDE } from "../shell/garment";
import { grid } from "../shell/grid";
import { hand } from "../shell/hand";
import { onKeys } from "../shell/keys";
import { map, paintColour, paintSigned, type Sheet, sheet } from "../shell/maps";
import { colours } from "../shell/theme";
import { softmax, weights } from "../shell/weights";

const FILES = ["pair_average.f16", "pair_connected.f16"];

const WORDS = {
  title: "Bigger canvas, same weights",
  how: "choose a size · drag the garments, or move them with the arrow keys · move over the maps",
  caption:
    "The same weights make a class map of any size. In the picture of winners each position shows the number of the class that has the most there, on a ground that stands out more the surer it is; positions that see only black are left neutral. They enter the average all the same.",
  size: "canvas",
  sizes: (side: number) => `${side}×${side} pixels`,
  canvas: "Canvas: arrow keys move the chosen garment",
  garments: "garments",
  garment: "the chosen garment is",
  own: "your own",
  add: "add another",
  remove: "remove it",
  maps: "class map of",
  named: "the class named",
  classMap: (size: string) => `class map, ${size}`,
  winners: (size: string) => `winners, ${size}`,
  over: "average, %",
  here: "this position, %",
  place: (name: string, row: string, column: string) => `${name} at row ${row}, column ${column}`,
  lie: (places: string[], size: string) => (places.length ? `${places.join("; ")} of ${size} pixels. ` : `An empty canvas of ${size} pixels. `),
  says: (size: string, name: string, share: string) => `The average over ${size} positions says ${name}, ${share}\u00a0%.`,
  item: (name: string, share: string, best: string, there: string) =>
    ` ${name}: ${share}\u00a0% by the average, ${best}\u00a0% at its best single position (${there}).`,
  on: (row: number, column: number, name: string, share: string, empty: boolean) =>
    ` Row ${row}, column ${column} of the map${empty ? ", which sees only black," : ""} says ${name}, ${share}\u00a0%.`,
  connectedSays: (name: string, share: string) => ` The connected head says ${name}, ${share}\u00a0%.`,
  fits: (size: string, channels: number, count: string) =>
    `The fully connected head takes this canvas: ${size} positions of ${channels} channels are ${count} numbers, and each of its ten sums has as many weights.`,
  refuses: (given: number, taken: number, classes: number) =>
    `mat1 and mat2 shapes cannot be multiplied (1x${given} and ${taken}x${classes})`,
  refusal: "The fully connected head stops at ",
  plain: (size: string, channels: number, given: string, taken: string) =>
    `. In plain words: ${size} positions of ${channels} channels are ${given} numbers, and each of its ten sums has weights for exactly ${taken}.`,
  columns: ["class", "logit by the average", "probability", "highest at one position", "there"],
  at: (row: number, column: number) => `row ${row}, column ${column}`,
};

const FEW = 3; // garments at most
const CORNERS = [[0, 0], [1, 1], [0, 1]]; // where the first, second and third are laid
const WIDE = 336; // canvas pixels of the picture of winners, about: a multiple of each map's side

type Item = [picture: number, row: number, column: number];

const best = (shares: number[]) => shares.indexOf(Math.max(...shares));
const percent = (share: number) => (100 * share).toFixed(0);
const inside = (value: unknown, low: number, high: number) => Math.max(low, Math.min(high, Math.round(Number(value)) || 0));
const square = (side: number) => `${side}×${side}`;

function mount(stage: Stage): View {
  const file = weights(stage, FILES);
  const names = stage.get<string[]>("names");
  const pictures = stage.get<string[]>("pictures");
  const sides = stage.get<number[]>("sides");
  const root = stage.body.closest<HTMLElement>(".nin-figure")!;
  const moving = hand(stage);

  // ---- the state, kept inside what there is
  const state = () => {
    const asked = stage.get<number>("size");
    const size = sides.includes(asked) ? asked : sides[0];
    const own = stage.get<string>("own");
    const given = stage.get<unknown>("items");
    const items = (Array.isArray(given) ? given : [])
      .filter((item) => Array.isArray(item) && item.length === 3)
      .slice(0, FEW)
      .map(([picture, row, column]): Item => [inside(picture, own ? -1 : 0, pictures.length - 1), ...held(row, column, size)]);
    return { size, own, items, chosen: inside(stage.get("chosen"), 0, Math.max(0, items.length - 1)), shown: inside(stage.get("shown"), -1, names.length - 1) };
  };
  /** At least half of a garment's square stays on the canvas. */
  const held = (row: unknown, column: unknown, size: number): [number, number] => {
    const [low, high] = [-SIDE / 2, size - SIDE / 2];
    return [inside(row, low, high), inside(column, low, high)];
  };
  const nameOf = (picture: number) => (picture < 0 ? WORDS.own : names[picture]);
  const put = (index: number, changes: Partial<{ picture: number; row: number; column: number }>) => {
    const { items, size } = state();
    if (!items[index]) return;
    const [picture, row, column] = items[index];
    const moved = held(changes.row ?? row, changes.column ?? column, size);
    moving.moved();
    stage.set({ items: items.map((item, i) => (i === index ? [changes.picture ?? picture, ...moved] : item)), chosen: index }, false);
    if (!look()) stage.invalidate(); // else all of it is drawn when the answer is there
  };
  const add = (picture: number) => {
    const { items, size } = state();
    const [down, right] = CORNERS[items.length];
    stage.set({ items: [...items, [picture, down * (size - SIDE), right * (size - SIDE)]], chosen: items.length });
  };

  // ---- what stands on the stage
  const size = h("select", { change: () => stage.set({ size: Number(size.value) }) }, ...sides.map((side) => h("option", { value: side }, WORDS.sizes(side))));
  const canvas = map();
  const box = h("div", { class: "box" });
  const frame = h("div", { class: "frame", role: "application", tabindex: 0, "aria-roledescription": "picture with things that can be moved", "aria-label": WORDS.canvas }, canvas, box);
  onKeys(frame, (far) => {
    const { items, chosen } = state();
    const [, row, column] = items[chosen] ?? [0, 0, 0];
    return {
      ArrowUp: () => put(chosen, { row: row - far }),
      ArrowDown: () => put(chosen, { row: row + far }),
      ArrowLeft: () => put(chosen, { column: column - far }),
      ArrowRight: () => put(chosen, { column: column + far }),
    };
  });
  let drag: { x: number; y: number; index: number; row: number; column: number; pixel: number } | undefined;
  frame.addEventListener("pointerdown", (event) => {
    frame.focus({ preventScroll: true });
    frame.setPointerCapture?.(event.pointerId);
    const { items, chosen, size } = state();
    const around = frame.getBoundingClientRect();
    const pixel = around.width / size;
    const [x, y] = [(event.clientX - around.left) / pixel, (event.clientY - around.top) / pixel];
    const hit = ([, row, column]: Item) => y >= row && y < row + SIDE && x >= column && x < column + SIDE;
    const index = items[chosen] && hit(items[chosen]) ? chosen : items.findIndex(hit);
    if (index < 0) return;
    stage.set({ chosen: index });
    drag = { x: event.clientX, y: event.clientY, index, row: items[index][1], column: items[index][2], pixel };
  });
  frame.addEventListener("pointermove", (event) => {
    if (!drag || !(event.buttons & 1)) return;
    const pixels = (way: number) => Math.round(way / drag!.pixel);
    put(drag.index, { row: drag.row + pixels(event.clientY - drag.y), column: drag.column + pixels(event.clientX - drag.x) });
  });
  for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, () => (drag = undefined));

  const radios = freshId("garment");
  const items = Array.from({ length: FEW }, (_, i) => {
    const input = h("input", { type: "radio", name: radios, value: i, change: () => stage.set({ chosen: i }) });
    const text = h("span", {});
    return { input, text, element: h("label", {}, input, text) };
  });
  const garment = h("select", { "aria-label": WORDS.garment, change: () => put(state().chosen, { picture: Number(garment.value) }) },
    ...names.map((name, i) => h("option", { value: i }, name)),
    h("option", { value: -1, hidden: true }, WORDS.own));
  const another = h("button", { type: "button", class: "nin-button", click: () => {
    const there = state().items.map(([picture]) => picture);
    add(names.findIndex((_, i) => !there.includes(i)));
  } }, WORDS.add);
  const remove = h("button", { type: "button", class: "nin-button", click: () => {
    const { items, chosen } = state();
    stage.set({ items: items.filter((_, i) => i !== chosen), chosen: Math.max(0, chosen - 1) });
  } }, WORDS.remove);

  const move = (row: number, column: number) => stage.set({ row, column });
  const classMap = grid({ label: WORDS.title, move, hover: true });
  const winners = grid({ label: WORDS.title, move, hover: true });
  const numbers = h("canvas", { class: "numbers", "aria-hidden": "true" });
  winners.canvas.after(numbers);
  const labels = [h("span", { class: "nin-label" }), h("span", { class: "nin-label" })];
  const shown = h("select", { "aria-label": WORDS.maps, change: () => stage.set({ shown: Number(shown.value) }) },
    h("option", { value: -1 }, WORDS.named), ...names.map((name, i) => h("option", { value: i }, name)));

  const bars = names.map((name, c) => {
    const made = { row: h("div", {}), sides: [0, 1].map(() => ({ bar: h("i", {}), share: h("span", { class: "nin-number" }) })) };
    made.row.append(h("span", { class: "nin-number" }, String(c)), h("span", { class: "name" }, name),
      ...made.sides.flatMap(({ bar, share }) => [h("span", { class: "nin-bar" }, bar), boxed(share)]));
    return made;
  });
  const connected = h("p", { class: "connected" });
  stage.body.append(
    file.notice,
    h("div", { class: "left" },
      h("label", {}, `${WORDS.size} `, size),
      frame,
      h("fieldset", {}, h("legend", { class: "nin-only-heard" }, WORDS.garments), ...items.map(({ element }) => element)),
      h("div", { class: "change" }, garment, another, remove)),
    h("div", { class: "right" },
      h("label", {}, `${WORDS.maps} `, shown),
      h("div", { class: "maps" }, h("div", {}, labels[0], classMap.element), h("div", {}, labels[1], winners.element)),
      h("div", { class: "scores" },
        h("div", { class: "nin-label head" }, h("span", {}, WORDS.over), h("span", {}, WORDS.here)),
        ...bars.map(({ row }) => row))),
    connected,
  );

  // ---- the canvas: laid and painted when something moved
  interface Laid {
    key: string; // all that it depends on
    size: number;
    bytes: Uint8Array;
  }
  const decoded = new Map<string, number[]>();
  const garmentOf = (picture: number) => {
    const text = picture < 0 ? stage.get<string>("own") : pictures[picture];
    if (!decoded.has(text)) decoded.set(text, decode(text));
    return decoded.get(text)!;
  };
  let laid: Laid = { key: "", size: 0, bytes: new Uint8Array() };
  let paper: Sheet;
  const lay = (): Laid => {
    const { size, items, own } = state();
    const key = JSON.stringify([size, items, items.some(([picture]) => picture < 0) && own]);
    if (key === laid.key) return laid;
    if (size !== laid.size) paper = sheet(canvas, size, size);
    const bytes = new Uint8Array(size * size);
    for (const [picture, row, column] of items) {
      const garment = garmentOf(picture);
      for (let r = Math.max(0, -row); r < SIDE && row + r < size; r++)
        for (let c = Math.max(0, -column); c < SIDE && column + c < size; c++) {
          const at = (row + r) * size + column + c;
          bytes[at] = Math.max(bytes[at], garment[r * SIDE + c]);
        }
    }
    paper.grey(bytes);
    return (laid = { key, size, bytes });
  };

  // ---- the network: beside the page, so that a garment moves on meanwhile; the first time, and where no worker is, in it
  /** What the network makes of a canvas. */
  interface Made {
    of: string; // the canvas's key
    maps: Float32Array[];
    side: number; // of these
    logits: number[];
    shares: number[];
    here: number[][]; // position by position, the shares of the ten classes
    empty: boolean[]; // whether a position sees only black
  }
  let made: Made | undefined;
  const normal = ({ bytes }: Laid) => {
    const [mean, std] = stage.get<number[]>("normal");
    return Array.from(bytes, (value) => (value / 255 - mean) / std);
  };
  const keep = (of: Laid, maps: Float32Array[]) => {
    const [first] = file.networks()!;
    const side = Math.sqrt(maps[0].length);
    const logits = maps.map((values) => values.reduce((a, b) => a + b) / values.length);
    const ten = new Array<number>(maps.length);
    const here = Array.from({ length: side * side }, (_, p) => {
      for (let c = 0; c < ten.length; c++) ten[c] = maps[c][p];
      return softmax(ten);
    });
    made = { of: of.key, maps, side, logits, shares: softmax(logits), here, empty: blind(first.layers.slice(0, -1), of, side) };
  };
  /** The other head's shares, where it takes the canvas. */
  const byConnected = (of: Laid) => {
    if (of.size !== SIDE) return;
    const [, other] = file.networks()!;
    if (connects.of !== of.key) {
      other.run(normal(of));
      connects = { of: of.key, shares: softmax(names.map((_, c) => other.at(other.layers.length - 1, c, 0))) };
    }
    return connects.shares;
  };
  let connects = { of: "", shares: [] as number[] };
  const helpers = new Map<number, Beside>(); // by the size of the canvas
  const networks = new Map<number, Network>();
  let sent: Laid[] = [];
  const answered = (key: string, maps?: Float32Array[][]) => {
    const place = sent.findIndex((one) => one.key === key);
    if (maps && place >= 0) keep(sent[place], maps[0]);
    sent = maps ? sent.slice(place + 1) : [];
    stage.invalidate();
  };
  const look = () => {
    const now = lay();
    if (!file.networks() || made?.of === now.key || sent.some(({ key }) => key === now.key)) return;
    const last = file.networks()![0].layers.length - 2; // the class maps, which the average follows
    if (made) {
      if (!helpers.has(now.size)) helpers.set(now.size, beside(file.bytes(FILES[0]), [last], stage.signal, answered, now.size));
      if (helpers.get(now.size)!.ask(now.key, normal(now))) return void sent.push(now);
    }
    if (!networks.has(now.size)) networks.set(now.size, file.sized(FILES[0], now.size, now.size));
    const network = networks.get(now.size)!;
    network.run(normal(now));
    keep(now, network.maps(last));
  };
  const spot = (side: number) => {
    const [row, column] = [inside(stage.get("row"), 0, side - 1), inside(stage.get("column"), 0, side - 1)];
    return { row, column, position: row * side + column };
  };
  /** Where a class has its highest share. */
  const peak = ({ here, side }: Made, c: number) => {
    const position = best(here.map((shares) => shares[c]));
    return { share: here[position][c], row: Math.floor(position / side), column: position % side };
  };

  let painted = "";
  const paint = (now: Made) => {
    const which = state().shown;
    const key = `${now.of} ${which} ${root.dataset.theme}`;
    if (key === painted) return;
    painted = key;
    paintSigned(classMap.canvas, now.maps[which < 0 ? best(now.shares) : which], now.side, now.side);
    paintWinners(now);
  };
  let written = { on: "", cells: [] as string[] };
  const paintWinners = ({ side, here, empty }: Made) => {
    const { neutral, ink, paper } = colours();
    const [low, high] = [neutral, ink].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255));
    const grounds = here.map((ten, p) => (empty[p] ? 0 : Math.max(...ten)));
    paintColour(winners.canvas, low.map((from, k) => grounds.map((share) => from + (high[k] - from) * share)), side, side);
    // Over the grounds lines between them, and the numbers: only those that changed are written anew.
    const cell = Math.floor(WIDE / side);
    const context = numbers.getContext("2d")!;
    const on = `${side} ${root.dataset.theme}`;
    if (on !== written.on) {
      written = { on, cells: [] };
      Object.assign(numbers, { width: cell * side, height: cell * side });
      Object.assign(context, { font: `${Math.round(0.62 * cell)}px ui-monospace, monospace`, textAlign: "center", textBaseline: "middle", fillStyle: neutral });
      for (let i = 1; i <= side; i++) {
        context.fillRect(i * cell - 1, 0, 1, cell * side);
        context.fillRect(0, i * cell - 1, cell * side, 1);
      }
    }
    here.forEach((ten, p) => {
      const colour = grounds[p] > 0.5 ? paper : ink;
      const number = empty[p] ? "" : String(best(ten));
      if (written.cells[p] === number + colour) return;
      written.cells[p] = number + colour;
      const [x, y] = [(p % side) * cell, Math.floor(p / side) * cell];
      context.clearRect(x, y, cell - 1, cell - 1);
      context.fillStyle = colour;
      context.fillText(number, x + cell / 2, y + 0.53 * cell);
    });
  };
  let scored = "";
  /** What the other head would be given, and takes. */
  const counts = () => {
    const other = file.networks()![1];
    const last = other.layers.at(-1)!;
    return { channels: last.channels, taken: last.channels * last.kernel ** 2, classes: last.out };
  };
  let refused = "";
  const showConnected = (side: number) => {
    if (refused === String(side)) return;
    refused = String(side);
    const { channels, taken, classes } = counts();
    const given = channels * side * side;
    if (given === taken) return connected.replaceChildren(WORDS.fits(square(side), channels, thousands(given)));
    connected.replaceChildren(WORDS.refusal, h("code", {}, WORDS.refuses(given, taken, classes)),
      WORDS.plain(square(side), channels, thousands(given), thousands(taken)));
  };

  return {
    draw() {
      look();
      if (!file.ready()) return;
      const now = made!;
      const { size: side, items: laid, chosen, shown: which } = state();
      choose(size, side);
      choose(shown, which);
      const item = laid[chosen];
      box.hidden = !item;
      if (item) {
        const share = `${(100 * SIDE) / side}%`;
        for (const way of ["width", "height"] as const) set(box, way, share);
        set(box, "transform", `translate(${(100 * item[2]) / SIDE}%,${(100 * item[1]) / SIDE}%)`);
        choose(garment, item[0]);
      }
      garment.disabled = remove.disabled = !item;
      another.disabled = laid.length === FEW;
      items.forEach(({ input, text, element }, i) => {
        element.hidden = !laid[i];
        input.checked = i === chosen;
        if (laid[i]) write(text, nameOf(laid[i][0]));
      });
      showConnected(now.side);
      paint(now);
      const { row, column, position } = spot(now.side);
      const sized = square(now.side);
      const texts = [WORDS.classMap(sized), WORDS.winners(sized)];
      [classMap, winners].forEach((one, i) => {
        one.place(row, column, now.side, now.side);
        if (write(labels[i], texts[i])) one.element.setAttribute("aria-label", texts[i]);
      });
      const both = [now.shares, now.here[position]];
      bars.forEach(({ sides }, c) => sides.forEach(({ bar }, i) => set(bar, "transform", `scaleX(${both[i][c].toFixed(2)})`)));
      const counted = [now.of, position, which].join(" ");
      if (counted === scored || moving.moves()) return;
      scored = counted;
      const there = laid.map(([picture]) => picture);
      bars.forEach(({ row, sides }, c) => {
        sides.forEach(({ share }, i) => write(share, percent(both[i][c])));
        mark(row, there.includes(c) ? "there" : "");
      });
    },
    sentence() {
      if (!file.networks()) return file.sentence();
      if (moving.moves() || made?.of !== lay().key) return null; // said when the answer is there
      const now = made!;
      const { size, items } = state();
      const winner = best(now.shares);
      const places = items.map(([picture, row, column]) => WORDS.place(nameOf(picture), fixed(row, 0), fixed(column, 0)));
      const known = [...new Set(items.map(([picture]) => picture))].filter((picture) => picture >= 0);
      const parts = known.map((c) => {
        const { share, row, column } = peak(now, c);
        return WORDS.item(names[c], percent(now.shares[c]), percent(share), WORDS.at(row, column));
      });
      const says = WORDS.says(square(now.side), names[winner], percent(now.shares[winner]));
      const { row, column, position } = spot(now.side);
      const here = now.here[position];
      let text = [WORDS.lie(places, square(size)), says, ...parts].join("");
      text += WORDS.on(row, column, names[best(here)], percent(here[best(here)]), now.empty[position]);
      const connected = byConnected(lay());
      if (connected) text += WORDS.connectedSays(names[best(connected)], percent(connected[best(connected)]));
      return text;
    },
    table() {
      if (!made) return { head: [], rows: [] };
      const now = made;
      const rows = names.map((name, c) => {
        const { share, row, column } = peak(now, c);
        return [name, fixed(now.logits[c], 4), fixed(now.shares[c], 5), fixed(share, 5), WORDS.at(row, column)];
      });
      return { head: WORDS.columns, rows };
    },
    code() {
      const { size, items, own } = state();
      const [mean, std] = stage.get<number[]>("normal");
      const listed = items.map(([picture, row, column]) => `    ("${picture < 0 ? own : pictures[picture]}", ${row}, ${column}),\n`);
      return `import base64
import torch
from nin_lib.small import trained_pair

garments = [  # 28×28 bytes, and where the upper left corner lies
${listed.join("")}]
canvas = torch.zeros(${size} + 56, ${size} + 56, dtype=torch.uint8)  # with a margin, cut off below
for picture, row, column in garments:
    pixels = torch.frombuffer(bytearray(base64.b64decode(picture)), dtype=torch.uint8)
    place = canvas[row + 28 : row + 56, column + 28 : column + 56]
    torch.maximum(place, pixels.reshape(28, 28), out=place)
x = (canvas[None, None, 28:-28, 28:-28] / 255 - ${mean}) / ${std}
names = ${JSON.stringify(names)}
with torch.no_grad():
    shares = trained_pair("average")(x)[0].softmax(0)
print(dict(zip(names, shares.tolist())))
`;
    },
    async picture(file) {
      const own = encode(await readGarment(file));
      stage.set({ own });
      const { items, chosen } = state();
      if (items.length) put(chosen, { picture: -1 });
      else add(-1);
    },
  };
}

/** Position by position of the last of some layers, whether all pixels are 0 that it sees. */
function blind(layers: Network["layers"], { size: side, bytes }: { size: number; bytes: Uint8Array }, across: number): boolean[] {
  const wide = side + 1;
  const lit = new Uint32Array(wide * wide); // light pixels above and left of each corner
  for (let r = 0; r < side; r++)
    for (let c = 0, line = 0; c < side; c++) {
      line += Number(bytes[r * side + c] > 0);
      lit[(r + 1) * wide + c + 1] = lit[r * wide + c + 1] + line;
    }
  let [size, step, start] = [1, 1, 0];
  for (const layer of layers) {
    size += (layer.kernel - 1) * step;
    start -= layer.padding * step;
    step *= layer.stride;
  }
  const edge = (at: number) => Math.max(0, Math.min(side, at));
  return Array.from({ length: across * across }, (_, p) => {
    const [top, left] = [start + Math.floor(p / across) * step, start + (p % across) * step];
    const [up, down, from, to] = [edge(top), edge(top + size), edge(left), edge(left + size)];
    return lit[down * wide + to] - lit[up * wide + to] - lit[down * wide + from] + lit[up * wide + from] === 0;
  });
}

export default figure({
  name: "canvas",
  words: WORDS,
  state: ["size", "items", "chosen", "row", "column", "shown"],
  style,
  mount,
});
