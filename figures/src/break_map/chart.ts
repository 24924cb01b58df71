/** A chart of a curve, and of the mean of random draws with its band. */
import { h, svg } from "../shell/dom";
import type { Spread } from "./statistics";

/** x from 0 to `width`, y from `low` to `high`. */
export function chart(width: number, low: number, high: number) {
  const line = (name: string) => svg("path", { class: name, "vector-effect": "non-scaling-stroke" });
  const [band, zero, random, chosen, dot] = ["band", "zero", "random", "chosen", "dot"].map(line);
  const here = h("div", { class: "here" });
  const drawing = svg("svg", { viewBox: `0 0 ${width} 1`, preserveAspectRatio: "none", "aria-hidden": "true" }, band, zero, random, chosen, dot);
  const at = (x: number, value: number) => `${x} ${((high - value) / (high - low)).toFixed(4)}`;
  const path = (values: number[]) => (values.length ? `M${values.map((value, x) => at(x, value)).join("L")}` : "");
  zero.setAttribute("d", `M${at(0, 0)}H${width}`);
  return {
    element: h("div", { class: "plot" }, drawing, here),
    draw(spreads: Spread[], values: number[]) {
      random.setAttribute("d", path(spreads.map(({ mean }) => mean)));
      chosen.setAttribute("d", path(values));
      const back = spreads.map(({ low }, x) => at(x, low)).reverse();
      band.setAttribute("d", spreads.length ? `${path(spreads.map(({ high }) => high))}L${back.join("L")}z` : "");
    },
    setCursor(x: number, value?: number) {
      here.style.transform = `translateX(${(100 * x) / width}%)`;
      dot.setAttribute("d", value === undefined ? "" : `M${at(x, value)}h0`);
    },
  };
}
