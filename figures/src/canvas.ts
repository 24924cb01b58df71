/** Bigger canvas, same weights: garments on a canvas of any size, read by networks made for 28×28. */
import style from "./canvas.css";
import type { Network } from "./net/network";
import { boxed, choose, freshId, h, mark, write } from "./shell/dom";
import { figure, type Stage, type View } from "./shell/figure";
import { fixed, thousands } from "./shell/format";
import { decode, encode, readGarment, SIDE } from "./shell/garment";
import { grid } from "./shell/grid";
import { onKeys } from "./shell/keys";
import { map, paintColour, paintSigned } from "./shell/maps";
import { colours, css } from "./shell/theme";
import { softmax, weights } from "./shell/weights";

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
    stage.set({ items: items.map((item, i) => (i === index ? [changes.picture ?? picture, ...moved] : item)), chosen: index });
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
  winners.element.classList.add("winners");
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

  // ---- running: only when the canvas changed
  const networks = new Map<number, Network>();
  const pixels = (): number[] => {
    const { size, items, own } = state();
    const laid = new Array<number>(size * size).fill(0);
    for (const [picture, row, column] of items)
      decode(picture < 0 ? own : pictures[picture]).forEach((value, i) => {
        const [r, c] = [row + Math.floor(i / SIDE), column + (i % SIDE)];
        if (r >= 0 && r < size && c >= 0 && c < size) laid[r * size + c] = Math.max(laid[r * size + c], value);
      });
    return laid;
  };
  /** What the network makes of the canvas. */
  interface Made {
    network: Network;
    maps: number; // the layer of the class maps
    side: number; // of these
    logits: number[];
    shares: number[];
    here: number[][]; // position by position, the shares of the ten classes
    empty: boolean[]; // whether a position sees only black
    connected: number[]; // the other head's shares, where it takes the canvas
  }
  let made: Made | undefined;
  let madeFor = "";
  const run = (): Made => {
    const { size, items } = state();
    const key = JSON.stringify([size, items, stage.get<string>("own")]);
    if (made && key === madeFor) return made;
    madeFor = key;
    if (!networks.has(size)) networks.set(size, file.sized(FILES[0], size, size));
    const network = networks.get(size)!;
    const bytes = pixels();
    const [mean, std] = stage.get<number[]>("normal");
    const input = bytes.map((value) => (value / 255 - mean) / std);
    network.run(input);
    const maps = network.layers.length - 2;
    const side = network.layers[maps].width;
    const logits = names.map((_, c) => network.at(maps + 1, c, 0));
    const here = Array.from({ length: side * side }, (_, p) => softmax(names.map((_, c) => network.at(maps, c, p))));
    const other = file.networks()![1];
    if (size === SIDE) other.run(input);
    made = {
      network,
      maps,
      side,
      logits,
      shares: softmax(logits),
      here,
      empty: blind(network, maps, bytes, size),
      connected: size === SIDE ? softmax(names.map((_, c) => other.at(other.layers.length - 1, c, 0))) : [],
    };
    const grey = bytes.map((value) => value / 255);
    paintColour(canvas, [grey, grey, grey], size, size);
    return made;
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
  const paint = ({ network, maps, side, here, empty, shares }: Made) => {
    const { shown } = state();
    const key = `${madeFor} ${shown} ${root.dataset.theme}`;
    if (key === painted) return;
    painted = key;
    paintSigned(classMap.canvas, network.map(maps, shown < 0 ? best(shares) : shown), side, side);
    const cell = Math.floor(WIDE / side);
    Object.assign(winners.canvas, { width: cell * side, height: cell * side });
    const context = winners.canvas.getContext("2d")!;
    Object.assign(context, { font: `${Math.round(0.62 * cell)}px ui-monospace, monospace`, textAlign: "center", textBaseline: "middle" });
    const { neutral, ink, paper } = colours();
    const [low, high] = [neutral, ink].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
    here.forEach((ten, p) => {
      if (empty[p]) return; // the ground is neutral
      const [x, y, winner] = [(p % side) * cell, Math.floor(p / side) * cell, best(ten)];
      context.fillStyle = css(low.map((from, k) => from + (high[k] - from) * ten[winner]) as [number, number, number]);
      context.fillRect(x, y, cell - 1, cell - 1);
      context.fillStyle = ten[winner] > 0.5 ? paper : ink;
      context.fillText(String(winner), x + cell / 2, y + 0.53 * cell);
    });
  };
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
      if (!file.ready()) {
        const grey = pixels().map((value) => value / 255);
        return paintColour(canvas, [grey, grey, grey], state().size, state().size);
      }
      const now = run();
      const { size: side, items: laid, chosen, shown: which } = state();
      choose(size, side);
      choose(shown, which);
      const item = laid[chosen];
      box.hidden = !item;
      if (item) {
        const share = `${(100 * SIDE) / side}%`;
        if (box.style.width !== share) Object.assign(box.style, { width: share, height: share });
        box.style.transform = `translate(${(100 * item[2]) / SIDE}%,${(100 * item[1]) / SIDE}%)`;
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
      const there = laid.map(([picture]) => picture);
      bars.forEach(({ row, sides }, c) => {
        sides.forEach(({ bar, share }, i) => {
          const length = `scaleX(${both[i][c].toFixed(4)})`;
          if (bar.style.transform !== length) bar.style.transform = length;
          write(share, percent(both[i][c]));
        });
        mark(row, there.includes(c) ? "there" : "");
      });
    },
    sentence() {
      if (!file.networks()) return file.sentence();
      const now = run();
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
      if (now.connected.length) text += WORDS.connectedSays(names[best(now.connected)], percent(now.connected[best(now.connected)]));
      return text;
    },
    table() {
      if (!file.networks()) return { head: [], rows: [] };
      const now = run();
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

/** Position by position of a layer's map, whether all pixels are 0 that it sees. */
function blind(network: Network, index: number, bytes: number[], side: number): boolean[] {
  const wide = side + 1;
  const lit = new Uint32Array(wide * wide); // light pixels above and left of each corner
  for (let r = 0; r < side; r++)
    for (let c = 0, line = 0; c < side; c++) {
      line += Number(bytes[r * side + c] > 0);
      lit[(r + 1) * wide + c + 1] = lit[r * wide + c + 1] + line;
    }
  let [size, step, start] = [1, 1, 0];
  for (const layer of network.layers.slice(0, index + 1)) {
    size += (layer.kernel - 1) * step;
    start -= layer.padding * step;
    step *= layer.stride;
  }
  const edge = (at: number) => Math.max(0, Math.min(side, at));
  const { height, width } = network.layers[index];
  return Array.from({ length: height * width }, (_, p) => {
    const [top, left] = [start + Math.floor(p / width) * step, start + (p % width) * step];
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
