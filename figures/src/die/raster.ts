/** The units of a network over time: a row for each unit, a column for each measurement; dead units are dark. */
import { h, setClass, write } from "../shell/dom";
import { onKeys } from "../shell/keys";
import { mapCanvas } from "../shell/maps";
import { onDrag } from "../shell/pointer";
import { isDark } from "../shell/theme";

export interface Rows {
  /** Each layer's name and number of units, and whether it is the first of a block. The last layer's units are the classes. */
  layers: { name: string; units: number; first: boolean }[];
  classes: string[];
  /** An image of each class, side·side values in 0…1. */
  images: number[][];
}

interface Options extends Rows {
  columns: number;
  label: string;
  kind: string;
  dead: string;
  /** Shown while nothing is measured. */
  empty: string;
  move(unit: number, column: number): void;
  /** Called at the space bar. */
  press(): void;
}

const [UNIT_ROW, CLASS_ROW] = [2, 14]; // pixels of the drawing, shown --px high
const [LAYER_GAP, BLOCK_GAP] = [2, 9];
const shown = (pixels: number) => `calc(${pixels} * var(--px))`;

// Lightness of a unit that is dead, on at few positions, on everywhere.
const GRAYS = { light: [0x1c, 0x8c, 0xe4], dark: [0x00, 0x70, 0xea] };
export const grays = (): string[] => GRAYS[isDark() ? "dark" : "light"].map((gray) => `rgb(${gray} ${gray} ${gray})`);

export function raster({ layers, classes, images, columns, label, kind, dead, empty, move, press }: Options) {
  const last = layers.length - 1;
  const tops: number[] = [];
  const firsts: number[] = [];
  let height = 0;
  layers.forEach(({ units, first }, l) => {
    if (l) height += first || l === last ? BLOCK_GAP : LAYER_GAP;
    firsts.push(tops.length);
    for (let unit = 0; unit < units; unit++, height += l === last ? CLASS_ROW : UNIT_ROW) tops.push(height);
  });
  const rowHeight = (unit: number) => (unit < firsts[last] ? UNIT_ROW : CLASS_ROW);
  const layerOf = (unit: number) => firsts.filter((first) => first <= unit).length - 1;

  const canvas = mapCanvas();
  Object.assign(canvas, { width: columns, height });
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(columns, height);
  const pixels = new Uint32Array(image.data.buffer);
  const hint = h("span", { class: "hint" }, empty);
  const row = h("i", { class: "row" });
  const now = h("i", { class: "now" });
  const element = h("div", { class: "raster", role: "application", tabindex: 0, "aria-roledescription": kind, "aria-label": label }, canvas, hint, row, now);

  const at = (top: number, content: (Node | string)[], name = "") => h("span", { class: name, style: `top:${shown(top)}` }, ...content);
  const icon = (values: number[]) => {
    const small = h("canvas", { "aria-hidden": "true" });
    const side = Math.sqrt(values.length);
    Object.assign(small, { width: side, height: side });
    const drawn = small.getContext("2d")!.createImageData(side, side);
    values.forEach((value, i) => drawn.data.set([255 * value, 255 * value, 255 * value, 255], 4 * i));
    small.getContext("2d")!.putImageData(drawn, 0, 0);
    return small;
  };
  const names = h("div", { class: "names", "aria-hidden": "true" },
    ...layers.slice(0, -1).map(({ name }, l) => at(tops[firsts[l]], [name])),
    ...classes.map((name, c) => at(tops[firsts[last] + c], [name, icon(images[c])], "class")));
  const counts = layers.slice(0, -1).map(() => h("b", {}));
  const deaths = classes.map(() => h("b", {}));
  const numbers = h("div", { class: "counts", "aria-hidden": "true" },
    ...counts.map((count, l) => at(tops[firsts[l]], [count])),
    ...deaths.map((death, c) => at(tops[firsts[last] + c], [death])));
  for (const part of [element, names, numbers]) part.style.height = shown(height);

  let [unit, column, measured] = [0, 0, 1];
  const go = (u: number, c: number) => {
    u = Math.max(0, Math.min(tops.length - 1, u));
    c = Math.max(0, Math.min(measured - 1, c));
    if (u === unit && c === column) return;
    [unit, column] = [u, c];
    move(u, c);
  };
  onKeys(element, (step) => ({
    ArrowUp: () => go(unit - step, column),
    ArrowDown: () => go(unit + step, column),
    ArrowLeft: () => go(unit, column - step),
    ArrowRight: () => go(unit, column + step),
    Home: () => go(unit, 0),
    End: () => go(unit, measured - 1),
    PageUp: () => go(firsts[Math.max(0, layerOf(unit) - 1)], column),
    PageDown: () => go(firsts[Math.min(last, layerOf(unit) + 1)], column),
    " ": press,
  }));
  const follow = (event: PointerEvent) => {
    const box = canvas.getBoundingClientRect();
    const y = ((event.clientY - box.top) / box.height) * height;
    go(tops.filter((top) => top <= y).length - 1, Math.floor(((event.clientX - box.left) / box.width) * columns));
  };
  onDrag(element, { press: follow });

  let painted = 0;
  let theme = isDark();
  return {
    element,
    names,
    numbers,
    /** Paint the measurements, each the activities of all units in 0…1: the new ones, or all after `clear`. */
    paint(activities: ArrayLike<number>[]): void {
      if (theme !== isDark() || painted > activities.length) painted = 0;
      if (!painted) pixels.fill(0);
      if (painted === activities.length) return;
      theme = isDark();
      const [none, low, high] = GRAYS[theme ? "dark" : "light"];
      for (; painted < activities.length; painted++)
        tops.forEach((top, u) => {
          const on = activities[painted][u];
          const gray = on === 0 ? none : Math.round(low + (high - low) * Math.sqrt(Math.min(1, on)));
          const end = top + rowHeight(u) - (u < firsts[last] ? 0 : 1);
          for (let y = top; y < end; y++) pixels[y * columns + painted] = ((255 << 24) | (gray * 0x010101)) >>> 0;
        });
      context.putImageData(image, 0, 0);
    },
    clear(): void {
      painted = 0;
    },
    /** Show the cursor and how many units are dead there; `count` columns are measured so far. */
    setCursor(u: number, c: number, count: number, deadUnits: number[], deadClasses: boolean[]): void {
      [unit, column, measured] = [u, c, count];
      hint.hidden = count > 1;
      now.style.transform = `translateX(${(100 * (c + 0.5)) / columns}%)`;
      row.style.transform = `translateY(${shown(tops[u] - 2)})`;
      setClass(row, rowHeight(u) === UNIT_ROW ? "row" : "row thick");
      counts.forEach((count, l) => {
        write(count, `${deadUnits[l]}/${layers[l].units}`);
        setClass(count, deadUnits[l] === layers[l].units ? "all" : "");
      });
      deaths.forEach((death, c) => write(death, deadClasses[c] ? dead : ""));
    },
  };
}
