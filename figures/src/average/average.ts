/** An average you can check: draw, and see each class's logit as the mean of its map. */
import style from "./average.css";
import type { Network } from "../net/network";
import { runningSum } from "./running";
import { boxed, choose, freshId, h, style as set, write } from "../shell/dom";
import { drawn } from "../shell/drawn";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed, signed } from "../shell/format";
import { SIDE } from "../shell/garment";
import { grid } from "../shell/grid";
import { map, type Sheet, sheet, shades } from "../shell/maps";
import { softmax } from "../shell/weights";

const FILE = "pocket_nin.f16";

const WORDS = {
  title: "An average you can check",
  how: "draw or erase; choose a class · arrow keys move a cursor, the space bar paints",
  caption:
    "Each of the ten maps is evidence for one class, and its mean is the logit of that class. All maps share one scale. The outlined pixels are where the chosen cell stands; the layers below let it see further than that.",
  pictures: "picture",
  own: "your own",
  pad: "picture, 28×28: arrow keys move the cursor, the space bar uses the tool",
  tools: { brush: "brush", eraser: "eraser" },
  clear: "clear",
  undo: "undo",
  eraseCell: "erase the outlined pixels",
  classes: "class maps",
  classMap: (name: string, size: string) => `class map of ${name}, ${size}`,
  change: "show the change since the picture was picked",
  changeOf: (name: string, size: string) => `change in ${name}, ${size}`,
  cells: "class map with a cursor",
  sees: (side: number, field: number) => `the cell stands over ${side}×${side} pixels and sees ${field}×${field}`,
  running: "running sum ÷ 49",
  pasted: "what was pasted",
  adds: (row: number, column: number, value: string, count: number, share: string, name: string) =>
    `Row ${row}, column ${column} adds ${value} ÷ ${count} = ${share} to the logit of ${name}. `,
  sums: (soFar: string, count: number, sum: string, logit: string) =>
    `The values up to here add up to ${soFar}, all ${count} to ${sum}, and ${sum} ÷ ${count} = ${logit}.`,
  since: (logit: string, share: string, change: string, shareChange: string) =>
    ` When the picture was picked, the logit was ${logit} and this cell’s share ${share}: changes of ${change} and ${shareChange}.`,
  says: (name: string, share: string) => ` The network says ${name}, ${share}\u00a0%.`,
  blank: " All pixels are the same, so there is no garment; softmax shares out its 100\u00a0% all the same.",
  pixel: (row: number, column: number, value: number) => ` The cursor is on pixel ${row}, ${column}, which holds ${value}.`,
  row: "row",
  column: (column: number) => `column ${column}`,
  sum: "sum",
  all: "sum of all",
  logit: (count: number) => `÷ ${count}, the logit`,
  picked: "logit when picked",
  changed: "change",
};

/** Printed decimals: whole thousandths are added, so that what is printed adds up. */
const DECIMALS = 3;
const UNIT = 10 ** DECIMALS;
const text = (units: number) => fixed(units / UNIT, DECIMALS);
const textSigned = (units: number) => signed(units / UNIT, DECIMALS);

/** What the network makes of a picture, in thousandths. */
interface Look {
  of: string;
  maps: number[][];
  sums: number[];
  logits: number[];
  shares: number[];
  /** The largest value of all maps, without its sign. */
  most: number;
}

