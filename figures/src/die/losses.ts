/** The curve of the loss during training, on the same time axis as the raster below it. */
import { h, setClass, svg, write } from "../shell/dom";

const line = (name: string, d = "") => svg("path", { class: name, d, "vector-effect": "non-scaling-stroke" });

/** A path through the losses that are numbers; those above the top run along it. */
function curve(losses: number[], top: number): string {
  let pen = "M";
  return losses
    .map((loss, i) => {
      if (!Number.isFinite(loss)) return (pen = "M") && "";
      const part = `${pen}${i + 0.5} ${(top - Math.min(loss, top)).toFixed(4)}`;
      pen = "L";
      return part;
    })
    .join("");
}

export function lossChart(columns: number, top: number, chances: number, chancesText: string) {
  const [previous, present] = [line("former"), line("present")];
  const whole = Array.from({ length: Math.floor(top) + 1 }, (_, i) => i).filter((i) => Math.abs(i - chances) > 0.4);
  const grid = whole.map((i) => `M0 ${top - i}H${columns}`).join("");
  const cursor = h("i", { class: "now" });
  const flag = h("span", { class: "flag" });
  const element = h("div", { class: "losses", "aria-hidden": "true" },
    svg("svg", { viewBox: `0 0 ${columns} ${top}`, preserveAspectRatio: "none" },
      line("level", grid), line("chances", `M0 ${top - chances}H${columns}`), previous, present),
    flag, cursor);
  const tick = (value: number, text: string, name = "") => h("span", { class: name, style: `top:${100 * (1 - value / top)}%` }, text);
  const ticks = h("div", { class: "ticks", "aria-hidden": "true" },
    ...whole.map((i) => tick(i, String(i))),
    tick(chances, chancesText, "chances"));
  const drawn = new Map<SVGPathElement, number[]>();
  const put = (path: SVGPathElement, values: number[]) => {
    const before = drawn.get(path);
    if (before?.length === values.length && before.at(-1) === values.at(-1) && before[0] === values[0]) return;
    drawn.set(path, values);
    path.setAttribute("d", curve(values, top));
  };
  return {
    element,
    ticks,
    draw(values: number[], before: number[]): void {
      put(present, values);
      put(previous, before);
    },
    /** Label a step, or remove the label. */
    label(column: number, text: string): void {
      if (!write(flag, text)) return;
      const late = column > 0.7 * columns; // then to the left of its step
      setClass(flag, late ? "flag late" : "flag");
      Object.assign(flag.style, late ? { left: "", right: `${100 - (100 * column) / columns}%` } : { left: `${(100 * column) / columns}%`, right: "" });
    },
    setCursor(column: number): void {
      cursor.style.transform = `translateX(${(100 * (column + 0.5)) / columns}%)`;
    },
  };
}
