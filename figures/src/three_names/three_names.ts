/** Same numbers, three names: a 1×1 convolution, a matrix product, a fully connected layer per pixel. */
import style from "./three_names.css";
import type { Planes } from "../net/pointwise";
import { h, svg, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { decimals, fixed, rounded, tiny } from "../shell/format";
import { onKeys } from "../shell/keys";
import { onDrag } from "../shell/pointer";
import { preamble } from "../shell/python";
import { segments, segmentsStyle } from "../shell/segments";
import { shareCursor } from "../shell/shared_cursor";
import { colors } from "../shell/theme";
import { type Appearance, appearancesOf, type Kind } from "./appearance";
import { type Box, departures, type Form, FORMS, hit, type Layout, layoutOf, sizeOf, threeForms, toTorch } from "./three_forms";

const WORDS = {
  title: "Same numbers, three names",
  how: "choose a number · rows and columns count from 0",
  caption:
    "The same weights are applied to the same inputs in three forms. Only the arrangement differs: maps, columns or rows. The marked cells are one output number and all the numbers that it is computed from.",
  names: { convolution: "1×1 convolution", product: "matrix product", linear: "fully connected layer per pixel" },
  shape: {
    convolution: (c: number, o: number, h: number, w: number) => `${c}×${h}×${w} → ${o}×${h}×${w}`,
    product: (c: number, o: number, h: number, w: number) => `(${o}×${c})·(${c}×${h * w}) = ${o}×${h * w}`,
    linear: (c: number, o: number, h: number, w: number) => `${h * w}×${c} → ${h * w}×${o}`,
  },
  labels: {
    convolution: ["image x", "filters w, biases b", "output"],
    product: ["x, pixels as columns", "w and b", "output"],
    linear: ["x, pixels as rows", "wᵀ and b", "output"],
  },
  keys: "arrow keys move the pixel, Page Up and Page Down change the filter",
  kind: "drawing with a cursor",
  press: ["reshape: convolution → matrix", "transpose: matrix → fully connected", "back: fully connected → convolution"],
  stepped: [
    ["A 1×1 convolution keeps height and width, and each filter computes one feature map: ", "F.conv2d(x, w, b)", "."],
    ["Each channel becomes one row, so that each pixel is a column: ", "x.flatten(2)[0]", "."],
    ["Columns become rows: each pixel is an example, its channels are the features: ", "columns.T", ", or ", "x.movedim(1, -1)", "."],
  ],
  filter: "filter",
  forms: "form",
  tabs: { convolution: "convolution", product: "matrix", linear: "nn.Linear" },
  at: (unit: number, row: number, column: number) => `Filter ${unit} at row ${row}, column ${column}: `,
  all: " in all three",
  apart: (most: string) => `; they differ by at most ${most}.`,
  same: "; they do not differ at all.",
  difference: (most: string, count: number) => `largest difference of ${count} outputs: ${most}`,
  rounding: ", from rounding",
  columns: ["filter", "1×1 convolution", "matrix product", "fully connected", "difference"],
};

const CHARACTER = 6.1; // width of a character of the drawings' 10-pixel monospace
const MOVE = 200; // ms that one cell moves
const EASE = "cubic-bezier(.4, 0, .2, 1)";

interface Panel {
  form: Form;
  element: HTMLElement;
  shape: HTMLElement;
  /** The cells, which stay, and over them the marks: a move of the cursor paints only these. */
  drawing: HTMLElement;
  still: SVGSVGElement;
  over: HTMLCanvasElement;
}

/** The cells of a panel; rebuilt when the numbers change. */
interface Cells {
  layout: Layout;
  cells: { rect: SVGRectElement; text?: SVGTextElement; kind: Kind; index: number }[];
  /** The width of a written number. */
  textWidth: Record<Kind, number>;
}

function mount(stage: Stage): View {
  const image = () => stage.get<Planes>("picture");
  const weight = () => stage.get<number[][]>("weight");
  const bias = () => stage.get<number[]>("bias");

  const shareMove = shareCursor(({ row, column, height, width }) => {
    const { size } = computed();
    if (height === size.height && width === size.width) stage.set({ row, column });
  }, stage.signal);

  /** Everything computed from image, weight and bias; computed again when one of them changes. */
  const compute = () => {
    const now = { image: image(), weight: weight(), bias: bias() };
    const size = sizeOf(now.image, now.weight);
    const decimalsOf = { input: decimals(now.image.flat(2)), weight: decimals([...now.weight.flat(), ...now.bias]), output: 0 };
    decimalsOf.output = decimalsOf.input + decimalsOf.weight;
    return { ...now, size, decimalsOf, inputs: now.image.map((plane) => plane.flat()), ...threeForms(now.image, now.weight, now.bias) };
  };
  let result: ReturnType<typeof compute> | undefined;
  const computed = () => {
    if (!result || result.image !== image() || result.weight !== weight() || result.bias !== bias()) result = compute();
    return result;
  };

  /** The cursor, clamped to its ranges. */
  const inside = (value: number, count: number) => Math.max(0, Math.min(count - 1, Math.round(value) || 0));
  const where = () => {
    const { size } = computed();
    const [row, column] = [inside(stage.get("row"), size.height), inside(stage.get("column"), size.width)];
    return { row, column, pixel: row * size.width + column, unit: inside(stage.get("unit"), size.units), step: inside(stage.get("step"), 3) };
  };
  const go = (row: number, column: number, unit: number) => {
    const { size } = computed();
    const now = where();
    const next = { row: inside(row, size.height), column: inside(column, size.width), unit: inside(unit, size.units) };
    if (next.row === now.row && next.column === now.column && next.unit === now.unit) return;
    stage.set(next);
    shareMove({ row: next.row, column: next.column, height: size.height, width: size.width });
  };

  const drawn = {} as Record<Form, Cells>;
  const panels = FORMS.map((form): Panel => {
    const name = h("span", { class: "name" }, WORDS.names[form]);
    const shape = h("span", { class: "shape nin-number" });
    const still = svg("svg", { focusable: "false" });
    const over = h("canvas", { class: "over" });
    const drawing = h("div", { class: "drawing", "aria-hidden": "true" }, still, over);
    const element = h("div", { class: `form ${form}`, role: "application", tabindex: 0, "aria-roledescription": WORDS.kind }, name, shape, drawing);
    onKeys(element, (step) => {
      const { row, column, unit } = where();
      return {
        ArrowUp: () => go(row - step, column, unit),
        ArrowDown: () => go(row + step, column, unit),
        ArrowLeft: () => go(row, column - step, unit),
        ArrowRight: () => go(row, column + step, unit),
        Home: () => go(row, 0, unit),
        End: () => go(row, Infinity, unit),
        PageUp: () => go(row, column, unit - 1),
        PageDown: () => go(row, column, unit + 1),
      };
    });
    const follow = (event: PointerEvent) => {
      const { size } = computed();
      const box = drawing.getBoundingClientRect();
      const { layout } = drawn[form];
      const zoom = layout.width / box.width;
      const found = hit(layout, size, (event.clientX - box.left) * zoom, (event.clientY - box.top) * zoom);
      if (!found) return;
      const now = where();
      const { pixel = now.pixel, unit = now.unit } = found;
      go(Math.floor(pixel / size.width), pixel % size.width, unit);
    };
    onDrag(drawing, { press: follow, hover: follow }, element);
    return { form, element, shape, drawing, still, over };
  });

  const choose = h("select", { change: () => go(where().row, where().column, choose.selectedIndex) });
  const press = h("button", { type: "button", class: "nin-button", click: () => stage.set({ step: (where().step + 1) % 3 }) });
  const stepped = h("p", { "aria-live": "polite" });
  const difference = h("p", { class: "difference" });
  const steps = h("div", { class: "steps" }, press, stepped, h("label", {}, `${WORDS.filter} `, choose), difference);
  // Where one form is seen at a time, tabs choose it.
  const tabs = segments(WORDS.forms, WORDS.tabs, (form) => stage.set({ step: FORMS.indexOf(form) }));
  stage.body.append(
    tabs.element,
    steps,
    ...panels.map(({ element }) => element),
  );

  let mono = "monospace";
  const resized = new ResizeObserver((entries) => {
    mono = getComputedStyle(stage.body).getPropertyValue("--mono") || mono;
    for (const { target, contentRect } of entries) {
      const over = target as HTMLCanvasElement;
      over.width = Math.round(contentRect.width * devicePixelRatio);
      over.height = Math.round(contentRect.height * devicePixelRatio);
    }
    stage.invalidate();
  });
  for (const { over } of panels) resized.observe(over);
  stage.signal.addEventListener("abort", () => resized.disconnect());

  let appearances: Record<Kind, Appearance[]>;
  const paint = ({ cells }: Cells) => {
    for (const { rect, text, kind, index } of cells) {
      rect.setAttribute("fill", appearances[kind][index].fill);
      text?.setAttribute("fill", appearances[kind][index].ink);
    }
  };

  /** Build the cells of one panel. */
  const build = ({ form, element, shape, still }: Panel) => {
    const { size } = computed();
    const { channels, units, height, width } = size;
    const widest = (...kinds: Kind[]) => Math.max(...kinds.flatMap((kind) => appearances[kind].map(({ text }) => text.length))) * CHARACTER + 3;
    const textWidth = { input: widest("input"), weight: widest("weight", "bias"), bias: widest("weight", "bias"), output: widest("output") };
    const layout = layoutOf(form, size, Math.max(textWidth.input, textWidth.weight));
    const cells: Cells["cells"] = [];
    const cell = (kind: Kind, index: number, box: Box) => {
      const rect = svg("rect", { x: box.x, y: box.y, width: box.w, height: box.h });
      const middle = { x: box.x + box.w / 2, y: box.y + box.h / 2 };
      const text = box.w >= textWidth[kind] ? svg("text", middle, appearances[kind][index].text) : undefined;
      cells.push({ rect, text, kind, index });
      return text ? [rect, text] : [rect];
    };
    const each = <T>(count: number, make: (i: number) => T[]) => Array.from({ length: count }, (_, i) => make(i)).flat();
    const pixels = height * width;
    const moving = svg(
      "g",
      { class: "moving" },
      ...each(channels, (c) => each(pixels, (p) => cell("input", c * pixels + p, layout.input(c, p)))),
      ...each(units, (o) => each(pixels, (p) => cell("output", o * pixels + p, layout.output(o, p)))),
    );
    const staying = each(units, (o) => [
      ...each(channels, (c) => cell("weight", o * channels + c, layout.weight(o, c))),
      ...cell("bias", o, layout.bias(o)),
    ]);
    drawn[form] = { layout, cells, textWidth };
    still.setAttribute("viewBox", `0 0 ${layout.width} ${layout.height}`);
    still.replaceChildren(
      ...layout.labels.map(([x, y], i) => svg("text", { class: "label", x, y }, WORDS.labels[form][i])),
      moving,
      ...staying,
    );
    element.style.setProperty("--natural", `${layout.width}`);
    write(shape, WORDS.shape[form](channels, units, height, width));
    element.setAttribute("aria-label", `${WORDS.names[form]}, ${shape.textContent}; ${WORDS.keys}`);
  };

  /** Mark the numbers of the sum: over each cell a box wide enough for its text. */
  const mark = ({ form, over }: Panel, pixel: number, unit: number) => {
    const { size } = computed();
    const { layout, textWidth } = drawn[form];
    const zoom = over.width / layout.width;
    const context = over.getContext("2d")!;
    context.setTransform(zoom, 0, 0, zoom, 0, 0);
    context.clearRect(0, 0, layout.width, layout.height);
    Object.assign(context, { font: `10px ${mono}`, textAlign: "center", textBaseline: "middle", lineWidth: 1.5, strokeStyle: colors().ink });
    const put = (kind: Kind, index: number, at: Box) => {
      const { text, fill, ink } = appearances[kind][index];
      const w = Math.max(at.w, textWidth[kind]);
      const x = Math.max(1, Math.min(layout.width - w - 1, at.x + (at.w - w) / 2));
      context.fillStyle = fill;
      context.fillRect(x, at.y, w, at.h);
      context.strokeRect(x, at.y, w, at.h);
      context.fillStyle = ink;
      context.fillText(text, x + w / 2, at.y + at.h / 2 + 0.5);
    };
    for (let c = 0; c < size.channels; c++) {
      put("input", c * size.height * size.width + pixel, layout.input(c, pixel));
      put("weight", unit * size.channels + c, layout.weight(unit, c));
    }
    put("bias", unit, layout.bias(unit));
    put("output", unit * size.height * size.width + pixel, layout.output(unit, pixel));
  };

  /** Animate cells from one panel's positions to another's, one row of the image after another. */
  let finish = () => {};
  const animate = (from: Panel, to: Panel) => {
    finish();
    if (!stage.awake() || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const { height, width } = computed().size;
    const delays = departures(height, MOVE);
    const corner = to.drawing.getBoundingClientRect();
    /** A box of a panel in pixels, from the corner of the target's drawing; if hidden, as if in its place. */
    const onPage = ({ form, drawing }: Panel) => {
      const seen = drawing.getBoundingClientRect();
      const box = seen.width ? seen : corner;
      const zoom = box.width / drawn[form].layout.width;
      return ({ x, y, w, h }: Box): Box => ({ x: box.left - corner.left + x * zoom, y: box.top - corner.top + y * zoom, w: w * zoom, h: h * zoom });
    };
    const [start, end] = [onPage(from), onPage(to)];
    const layer = h("div", { class: "flight" });
    const flights = (["input", "output"] as const).flatMap((kind) =>
      appearances[kind].map(({ fill }, i) => {
        const [map, pixel] = [Math.floor(i / (height * width)), i % (height * width)];
        const [a, b] = [start(drawn[from.form].layout[kind](map, pixel)), end(drawn[to.form].layout[kind](map, pixel))];
        const cell = h("i", { style: `left:${b.x}px;top:${b.y}px;width:${b.w}px;height:${b.h}px;background:${fill}` });
        layer.append(cell);
        const away = `translate(${a.x - b.x}px, ${a.y - b.y}px) scale(${a.w / b.w}, ${a.h / b.h})`;
        return { cell, away, delay: delays[Math.floor(pixel / width)] };
      }));
    to.over.before(layer);
    to.element.classList.add("arriving");
    const finishThis = (finish = () => {
      layer.remove();
      to.element.classList.remove("arriving");
      finish = () => {};
    });
    const all = flights.map(({ cell, away, delay }) =>
      cell.animate(
        [{ transform: away, opacity: 0 }, { opacity: 1, offset: 0.01 }, { transform: "none", opacity: 1 }],
        { duration: MOVE, delay, fill: "both", easing: EASE },
      ).finished);
    const done = () => {
      if (finish === finishThis) finish();
    };
    void Promise.all(all).then(done, done);
  };

  /** The sum at the cursor and its parts, exact at the printed digits. */
  const sumAt = () => {
    const spot = where();
    const { inputs, weight, bias, decimalsOf } = computed();
    const values = inputs.map((plane) => plane[spot.pixel]);
    const weights = weight[spot.unit];
    const sum = rounded(values.reduce((total, v, c) => total + v * weights[c], bias[spot.unit]), decimalsOf.output);
    return { ...spot, values, weights, bias: bias[spot.unit], sum, decimalsOf };
  };

  let built: typeof result;
  let theme: unknown;
  let shown = -1;
  return {
    draw() {
      const now = computed();
      const { pixel, unit, step } = where();
      const repaint = built !== now || theme !== colors();
      if (repaint) {
        appearances = appearancesOf(computed());
        theme = colors();
      }
      if (built !== now) {
        built = now;
        finish();
        for (const panel of panels) build(panel);
        stage.body.style.setProperty("--columns", FORMS.map((form) => `minmax(0, ${drawn[form].layout.width}fr)`).join(" "));
        choose.replaceChildren(...now.weight.map((_, o) => h("option", {}, String(o + 1))));
        const { units, height, width } = now.size;
        write(difference, WORDS.difference(tiny(now.difference), units * height * width) + (now.difference ? WORDS.rounding : ""));
      }
      if (repaint) for (const form of FORMS) paint(drawn[form]);
      for (const panel of panels) mark(panel, pixel, unit);
      choose.selectedIndex = unit;
      if (shown !== step) {
        panels.forEach(({ element }, i) => element.classList.toggle("now", i === step));
        tabs.show(FORMS[step]);
        write(press, WORDS.press[step]);
        stepped.replaceChildren(...WORDS.stepped[step].map((part, i) => (i % 2 ? h("code", {}, part) : part)));
        if (shown >= 0) animate(panels[shown], panels[step]);
        shown = step;
      }
    },
    sentence() {
      const { row, column, unit, values, weights, bias, sum, decimalsOf } = sumAt();
      const { difference } = computed();
      const terms = values.map((v, c) => `${fixed(v, decimalsOf.input)} × ${fixed(weights[c], decimalsOf.weight)}`);
      const result = `${terms.join(" + ")} + ${fixed(bias, decimalsOf.weight)} = ${fixed(sum, decimalsOf.output)}`;
      return `${WORDS.at(unit + 1, row, column)}${result}${WORDS.all}${difference ? WORDS.apart(tiny(difference)) : WORDS.same}`;
    },
    table() {
      const { pixel } = where();
      const { outputs, size } = computed();
      const at = (form: Form, unit: number) => outputs[form][unit * size.height * size.width + pixel];
      const rows = Array.from({ length: size.units }, (_, unit) => {
        const values = FORMS.map((form) => at(form, unit));
        return [unit + 1, ...values.map((v) => fixed(v, 9)), tiny(Math.max(...values) - Math.min(...values))];
      });
      return { head: WORDS.columns, rows };
    },
    code() {
      const { row, column, unit, decimalsOf } = sumAt();
      return preamble(this.sentence()) + toTorch(image(), weight(), bias(), [unit, row, column].join(", "), decimalsOf.output);
    },
  };
}

export default figure({ name: "three-names", words: WORDS, state: ["row", "column", "unit", "step"], style: segmentsStyle + style, mount });
