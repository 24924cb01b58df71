/** The map of winners: at each position the number of its most probable class, the darker the more probable. */
import { h } from "../shell/dom";
import { paintColor } from "../shell/maps";
import { colors } from "../shell/theme";

const SIDE = 336; // canvas pixels, rounded down to a multiple of the map's side

/** Paint on a canvas of a pixel a position; the numbers lie over it, on a canvas of their own. */
export function winnersMap(canvas: HTMLCanvasElement, theme: () => string | undefined) {
  const numbers = h("canvas", { class: "numbers", "aria-hidden": "true" });
  canvas.after(numbers);
  let written = { grid: "", cells: [] as string[] };
  /** Position by position the probabilities of the classes, and whether it sees only black. */
  return (side: number, here: number[][], empty: boolean[]): void => {
    const { neutral, ink, paper } = colors();
    const [low, high] = [neutral, ink].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255));
    const most = here.map((ten) => Math.max(...ten));
    const backgrounds = most.map((share, p) => (empty[p] ? 0 : share));
    paintColor(canvas, low.map((from, k) => backgrounds.map((share) => from + (high[k] - from) * share)), side, side);
    // Over the backgrounds are lines and numbers; only numbers that changed are written again.
    const cell = Math.floor(SIDE / side);
    const context = numbers.getContext("2d")!;
    const grid = `${side} ${theme()}`;
    if (grid !== written.grid) {
      written = { grid, cells: [] };
      Object.assign(numbers, { width: cell * side, height: cell * side });
      Object.assign(context, { font: `${Math.round(0.62 * cell)}px ui-monospace, monospace`, textAlign: "center", textBaseline: "middle", fillStyle: neutral });
      for (let i = 1; i <= side; i++) {
        context.fillRect(i * cell - 1, 0, 1, cell * side);
        context.fillRect(0, i * cell - 1, cell * side, 1);
      }
    }
    here.forEach((ten, p) => {
      const color = backgrounds[p] > 0.5 ? paper : ink;
      const number = empty[p] ? "" : String(ten.indexOf(most[p]));
      if (written.cells[p] === number + color) return;
      written.cells[p] = number + color;
      const [x, y] = [(p % side) * cell, Math.floor(p / side) * cell];
      context.clearRect(x, y, cell - 1, cell - 1);
      context.fillStyle = color;
      context.fillText(number, x + cell / 2, y + 0.53 * cell);
    });
  };
}
