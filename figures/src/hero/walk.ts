/** Buttons in columns as one tab stop: arrow keys walk among them. */
import { onKeys } from "../shell/keys";

export function walk(columns: HTMLButtonElement[][]): void {
  let stop = columns[0][0];
  for (const button of columns.flat()) button.tabIndex = button === stop ? 0 : -1;
  columns.forEach((column, c) =>
    column.forEach((button, row) => {
      button.addEventListener("focus", () => {
        [stop.tabIndex, button.tabIndex] = [-1, 0];
        stop = button;
      });
      const go = (toColumn: number, share: number) => {
        const to = columns[Math.max(0, Math.min(columns.length - 1, toColumn))];
        to[Math.max(0, Math.min(to.length - 1, Math.round(share * (to.length - 1))))].focus();
      };
      const at = (place: number) => place / (column.length - 1);
      onKeys(button, (step) => ({
        ArrowUp: () => go(c, at(row - step)),
        ArrowDown: () => go(c, at(row + step)),
        ArrowLeft: () => go(c - 1, at(row)),
        ArrowRight: () => go(c + 1, at(row)),
        Home: () => go(c, 0),
        End: () => go(c, 1),
      }));
    }));
}
