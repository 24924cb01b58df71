/** The map of winners: at each position the number of its most probable class, the darker the more probable. */
import { h } from "../shell/dom";
import { colorTableTo, type Painter, painter } from "../shell/maps";
import { colors } from "../shell/theme";
import type { Alone } from "./alone";

const SIDE = 336; // canvas pixels, rounded down to a multiple of the map's side
const CLASSES = 10;
const FONT = 0.9; // size of the numbers, as a share of a position's side

/** Paint on a canvas of a pixel a position; the numbers lie over it, on a canvas of their own. */
export function winnersMap(canvas: HTMLCanvasElement, theme: () => string | undefined) {
  const numbers = h("canvas", { class: "numbers", "aria-hidden": "true" });
  const digits = h("canvas"); // all numbers, in ink and in paper: copied from there, because writing costs more
  canvas.after(numbers);
  let grid = "";
  let written = new Uint8Array(); // position by position the place of its number among the digits, from 1 on; 0: none
  let background: Painter;
  let table: Uint32Array;
  const restart = (side: number, cell: number) => {
    const { neutral, ink, paper } = colors();
    written = new Uint8Array(side * side);
    background = painter(canvas, side, side);
    table = colorTableTo(ink);
    Object.assign(numbers, { width: cell * side, height: cell * side });
    const lines = numbers.getContext("2d")!;
    lines.fillStyle = neutral;
    for (let i = 1; i <= side; i++) {
      lines.fillRect(i * cell - 1, 0, 1, cell * side);
      lines.fillRect(0, i * cell - 1, cell * side, 1);
    }
    Object.assign(digits, { width: cell * CLASSES, height: cell * 2 });
    const text = digits.getContext("2d")!;
    Object.assign(text, { font: `${Math.round(FONT * cell)}px ui-monospace, monospace`, textAlign: "center", textBaseline: "middle" });
    [ink, paper].forEach((color, row) => {
      text.fillStyle = color;
      for (let c = 0; c < CLASSES; c++) text.fillText(String(c), (c + 0.5) * cell, (row + 0.53) * cell);
    });
  };
  /** The winner at each position, and whether it sees only black. */
  return (side: number, { winners, most }: Alone, empty: boolean[]): void => {
    const cell = Math.floor(SIDE / side);
    const asked = `${side} ${theme()}`;
    if (asked !== grid) restart(side, cell);
    grid = asked;
    background.signed(most.map((share, p) => (empty[p] ? 0 : share)), 1, table);
    // Over the backgrounds are lines and numbers; only numbers that changed are written again.
    const context = numbers.getContext("2d")!;
    winners.forEach((c, p) => {
      const place = empty[p] ? 0 : 1 + c + (most[p] > 0.5 ? CLASSES : 0);
      if (written[p] === place) return;
      written[p] = place;
      const [x, y, inner] = [(p % side) * cell, Math.floor(p / side) * cell, cell - 1];
      context.clearRect(x, y, inner, inner);
      if (place) context.drawImage(digits, c * cell, place > CLASSES ? cell : 0, inner, inner, x, y, inner, inner);
    });
  };
}
