/** An image with a cursor on it: one tab stop, arrow keys, pointer and touch. */
import { h, setStyle } from "./dom";
import { onKeys } from "./keys";
import { mapCanvas } from "./maps";
import { onDrag } from "./pointer";

export interface Grid {
  element: HTMLElement;
  canvas: HTMLCanvasElement;
  /** Show the cursor at a position of an H×W image. */
  showCursor(row: number, column: number, height: number, width: number): void;
}

interface Options {
  label: string;
  /** Called with the new position; the figure answers by calling `showCursor`. */
  move(row: number, column: number): void;
  /** Follow a mouse that only hovers. */
  hover?: boolean;
}

export function grid({ label, move, hover }: Options): Grid {
  const canvas = mapCanvas();
  const frame = h("div", { class: "nin-cursor" });
  const element = h(
    "div",
    { class: "nin-grid", role: "application", tabindex: 0, "aria-roledescription": "image with a cursor", "aria-label": label },
    canvas,
    frame,
  );
  let [row, column, height, width] = [0, 0, 0, 0];
  const go = (r: number, c: number) => {
    r = Math.max(0, Math.min(height - 1, r));
    c = Math.max(0, Math.min(width - 1, c));
    if (r === row && c === column) return;
    [row, column] = [r, c]; // at once: the next key may come before the next frame
    move(r, c);
  };
  onKeys(element, (step) => ({
    ArrowUp: () => go(row - step, column),
    ArrowDown: () => go(row + step, column),
    ArrowLeft: () => go(row, column - step),
    ArrowRight: () => go(row, column + step),
    Home: () => go(row, 0),
    End: () => go(row, width - 1),
    PageUp: () => go(0, column),
    PageDown: () => go(height - 1, column),
  }));
  const follow = (event: PointerEvent) => {
    const box = canvas.getBoundingClientRect();
    go(
      Math.floor(((event.clientY - box.top) / box.height) * height),
      Math.floor(((event.clientX - box.left) / box.width) * width),
    );
  };
  onDrag(element, { press: follow, hover: hover ? follow : undefined });
  return {
    element,
    canvas,
    showCursor(r, c, newHeight, newWidth) {
      if (newHeight !== height || newWidth !== width)
        Object.assign(frame.style, { width: `${100 / newWidth}%`, height: `${100 / newHeight}%` });
      [row, column, height, width] = [r, c, newHeight, newWidth];
      setStyle(frame, "transform", `translate(${c * 100}%,${r * 100}%)`); // of its own size: no new layout
    },
  };
}
