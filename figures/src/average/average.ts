/** An average you can check: the reader draws, and each class's logit is the mean of its map. */
import style from "./average.css";
import type { Network } from "../net/network";
import { softmax } from "../net/softmax";
import { runningSum } from "./running";
import { boxed, freshId, h, setStyle, setValue, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed, signed } from "../shell/format";
import { SIDE } from "../shell/garment";
import { garmentEditor } from "../shell/garment_editor";
import { grid } from "../shell/grid";
import { colorTable, mapCanvas, type Painter, painter } from "../shell/maps";
import { preamble } from "../shell/python";
import { WORDS } from "./words";

const FILE = "pocket_nin.f16";

const DECIMALS = 3;
const text = (value: number) => fixed(value, DECIMALS);
const textSigned = (value: number) => signed(value, DECIMALS);

/** The network's result for an image. */
interface Result {
  image: string;
  maps: Float32Array[];
  sums: number[];
  logits: number[];
  shares: number[];
  /** The largest absolute value of all maps. */
  largest: number;
}

function mount(stage: Stage): View {
  const root = stage.body.closest<HTMLElement>(".nin-figure")!;
  let network: Network | undefined;
  const names = stage.get<string[]>("names");
  const inside = (key: string, count: number) => Math.max(0, Math.min(count - 1, Math.round(stage.get(key)) || 0));

  const size = () => network!.layers.at(-2)!.height; // of the class maps, which the average follows
  const cell = () => SIDE / size();
  const garment = garmentEditor<Result>(stage, {
    file: FILE,
    words: WORDS,
    layers: (network) => [network.layers.length - 2],
    compute(image, [maps]) {
      const sums = maps.map((values) => values.reduce((a, b) => a + b));
      const logits = sums.map((sum, c) => sum / maps[c].length);
      const largest = maps.reduce((most, values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0);
      return { image, maps, sums, logits, shares: softmax(logits), largest };
    },
    move: (row, column) => network && stage.set({ row: Math.floor(row / cell()), column: Math.floor(column / cell()) }),
    resets: { chosen: -1, change: false },
  });
  const { bytes, latestResult, original, resultOf, shown } = garment;
  const best = ({ logits }: Result) => logits.indexOf(Math.max(...logits));
  /** The chosen class; −1 is the network's prediction for the original image. */
  const chosen = () => (stage.get<number>("chosen") < 0 ? best(resultOf(original())) : inside("chosen", names.length));
  const where = () => ({ row: inside("row", size()), column: inside("column", size()) });

  // ---- elements
  const choice = h("select", { "aria-label": WORDS.images, change: () => garment.choose(Number(choice.value)) });
  stage.get<string[]>("pictures").forEach((_, i) => choice.append(h("option", { value: i }, names[i] ?? String(i))));
  const ownChoice = h("option", { value: -1 }, WORDS.own);
  choice.append(ownChoice);
  const outline = h("div", { class: "under" });
  garment.pad.element.append(outline);
  const underLabel = h("span", { class: "nin-label caption" });
  const eraseCell = h("button", { type: "button", class: "nin-button", click: () => {
    if (!network) return;
    const { row, column } = where();
    const under = (pixel: number, index: number) => Math.floor(pixel / cell()) === index;
    garment.repaint(bytes().map((value, i) => (under(Math.floor(i / SIDE), row) && under(i % SIDE, column) ? 0 : value)));
  } }, WORDS.eraseCell);

  const radios = freshId("class");
  const tiles = names.map((name, c) => {
    const parts = {
      input: h("input", { type: "radio", name: radios, value: c, change: () => stage.set({ chosen: c }) }),
      canvas: mapCanvas(),
      logit: h("span", { class: "nin-number" }),
      share: h("span", { class: "nin-number" }),
      bar: h("i", {}),
      before: h("b", {}),
    };
    const element = h("label", {},
      parts.canvas,
      h("span", { class: "name" }, parts.input, h("span", {}, name)),
      h("span", { class: "numbers" }, parts.logit, parts.share),
      h("span", { class: "nin-bar" }, parts.bar, parts.before));
    return { ...parts, element };
  });
  let chosenTile: (typeof tiles)[number] | undefined;
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
      h("div", {}, underLabel, garment.pad.hint),
      h("div", { class: "nin-controls" }, garment.pad.tools, garment.clear, garment.undo, eraseCell)),
    h("div", { class: "middle" },
      h("div", { class: "classes", role: "radiogroup", "aria-label": WORDS.classes }, ...tiles.map(({ element }) => element)),
      h("div", { class: "nin-controls" },
        h("span", { class: "scale", "aria-hidden": "true" }, boxed(ends[0]), h("i", {}), boxed(ends[1])),
        h("label", {}, change, ` ${WORDS.change}`))),
    h("div", { class: "right" },
      h("div", {}, largeLabel),
      large.element,
      h("div", {}, h("span", { class: "nin-label" }, WORDS.running), h("div", { class: "plot" }, sum.canvas, upTo))),
  );

  // ---- painting, each thing only when it changed
  let painters: { small: Painter[]; large: Painter } | undefined;
  const painted = { maps: "", large: "" };
  /** Whether something must be painted again: what it depends on has changed. */
  const stale = (what: keyof typeof painted, ...inputs: unknown[]) => {
    const key = [root.dataset.theme, ...inputs].join(" ");
    return key !== painted[what] && !!(painted[what] = key);
  };
  const differs = () => shown() !== original();
  const difference = (c: number) => latestResult().maps[c].map((value, i) => value - resultOf(original()).maps[c][i]);
  const values = (c: number) => (stage.get("change") ? difference(c) : latestResult().maps[c]);
  /** The value of full color, for all maps alike: kept while the reader draws, unless a value exceeds it. */
  const limit = () => Math.max(resultOf(original()).largest, latestResult().largest);

  const paintMaps = () => {
    if (!stale("maps", latestResult().image, original(), stage.get("change"))) return;
    const [full, colors] = [limit(), colorTable()];
    tiles.forEach((_, c) => painters!.small[c].signed(values(c), full, colors));
  };
  /** Write the numbers and their bars, once the reader pauses. */
  const writeNumbers = () => {
    const [now, then, full] = [latestResult(), resultOf(original()), limit()];
    tiles.forEach(({ logit, share, bar, before, element }, c) => {
      write(logit, text(now.logits[c]));
      write(share, `${(100 * now.shares[c]).toFixed(0)} %`);
      setStyle(bar, "transform", `scaleX(${now.shares[c].toFixed(2)})`);
      setStyle(before, "transform", differs() ? `translateX(${(100 * then.shares[c]).toFixed(1)}%)` : "");
      element.classList.toggle("best", c === best(now));
    });
    write(ends[0], text(-full));
    write(ends[1], textSigned(full));
  };
  const paintLarge = (c: number) => {
    if (!stale("large", latestResult().image, original(), stage.get("change"), c)) return;
    painters!.large.signed(values(c), limit(), colorTable());
    sum.draw(latestResult().maps[c]);
  };

  /** What the logit of a class is and, once the image is another one, by how much it has moved. */
  const moved = (name: string, then: number, now: number) => {
    if (text(then) === text(now)) return WORDS.is(name, text(now));
    const share = then > 0 ? ((100 * Math.abs(now - then)) / then).toFixed(0) : "0";
    return (now < then ? WORDS.fell : WORDS.rose)(name, share === "0" ? "" : share, text(then), text(now));
  };

  const view: View = {
    draw() {
      setValue(choice, garment.index());
      ownChoice.hidden = !garment.hasOwn();
      network = garment.draw();
      if (!network) return garment.pad.showCursor(garment.cursor[0], garment.cursor[1]);
      painters ??= { small: tiles.map(({ canvas }) => painter(canvas, size(), size())), large: painter(large.canvas, size(), size()) };
      const { row, column } = where();
      const c = chosen();
      if (Math.floor(garment.cursor[0] / cell()) !== row || Math.floor(garment.cursor[1] / cell()) !== column)
        garment.cursor = [row, column].map((index) => Math.floor((index + 0.5) * cell()));
      garment.pad.showCursor(garment.cursor[0], garment.cursor[1]);
      if (garment.computing()) return; // the rest when the worker has answered
      const width = `${100 / size()}%`;
      setStyle(outline, "width", width);
      setStyle(outline, "height", width);
      setStyle(outline, "transform", `translate(${100 * column}%,${100 * row}%)`);
      write(underLabel, WORDS.under(cell()));
      paintMaps();
      paintLarge(c);
      if (!garment.drawing()) writeNumbers();
      if (!tiles[c].input.checked || chosenTile !== tiles[c]) {
        tiles[c].input.checked = true;
        chosenTile?.element.classList.remove("now");
        (chosenTile = tiles[c]).element.classList.add("now");
      }
      change.checked = stage.get("change");
      large.showCursor(row, column, size(), size());
      write(largeLabel, (stage.get("change") ? WORDS.changeOf : WORDS.classMap)(names[c], `${size()}×${size()}`));
      setStyle(upTo, "transform", `translateX(${(100 * (row * size() + column + 1)) / size() ** 2}%)`);
    },
    sentence() {
      if (!network) return garment.weights.sentence();
      if (garment.drawing()) return null;
      const { row, column } = where();
      const [y, x] = garment.cursor;
      const [c, now, then] = [chosen(), resultOf(shown()), resultOf(original())];
      const position = row * size() + column;
      const count = now.maps[c].length;
      const part = (map: Float32Array) => map[position] / count;
      const soFar = now.maps[c].slice(0, position + 1).reduce((a, b) => a + b);
      return (
        moved(names[c], then.logits[c], now.logits[c]) +
        WORDS.predicts(names[best(now)], (100 * now.shares[best(now)]).toFixed(0)) +
        (garment.blank() ? WORDS.blank : "") +
        WORDS.adds(row, column, text(now.maps[c][position]), count, text(part(now.maps[c])), names[c]) +
        WORDS.sums(text(soFar), count, text(now.sums[c]), text(now.logits[c])) +
        (differs()
          ? WORDS.since(text(part(then.maps[c])), textSigned(part(now.maps[c]) - part(then.maps[c])))
          : "") +
        WORDS.pixel(y, x, bytes()[y * SIDE + x])
      );
    },
    table() {
      if (!network) return { head: [], rows: [] };
      const [c, now, then] = [chosen(), resultOf(shown()), resultOf(original())];
      const lines = Array.from({ length: size() }, (_, r) => now.maps[c].slice(r * size(), (r + 1) * size()));
      const rows: (string | number)[][] = lines.map((line, r) => [r, ...Array.from(line, text), text(line.reduce((a, b) => a + b))]);
      const last = (label: string, value: string) => rows.push([label, ...lines.map(() => ""), value]);
      last(WORDS.all, text(now.sums[c]));
      last(WORDS.logit(now.maps[c].length), text(now.logits[c]));
      if (differs()) {
        last(WORDS.originalLogit, text(then.logits[c]));
        last(WORDS.changed, textSigned(now.logits[c] - then.logits[c]));
      }
      return { head: [WORDS.row, ...lines.map((_, i) => WORDS.column(i)), WORDS.sum], rows };
    },
    code() {
      const { row, column } = network ? where() : { row: 0, column: 0 };
      const c = network ? chosen() : 0;
      return `${preamble(view.sentence(), true)}${garment.code()}    for name, layer in network.named_children():
        if name == "average":
            break
        x = layer(x)
class_map = x[0, ${c}]  # ${names[c]}

print(class_map[${row}, ${column}].item() / class_map.numel())  # the share of one cell
print(class_map.mean().item())
print(logits[${c}].item())
`;
    },
    loadImage: garment.load,
    restart: garment.restart,
  };
  return view;
}

export default figure({
  name: "average",
  words: WORDS,
  state: ["picture", "own", "before", "chosen", "row", "column", "tool", "change"],
  style,
  mount,
});
