/** Points, lines and folds of the map, as SVG paths. */
import { svg } from "../shell/dom";

/** The bends between the ends of a profile; bends less than 0.02 apart count as one. */
export function kinks(bends: [number, number][]): [number, number][] {
  const found: [number, number][] = [];
  for (const bend of bends.slice(1, -1)) if (!found.length || bend[0] - found.at(-1)![0] > 0.02) found.push(bend);
  return found;
}

/** A line whose thickness does not scale with the drawing. */
export const line = (name: string) => svg("path", { class: name, "vector-effect": "non-scaling-stroke" });
export const square = (x: number, y: number, r: number) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`;
export const circle = (x: number, y: number, r: number) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
export const put = (path: SVGPathElement, d: string) => {
  if (path.getAttribute("d") !== d) path.setAttribute("d", d);
};

/** The line across the square along which a first-layer unit turns on. */
export function fold([x, y, bias]: number[]): string {
  const size = x * x + y * y || 1;
  const ends = [-1.5, 1.5].map((far) => far / Math.sqrt(size)).map((t) => `${(-bias * x) / size - t * y} ${(bias * y) / size - t * x}`);
  return `M${ends.join("L")}`;
}
