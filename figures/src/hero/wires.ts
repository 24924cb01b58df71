/** Lines between two columns of maps. */
import { svg } from "../shell/dom";

/** Draw lines from each element of one column to each of the next. */
export function wires(from: number, to: number): SVGElement {
  const heights = (count: number) => Array.from({ length: count }, (_, i) => ((i + 0.5) / count).toFixed(3));
  const d = heights(from).flatMap((start) => heights(to).map((end) => `M0 ${start}L1 ${end}`)).join("");
  return svg("svg", { class: "wires", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { d, "vector-effect": "non-scaling-stroke" }));
}
