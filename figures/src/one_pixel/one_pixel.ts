/** One pixel, all channels: a 1×1 convolution at the cursor, with its numbers written out. */
import style from "./one_pixel.css";
import { apply, type Layer, permutation, type Planes, shuffled, toTorch } from "../net/pointwise";
import { boxed, freshId, h, setClass, setValue, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { decimals, fixed, rounded, signed } from "../shell/format";
import { grid } from "../shell/grid";
import { readImage } from "../shell/image_file";
import { mapCanvas, paintColor, paintSigned } from "../shell/maps";
import { preamble } from "../shell/python";
import { shareCursor } from "../shell/shared_cursor";
import { isDark } from "../shell/theme";

const WORDS = {
  title: "One pixel, all channels",
  how: "choose a pixel · the sliders change the weights · rows and columns count from 0",
  keys: "arrow keys move the cursor too",
  caption:
    "Each value is a weighted sum of the same pixel’s channels in the previous layer (for the first layer: in the image), plus a bias. Where a ReLU follows, negative sums become 0.",
  input: (h: number, w: number, c: number) => `input, ${h}×${w}×${c}`,
  map: (name: string, h: number, w: number) => `${name}, ${h}×${w}`,
  columns: ["channel", "value", "weight", "product"],
  weight: (channel: string) => `weight of ${channel}`,
  hidden: (n: number) => `hidden ${n}`,
  only: "output",
  unit: (n: number) => `output ${n}`,
  channel: (n: number) => `channel ${n}`,
  bias: "bias",
  sum: "sum",
  relu: "after the ReLU",
  shuffle: "shuffle the pixels",
  units: "which output to compute",
  at: (row: number, column: number) => `Row ${row}, column ${column}: `,
  cut: "; the ReLU sets it to 0",
  from: (row: number, column: number) => ` The pixels are shuffled: this one was at row ${row}, column ${column}.`,
};

interface Row {
  value: HTMLElement;
  bar: HTMLElement;
  slider: HTMLInputElement;
  weight: HTMLElement;
  product: HTMLElement;
}

function mount(stage: Stage): View {
  const move = (row: number, column: number) => {
    stage.set({ row, column });
    shareMove({ row, column, height: size()[0], width: size()[1] });
  };
  const shareMove = shareCursor(({ row, column, height, width }) => {
    if (height === size()[0] && width === size()[1]) stage.set({ row, column });
  }, stage.signal);
  const image = () => stage.get<Planes>("picture");
  const layers = () => stage.get<Layer[]>("layers");
  const size = () => [image()[0].length, image()[0][0].length];

  const input = grid({ label: WORDS.title, move });
  const output = grid({ label: WORDS.title, move });
  const inputLabel = h("span", { class: "nin-label" });
  const outputLabel = h("span", { class: "nin-label" });
  const sums = h("div", { class: "sums" });
  const group = freshId("unit");
  const units = h("div", { class: "units", role: "radiogroup", "aria-label": WORDS.units });
  const shuffle = h("input", { type: "checkbox", change: () => toggleShuffle() });
  stage.body.append(
    h("div", { class: "in" }, inputLabel, input.element),
    sums,
    h("div", { class: "out" }, outputLabel, output.element),
    units,
    h("div", { class: "nin-controls" }, h("label", {}, shuffle, ` ${WORDS.shuffle}`)),
  );

  /** Everything computed from image, layers and shuffle; computed again when one of them changes. */
  let result: { image: Planes; layers: Layer[]; shuffled: boolean; maps: Planes[]; digits: number[]; range: number } | undefined;
  const computed = () => {
    const now = { image: image(), layers: layers(), shuffled: stage.get<boolean>("shuffled") };
    if (result && result.image === now.image && result.layers === now.layers && result.shuffled === now.shuffled) return result;
    const maps = [now.shuffled ? shuffled(now.image) : now.image];
    const digits = [decimals(now.image.flat(2))];
    for (const layer of now.layers) {
      digits.push(Math.max(digits.at(-1)! + decimals(layer.weight.flat()), decimals(layer.bias)));
      maps.push(apply(layer, maps.at(-1)!, digits.at(-1)!));
    }
    const weights = now.layers.flatMap((layer) => [...layer.weight.flat(), ...layer.bias].map(Math.abs));
    return (result = { ...now, maps, digits, range: Math.max(2, Math.ceil(Math.max(...weights))) }); // of the sliders, ±
  };

  let painted: { maps?: Planes[]; result?: number[][]; dark?: boolean } = {};

  /** The cursor and unit, clamped to their ranges. */
  const where = () => {
    const [height, width] = size();
    const inside = (value: number, count: number) => Math.max(0, Math.min(count - 1, Math.round(value) || 0));
    const layer = inside(stage.get("layer"), layers().length);
    return {
      height,
      width,
      row: inside(stage.get("row"), height),
      column: inside(stage.get("column"), width),
      layer,
      unit: inside(stage.get("unit"), layers()[layer].weight.length),
    };
  };

  const toggleShuffle = () => {
    const { row, column, height, width } = where();
    const order = permutation(height * width);
    const at = row * width + column;
    const to = shuffle.checked ? order.indexOf(at) : order[at];
    stage.set({ shuffled: shuffle.checked, row: Math.floor(to / width), column: to % width });
  };

  const nameOfInput = (layer: number, channel: number) =>
    layer > 0 ? WORDS.hidden(channel + 1) : (stage.get<string[]>("names")[channel] ?? WORDS.channel(channel + 1));
  const nameOfUnit = (layer: number, unit: number) =>
    layer < layers().length - 1 ? WORDS.hidden(unit + 1) : layers()[layer].weight.length > 1 ? WORDS.unit(unit + 1) : WORDS.only;

  const setWeight = (channel: number | "bias", value: number) => {
    const { layer, unit } = where();
    const copy = structuredClone(layers());
    if (channel === "bias") copy[layer].bias[unit] = value;
    else copy[layer].weight[unit][channel] = value;
    stage.set({ layers: copy });
  };

  /** The rows of the sum, rebuilt when another layer is chosen. */
  let rows: Row[] = [];
  let total!: HTMLElement, rectified!: HTMLElement, rectifiedRow!: HTMLElement;
  let builtFor = "";
  const build = (layer: number) => {
    const count = layers()[layer].weight[0].length;
    const key = `${layer} ${count}`;
    if (key === builtFor) return;
    builtFor = key;
    const line = (name: string, channel: number | "bias") => {
      const made: Row = {
        value: h("span", { class: "nin-number" }),
        bar: h("i", {}),
        slider: h("input", {
          type: "range",
          "aria-label": channel === "bias" ? WORDS.bias : WORDS.weight(name),
          input: (event: Event) => setWeight(channel, Number((event.target as HTMLInputElement).value)),
        }),
        weight: h("span", { class: "nin-number weight" }),
        product: h("span", { class: "nin-number product" }),
      };
      const element = h(
        "div",
        { class: "line" },
        h("span", { class: "name" }, name),
        h("span", { class: "nin-bar", "aria-hidden": "true" }, channel === "bias" ? null : made.bar),
        boxed(made.value),
        h("span", { class: "sign" }, channel === "bias" ? "" : "×"),
        made.slider,
        boxed(made.weight),
        h("span", { class: "sign" }, "="),
        boxed(made.product),
      );
      return [made, element] as const;
    };
    const lines = Array.from({ length: count }, (_, c) => line(nameOfInput(layer, c), c));
    const bias = line(WORDS.bias, "bias");
    sums.classList.toggle("many", count > 4);
    rows = [...lines, bias].map(([row]) => row);
    total = h("span", { class: "nin-number product" });
    rectified = h("span", { class: "nin-number product" });
    rectifiedRow = h("div", { class: "line end" }, h("span", { class: "name" }, WORDS.relu), boxed(rectified));
    sums.replaceChildren(
      ...[...lines, bias].map(([, element]) => element),
      h("div", { class: "line end total" }, h("span", { class: "name" }, WORDS.sum), boxed(total)),
      rectifiedRow,
    );
  };

  /** Small maps of all units, each a radio button; none if there is only one unit. */
  let small: { canvas: HTMLCanvasElement; radio: HTMLInputElement; layer: number; unit: number }[] = [];
  let smallFor = "";
  const buildUnits = () => {
    const key = layers().map((layer) => layer.weight.length).join();
    if (key === smallFor) return;
    smallFor = key;
    small = layers().flatMap((layer, l) =>
      layer.weight.map((_, u) => ({
        canvas: mapCanvas(),
        radio: h("input", { type: "radio", name: group, "aria-label": nameOfUnit(l, u), change: () => stage.set({ layer: l, unit: u }) }),
        layer: l,
        unit: u,
      })),
    );
    units.hidden = small.length === 1;
    units.replaceChildren(
      ...small.map(({ canvas, radio, layer, unit }) =>
        h("label", { class: unit === 0 && layer > 0 ? "next" : "" }, radio, canvas, h("span", { "aria-hidden": "true" }, nameOfUnit(layer, unit)))),
    );
  };

  /** The sum at the cursor and its parts, exact at the printed digits. */
  const sumAt = () => {
    const spot = where();
    const { maps, digits } = computed();
    const layer = layers()[spot.layer];
    const values = maps[spot.layer].map((plane) => plane[spot.row][spot.column]);
    const weights = layer.weight[spot.unit];
    const decimalsOf = { value: digits[spot.layer], weight: decimals([...layer.weight.flat(), ...layer.bias]), sum: digits[spot.layer + 1] };
    const products = values.map((value, c) => rounded(value * weights[c], decimalsOf.sum));
    const bias = layer.bias[spot.unit];
    const sum = rounded(products.reduce((a, b) => a + b, bias), decimalsOf.sum);
    return { ...spot, values, weights, products, bias, sum, decimalsOf, relu: layer.relu };
  };

  return {
    draw() {
      const found = sumAt();
      const { maps } = computed();
      const { height, width, row, column, layer, unit, values, weights, products, decimalsOf } = found;
      build(layer);
      buildUnits();
      const [shown] = maps;
      const color = shown.length === 3;
      const result = maps[layer + 1][unit];
      const dark = isDark();
      if (painted.maps !== maps || painted.result !== result || painted.dark !== dark) {
        if (color) paintColor(input.canvas, shown.map((plane) => plane.flat()), height, width);
        else paintSigned(input.canvas, shown[0].flat(), height, width);
        paintSigned(output.canvas, result.flat(), height, width);
        for (const one of small) paintSigned(one.canvas, maps[one.layer + 1][one.unit].flat(), height, width);
        painted = { maps, result, dark };
      }
      for (const spot of [input, output]) spot.showCursor(row, column, height, width);
      write(inputLabel, WORDS.input(height, width, shown.length));
      write(outputLabel, WORDS.map(nameOfUnit(layer, unit), height, width));
      shuffle.checked = stage.get("shuffled");

      const largest = Math.max(...values.map(Math.abs), 1e-9);
      const { range } = computed();
      rows.forEach((line, c) => {
        const weight = c < weights.length ? weights[c] : found.bias;
        if (c < weights.length) {
          write(line.value, fixed(values[c], decimalsOf.value));
          const share = values[c] / largest;
          line.bar.style.transform = `scaleX(${share})`;
          setClass(line.bar, share < 0 ? "neg" : color && layer === 0 ? "" : "pos");
        }
        const step = String(decimalsOf.weight > 1 ? 0.05 : 0.1);
        if (line.slider.max !== String(range) || line.slider.step !== step) Object.assign(line.slider, { min: -range, max: range, step });
        setValue(line.slider, weight);
        if (write(line.weight, signed(weight, decimalsOf.weight))) line.slider.setAttribute("aria-valuetext", fixed(weight, decimalsOf.weight));
        const product = c < weights.length ? products[c] : weight;
        write(line.product, signed(product, decimalsOf.sum));
        setClass(line.product, product > 0 ? "nin-number product nin-pos" : product < 0 ? "nin-number product nin-neg" : "nin-number product");
      });
      write(total, signed(found.sum, decimalsOf.sum));
      rectifiedRow.hidden = !found.relu;
      write(rectified, fixed(Math.max(0, found.sum), decimalsOf.sum));
      for (const one of small) one.radio.checked = one.layer === layer && one.unit === unit;
    },
    sentence() {
      const { row, column, height, width, values, weights, bias, sum, decimalsOf, relu } = sumAt();
      const terms = values.map((v, c) => `${fixed(v, decimalsOf.value)} × ${fixed(weights[c], decimalsOf.weight)}`);
      const result = `${terms.join(" + ")} + ${fixed(bias, decimalsOf.weight)} = ${fixed(sum, decimalsOf.sum)}`;
      let text = `${WORDS.at(row, column)}${result}${relu && sum < 0 ? WORDS.cut : ""}.`;
      if (stage.get("shuffled")) {
        const from = permutation(height * width)[row * width + column];
        text += WORDS.from(Math.floor(from / width), from % width);
      }
      return text;
    },
    table() {
      const { layer, values, weights, products, bias, sum, decimalsOf, relu } = sumAt();
      const rows: (string | number)[][] = values.map((value, c) => [
        nameOfInput(layer, c),
        fixed(value, decimalsOf.value),
        fixed(weights[c], decimalsOf.weight),
        fixed(products[c], decimalsOf.sum),
      ]);
      rows.push([WORDS.bias, "", "", fixed(bias, decimalsOf.sum)], [WORDS.sum, "", "", fixed(sum, decimalsOf.sum)]);
      if (relu) rows.push([WORDS.relu, "", "", fixed(Math.max(0, sum), decimalsOf.sum)]);
      return { head: WORDS.columns, rows };
    },
    code() {
      const { row, column, layer, unit, decimalsOf } = sumAt();
      const pixel = computed().maps[0].map((plane) => plane[row][column]);
      return preamble(this.sentence()) + toTorch(pixel, layers().slice(0, layer + 1), unit, decimalsOf.sum);
    },
    async loadImage(file) {
      const [height, width] = size();
      const planes = await readImage(file, height, width);
      const count = image().length;
      const used = count === 3 ? planes : [planes[0].map((_, i) => (planes[0][i] + planes[1][i] + planes[2][i]) / 3)];
      stage.set({
        picture: used.map((plane) => Array.from({ length: height }, (_, r) =>
          Array.from(plane.slice(r * width, (r + 1) * width), (v) => rounded(v, 2)))),
      });
    },
  };
}

export default figure({
  name: "one-pixel",
  words: WORDS,
  state: ["picture", "layers", "row", "column", "layer", "unit", "shuffled"],
  style,
  mount,
});