function mount(stage: Stage): View {
  const root = stage.body.closest<HTMLElement>(".nin-figure")!;
  let network: Network | undefined;
  const names = stage.get<string[]>("names");
  const inside = (key: string, most: number) => Math.max(0, Math.min(most - 1, Math.round(stage.get(key)) || 0));

  const size = () => network!.layers.at(-2)!.height; // of the class maps, which the average follows
  const cell = () => SIDE / size();
  const garment = drawn<Look>(stage, {
    file: FILE,
    words: WORDS,
    layers: (network) => [network.layers.length - 2],
    make(of, [values]) {
      const maps = values.map((map) => Array.from(map, (value) => Math.round(UNIT * value)));
      const sums = maps.map((values) => values.reduce((a, b) => a + b));
      const logits = sums.map((sum, c) => Math.round(sum / maps[c].length));
      const most = maps.reduce((most, values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0);
      return { of, maps, sums, logits, shares: softmax(logits.map((logit) => logit / UNIT)), most };
    },
    move: (row, column) => network && stage.set({ row: Math.floor(row / cell()), column: Math.floor(column / cell()) }),
    anew: { chosen: -1 },
  });
  const { bytes, look, picked, seen, shown } = garment;
  const best = ({ logits }: Look) => logits.indexOf(Math.max(...logits));
  /** −1 stands for what the network said when the picture was picked. */
  const chosen = () => (stage.get<number>("chosen") < 0 ? best(look(picked())) : inside("chosen", names.length));
  const where = () => ({ row: inside("row", size()), column: inside("column", size()) });
  /** How far one cell of the class maps sees, in pixels. */
  const field = () => {
    let [sees, step] = [1, 1];
    for (const layer of network!.layers.slice(0, -1)) {
      sees += (layer.kernel - 1) * step;
      step *= layer.stride;
    }
    return sees;
  };

  // ---- what stands on the stage
  const choice = h("select", { "aria-label": WORDS.pictures, change: () => garment.pick(Number(choice.value)) });
  stage.get<string[]>("pictures").forEach((_, i) => choice.append(h("option", { value: i }, names[i] ?? String(i))));
  const ownChoice = h("option", { value: -1 }, WORDS.own);
  choice.append(ownChoice);
  const stands = h("div", { class: "stands" });
  garment.pad.element.append(stands);
  const sees = h("span", { class: "nin-label sees" });
  const eraseCell = h("button", { type: "button", class: "nin-button", click: () => {
    if (!network) return;
    const { row, column } = where();
    const under = (at: number, place: number) => Math.floor(at / cell()) === place;
    garment.repaint(bytes().map((value, i) => (under(Math.floor(i / SIDE), row) && under(i % SIDE, column) ? 0 : value)));
  } }, WORDS.eraseCell);

  const radios = freshId("class");
  const tiles = names.map((name, c) => {
    const parts = {
      input: h("input", { type: "radio", name: radios, value: c, change: () => stage.set({ chosen: c }) }),
      canvas: map(),
      logit: h("span", { class: "nin-number" }),
      share: h("span", { class: "nin-number" }),
      bar: h("i", {}),
      was: h("b", {}),
    };
    const element = h("label", {},
      parts.canvas,
      h("span", { class: "name" }, parts.input, h("span", {}, name)),
      h("span", { class: "numbers" }, parts.logit, parts.share),
      h("span", { class: "nin-bar" }, parts.bar, parts.was));
    return { ...parts, element };
  });
  let now: (typeof tiles)[number] | undefined; // the chosen one
  const change = h("input", { type: "checkbox", change: () => stage.set({ change: change.checked }) });
  const ends = [h("span", { class: "nin-number" }), h("span", { class: "nin-number" })];
  const large = grid({ label: WORDS.cells, hover: true, move: (row, column) => stage.set({ row, column }) });
  const largeLabel = h("span", { class: "nin-label" });
  const sum = runningSum();
  const upTo = h("div", { class: "upto" });
  stage.body.append(
    garment.weights.notice,
    h("div", { class: "left" },
      choice,
      garment.pad.element,
      h("div", {}, sees),
      h("div", { class: "nin-controls" }, garment.pad.tools, garment.clear, garment.undo, eraseCell)),
    h("div", { class: "middle" },
      h("div", { class: "classes", role: "radiogroup", "aria-label": WORDS.classes }, ...tiles.map(({ element }) => element)),
      h("div", { class: "nin-controls" },
        h("span", { class: "scale", "aria-hidden": "true" }, boxed(ends[0]), h("i", {}), boxed(ends[1])),
        h("label", {}, change, ` ${WORDS.change}`))),
    h("div", { class: "right" },
      h("div", {}, largeLabel),
      large.element,
      h("span", { class: "nin-label" }, WORDS.running),
      h("div", { class: "plot" }, sum.canvas, upTo)),
  );

  // ---- painting, each thing only when it changed
  let sheets: { small: Sheet[]; large: Sheet } | undefined;
  const painted = { maps: "", large: "" };
  const fresh = (what: keyof typeof painted, ...of: unknown[]) => {
    const key = [root.dataset.theme, ...of].join(" ");
    return key !== painted[what] && !!(painted[what] = key);
  };
  const differs = () => shown() !== picked();
  const difference = (c: number) => seen().maps[c].map((value, i) => value - look(picked()).maps[c][i]);
  const values = (c: number) => (stage.get("change") ? difference(c) : seen().maps[c]);
  /** Full colour, for all maps alike; it stays while the reader draws, unless the values outgrow it. */
  const limit = () => Math.max(look(picked()).most, seen().most);

  const paintMaps = () => {
    if (!fresh("maps", seen().of, picked(), stage.get("change"))) return;
    const [full, colours] = [limit(), shades()];
    tiles.forEach((_, c) => sheets!.small[c].signed(values(c), full, colours));
  };
  /** Numbers and their bars, once the hand rests. */
  const writeNumbers = () => {
    const [now, then, full] = [seen(), look(picked()), limit()];
    tiles.forEach(({ logit, share, bar, was, element }, c) => {
      write(logit, text(now.logits[c]));
      write(share, `${(100 * now.shares[c]).toFixed(0)} %`);
      set(bar, "transform", `scaleX(${now.shares[c].toFixed(2)})`);
      set(was, "transform", differs() ? `translateX(${(100 * then.shares[c]).toFixed(1)}%)` : "");
      element.classList.toggle("best", c === best(now));
    });
    write(ends[0], text(-full));
    write(ends[1], textSigned(full));
  };
  const paintLarge = (c: number) => {
    if (!fresh("large", seen().of, picked(), stage.get("change"), c)) return;
    sheets!.large.signed(values(c), limit(), shades());
    sum.draw(seen().maps[c]);
  };

  return {
    draw() {
      choose(choice, garment.index());
      ownChoice.hidden = !garment.hasOwn();
      network = garment.draw();
      if (!network) return garment.pad.place(garment.at[0], garment.at[1]);
      sheets ??= { small: tiles.map(({ canvas }) => sheet(canvas, size(), size())), large: sheet(large.canvas, size(), size()) };
      const { row, column } = where();
      const c = chosen();
      if (Math.floor(garment.at[0] / cell()) !== row || Math.floor(garment.at[1] / cell()) !== column)
        garment.at = [row, column].map((place) => Math.floor((place + 0.5) * cell()));
      garment.pad.place(garment.at[0], garment.at[1]);
      if (garment.looking()) return; // the rest when the answer is there
      const wide = `${100 / size()}%`;
      set(stands, "width", wide);
      set(stands, "height", wide);
      set(stands, "transform", `translate(${100 * column}%,${100 * row}%)`);
      write(sees, WORDS.sees(cell(), field()));
      paintMaps();
      paintLarge(c);
      if (!garment.drawing()) writeNumbers();
      if (!tiles[c].input.checked || now !== tiles[c]) {
        tiles[c].input.checked = true;
        now?.element.classList.remove("now");
        (now = tiles[c]).element.classList.add("now");
      }
      change.checked = stage.get("change");
      large.place(row, column, size(), size());
      write(largeLabel, (stage.get("change") ? WORDS.changeOf : WORDS.classMap)(names[c], `${size()}×${size()}`));
      set(upTo, "transform", `translateX(${(100 * (row * size() + column + 1)) / size() ** 2}%)`);
    },
    sentence() {
      if (!network) return garment.weights.sentence();
      if (garment.drawing()) return null;
      const { row, column } = where();
      const [y, x] = garment.at;
      const [c, now, then] = [chosen(), look(shown()), look(picked())];
      const place = row * size() + column;
      const count = now.maps[c].length;
      const part = (map: number[]) => Math.round(map[place] / count);
      const soFar = now.maps[c].slice(0, place + 1).reduce((a, b) => a + b);
      return (
        WORDS.adds(row, column, text(now.maps[c][place]), count, text(part(now.maps[c])), names[c]) +
        WORDS.sums(text(soFar), count, text(now.sums[c]), text(now.logits[c])) +
        (differs()
          ? WORDS.since(text(then.logits[c]), text(part(then.maps[c])), textSigned(now.logits[c] - then.logits[c]), textSigned(part(now.maps[c]) - part(then.maps[c])))
          : "") +
        WORDS.says(names[best(now)], (100 * now.shares[best(now)]).toFixed(0)) +
        (garment.blank() ? WORDS.blank : "") +
        WORDS.pixel(y, x, bytes()[y * SIDE + x])
      );
    },
    table() {
      if (!network) return { head: [], rows: [] };
      const [c, now, then] = [chosen(), look(shown()), look(picked())];
      const lines = Array.from({ length: size() }, (_, r) => now.maps[c].slice(r * size(), (r + 1) * size()));
      const rows: (string | number)[][] = lines.map((line, r) => [r, ...line.map(text), text(line.reduce((a, b) => a + b))]);
      const last = (label: string, value: string) => rows.push([label, ...lines.map(() => ""), value]);
      last(WORDS.all, text(now.sums[c]));
      last(WORDS.logit(now.maps[c].length), text(now.logits[c]));
      if (differs()) {
        last(WORDS.picked, text(then.logits[c]));
        last(WORDS.changed, textSigned(now.logits[c] - then.logits[c]));
      }
      return { head: [WORDS.row, ...lines.map((_, i) => WORDS.column(i)), WORDS.sum], rows };
    },
    code() {
      const { row, column } = network ? where() : { row: 0, column: 0 };
      const c = network ? chosen() : 0;
      return `${garment.code()}    for name, layer in network.named_children():
        if name == "average":
            break
        x = layer(x)
class_map = x[0, ${c}]  # ${names[c]}

print(class_map[${row}, ${column}].item() / class_map.numel())  # the share of one cell
print(class_map.mean().item())
print(logits[${c}].item())
`;
    },
    picture: garment.take,
  };
}

export default figure({
  name: "average",
  words: WORDS,
  state: ["picture", "own", "before", "chosen", "row", "column", "tool", "change"],
  style,
  mount,
});
