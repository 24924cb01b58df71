/** The units of a network in time: a row a unit, a column a measurement; dead is dark, what lives is light. */
import { h, mark, write } from "../shell/dom";
import { onKeys } from "../shell/keys";
import { map } from "../shell/maps";
import { isDark } from "../shell/theme";

export interface Rows {
  /** Each layer's name and its units; those of the last layer are classes, by name. */
  layers: { name: string; units: number; opens: boolean }[];
  classes: string[];
  /** Beside the name of a class: one of its pictures, side·side values in 0…1. */
  pictures: number[][];
}

interface Options extends Rows {
  columns: number;
  label: string;
  kind: string;
  dead: string;
  /** Stands where nothing is measured yet. */
  empty: string;
  move(unit: number, column: number): void;
  /** The space bar. */
  press(): void;
}

const [THIN, THICK] = [3, 14]; // px, a unit's row and a class's
const [GAP, WIDE] = [2, 9]; // px, between layers and between blocks

// Lightness of a unit that is dead, hardly on, on everywhere.
const GREYS = { light: [0x1c, 0x8c, 0xe4], dark: [0x00, 0x70, 0xea] };
export const greys = (): string[] => GREYS[isDark() ? "dark" : "light"].map((grey) => `rgb(${grey} ${grey} ${grey})`);

export function raster({ layers, classes, pictures, columns, label, kind, dead, empty, move, press }: Options) {
  const last = layers.length - 1;
  const tops: number[] = [];
  const firsts: number[] = [];
  let height = 0;
  layers.forEach(({ units, opens }, l) => {
    if (l) height += opens || l === last ? WIDE : GAP;
    firsts.push(tops.length);
    for (let unit = 0; unit < units; unit++, height += l === last ? THICK : THIN) tops.push(height);
  });
  const tall = (unit: number) => (unit < firsts[last] ? THIN : THICK);
  const layerOf = (unit: number) => firsts.filter((first) => first <= unit).length - 1;

  const canvas = map();
  Object.assign(canvas, { width: columns, height });
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(columns, height);
  const pixels = new Uint32Array(image.data.buffer);
  const hint = h("span", { class: "hint" }, empty);
  const row = h("i", { class: "row" });
  const now = h("i", { class: "now" });
  const element = h("div", { class: "raster", role: "application", tabindex: 0, "aria-roledescription": kind, "aria-label": label }, canvas, hint, row, now);

  const at = (top: number, content: (Node | string)[], name = "") => h("span", { class: name, style: `top:${top}px` }, ...content);
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
    ...classes.map((name, c) => at(tops[firsts[last] + c], [name, icon(pictures[c])], "class")));
  const counts = layers.slice(0, -1).map(() => h("b", {}));
  const deaths = classes.map(() => h("b", {}));
  const numbers = h("div", { class: "counts", "aria-hidden": "true" },
    ...counts.map((count, l) => at(tops[firsts[l]], [count])),
    ...deaths.map((death, c) => at(tops[firsts[last] + c], [death])));
  for (const part of [element, names, numbers]) part.style.height = `${height}px`;

  let [unit, column, known] = [0, 0, 1];
  const go = (u: number, c: number) => {
    u = Math.max(0, Math.min(tops.length - 1, u));
    c = Math.max(0, Math.min(known - 1, c));
    if (u === unit && c === column) return;
    [unit, column] = [u, c];
    move(u, c);
  };
  onKeys(element, (far) => ({
    ArrowUp: () => go(unit - far, column),
    ArrowDown: () => go(unit + far, column),
    ArrowLeft: () => go(unit, column - far),
    ArrowRight: () => go(unit, column + far),
    Home: () => go(unit, 0),
    End: () => go(unit, known - 1),
    PageUp: () => go(firsts[Math.max(0, layerOf(unit) - 1)], column),
    PageDown: () => go(firsts[Math.min(last, layerOf(unit) + 1)], column),
    " ": press,
  }));
  const point = (event: PointerEvent) => {
    const box = canvas.getBoundingClientRect();
    const y = ((event.clientY - box.top) / box.height) * height;
    go(tops.filter((top) => top <= y).length - 1, Math.floor(((event.clientX - box.left) / box.width) * columns));
  };
  element.addEventListener("pointerdown", (event) => {
    element.focus({ preventScroll: true });
    element.setPointerCapture?.(event.pointerId);
    point(event);
  });
  element.addEventListener("pointermove", (event) => event.buttons & 1 && point(event));

  let painted = 0;
  let theme = isDark();
  return {
    element,
    names,
    numbers,
    /** Paint the measurements, each a row of activities in 0…1: those that are new, or all after `begin`. */
    paint(activities: ArrayLike<number>[]): void {
      if (theme !== isDark() || painted > activities.length) painted = 0;
      if (!painted) pixels.fill(0);
      if (painted === activities.length) return;
      theme = isDark();
      const [none, low, high] = GREYS[theme ? "dark" : "light"];
      for (; painted < activities.length; painted++)
        tops.forEach((top, u) => {
          const on = activities[painted][u];
          const grey = on === 0 ? none : Math.round(low + (high - low) * Math.sqrt(Math.min(1, on)));
          const end = top + tall(u) - (u < firsts[last] ? 0 : 1);
          for (let y = top; y < end; y++) pixels[y * columns + painted] = ((255 << 24) | (grey * 0x010101)) >>> 0;
        });
      context.putImageData(image, 0, 0);
    },
    begin(): void {
      painted = 0;
    },
    /** Show the cursor, of so many columns that there are, and how many units are dead there. */
    place(u: number, c: number, of: number, deadUnits: number[], deadClasses: boolean[]): void {
      [unit, column, known] = [u, c, of];
      hint.hidden = of > 1;
      now.style.transform = `translateX(${(100 * (c + 0.5)) / columns}%)`;
      row.style.transform = `translateY(${tops[u] - 2}px)`;
      mark(row, tall(u) === THIN ? "row" : "row thick");
      counts.forEach((count, l) => {
        write(count, `${deadUnits[l]}/${layers[l].units}`);
        mark(count, deadUnits[l] === layers[l].units ? "all" : "");
      });
      deaths.forEach((death, c) => write(death, deadClasses[c] ? dead : ""));
    },
  };
}
