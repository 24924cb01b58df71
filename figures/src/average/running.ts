/** A running sum as a step curve, on a canvas: it changes at each stroke and must cause no layout. */
import { h } from "../shell/dom";
import { colors } from "../shell/theme";

const [WIDTH, HEIGHT, LINE, MARGIN] = [400, 144, 4, 6]; // twice the pixels that are shown

export function runningSum() {
  const canvas = h("canvas", { width: WIDTH, height: HEIGHT, "aria-hidden": "true" });
  const context = canvas.getContext("2d")!;
  return {
    canvas,
    draw(values: ArrayLike<number>): void {
      const { ink, muted } = colors();
      let sum = 0;
      const sums = Array.from(values, (value) => (sum += value));
      const [low, high] = [Math.min(0, ...sums), Math.max(0, ...sums)];
      const y = (value: number) => MARGIN + ((high - value) / (high - low || 1)) * (HEIGHT - 2 * MARGIN);
      context.clearRect(0, 0, WIDTH, HEIGHT);
      context.lineWidth = LINE / 2;
      context.strokeStyle = muted;
      context.strokeRect(-LINE, y(0), WIDTH + 2 * LINE, HEIGHT); // of which only the upper edge is inside
      context.beginPath();
      context.moveTo(0, y(0));
      sums.forEach((value, i) => {
        context.lineTo((i * WIDTH) / sums.length, y(value));
        context.lineTo(((i + 1) * WIDTH) / sums.length, y(value));
      });
      context.lineWidth = LINE;
      context.strokeStyle = ink;
      context.stroke();
    },
  };
}
