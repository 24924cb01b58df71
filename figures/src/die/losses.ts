/** The curve of a loss that is being made, on the same axis as the raster below it. */
import { h, mark, svg, write } from "../shell/dom";

const line = (name: string, d = "") => svg("path", { class: name, d, "vector-effect": "non-scaling-stroke" });

/** A path through those losses that are numbers; what is above the top runs along it. */
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

export function losses(columns: number, top: number, chances: number, chancesWord: string) {
  const [former, present] = [line("former"), line("present")];
  const whole = Array.from({ length: Math.floor(top) + 1 }, (_, i) => i).filter((i) => Math.abs(i - chances) > 0.4);
  const grid = whole.map((i) => `M0 ${top - i}H${columns}`).join("");
  const now = h("i", { class: "now" });
  const flag = h("span", { class: "flag" });
  const element = h("div", { class: "losses", "aria-hidden": "true" },
    svg("svg", { viewBox: `0 0 ${columns} ${top}`, preserveAspectRatio: "none" },
      line("level", grid), line("chances", `M0 ${top - chances}H${columns}`), former, present),
    flag, now);
  const tick = (value: number, word: string, name = "") => h("span", { class: name, style: `top:${100 * (1 - value / top)}%` }, word);
  const ticks = h("div", { class: "ticks", "aria-hidden": "true" },
    ...whole.map((i) => tick(i, String(i))),
    tick(chances, chancesWord, "chances"));
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
      put(former, before);
    },
    /** Write something beside a moment, or nothing. */
    say(column: number, text: string): void {
      if (!write(flag, text)) return;
      const late = column > 0.7 * columns; // then to the left of its moment
      mark(flag, late ? "flag late" : "flag");
      Object.assign(flag.style, late ? { left: "", right: `${100 - (100 * column) / columns}%` } : { left: `${(100 * column) / columns}%`, right: "" });
    },
    place(column: number): void {
      now.style.transform = `translateX(${(100 * (column + 0.5)) / columns}%)`;
    },
  };
}
