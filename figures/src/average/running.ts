/** A running sum as steps, on a canvas: what changes at each stroke shall cost no layout. */
import { h } from "../shell/dom";
import { colours } from "../shell/theme";

const [WIDE, TALL, LINE, MARGIN] = [400, 144, 4, 6]; // twice the pixels that are shown

export function runningSum() {
  const canvas = h("canvas", { width: WIDE, height: TALL, "aria-hidden": "true" });
  const context = canvas.getContext("2d")!;
  return {
    canvas,
    draw(values: number[]): void {
      const { ink, muted } = colours();
      let sum = 0;
      const sums = values.map((value) => (sum += value));
      const [low, high] = [Math.min(0, ...sums), Math.max(0, ...sums)];
      const height = (value: number) => MARGIN + ((high - value) / (high - low || 1)) * (TALL - 2 * MARGIN);
      context.clearRect(0, 0, WIDE, TALL);
      context.lineWidth = LINE / 2;
      context.strokeStyle = muted;
      context.strokeRect(-LINE, height(0), WIDE + 2 * LINE, TALL); // of which the upper edge is seen
      context.beginPath();
      context.moveTo(0, height(0));
      sums.forEach((value, i) => {
        context.lineTo((i * WIDE) / sums.length, height(value));
        context.lineTo(((i + 1) * WIDE) / sums.length, height(value));
      });
      context.lineWidth = LINE;
      context.strokeStyle = ink;
      context.stroke();
    },
  };
}
