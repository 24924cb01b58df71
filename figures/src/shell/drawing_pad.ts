/** A pad to draw on: an image with a cursor, a brush and an eraser, by pointer, touch or keyboard. */
import { freshId, h } from "./dom";
import { grid } from "./grid";
import { onKeys } from "./keys";

const TOOLS = ["brush", "eraser"] as const;
const WORDS = {
  tools: "tool",
  finger: "draw",
  /** What a finger on the image does; one of these stands beside the tools. */
  hints: {
    scrolls: "Press “draw” before you draw or erase.",
    moved: "The cursor moved: press “draw” first.",
    draws: "A swipe draws; “draw” again scrolls.",
  },
};
export type Tool = (typeof TOOLS)[number];

export interface DrawingPad {
  element: HTMLElement;
  canvas: HTMLCanvasElement;
  /** Radio buttons for brush and eraser; before them, for fingers, the switch that lets them draw. */
  tools: HTMLElement;
  /** Says, where there are fingers, what one on the image does; as tall as its longest words. */
  hint: HTMLElement;
  /** Let fingers draw, or scroll the page as at first. */
  setFinger(draws: boolean): void;
  /** Show the cursor and the chosen tool. */
  showCursor(row: number, column: number): void;
}

interface Options {
  label: string;
  words: Record<Tool, string>;
  side: number;
  /** The present image: side·side bytes, 0 to 255. */
  bytes(): number[];
  tool(): Tool;
  choose(tool: Tool): void;
  /** Called with the cursor's new position. */
  move(row: number, column: number): void;
  /** Called with the image after each dab of the tool; `begins` at the first dab of a stroke. */
  paint(bytes: number[], begins: boolean): void;
}

/** Dab 3×3 pixels: the brush leaves corners half lit, the eraser leaves nothing. */
function dab(bytes: number[], side: number, row: number, column: number, tool: Tool): void {
  for (let r = Math.max(0, row - 1); r <= Math.min(side - 1, row + 1); r++)
    for (let c = Math.max(0, column - 1); c <= Math.min(side - 1, column + 1); c++) {
      const light = r === row || c === column ? 255 : 128;
      bytes[r * side + c] = tool === "eraser" ? 0 : Math.max(bytes[r * side + c], light);
    }
}

export function drawingPad({ label, words, side, bytes, tool, choose, move, paint }: Options): DrawingPad {
  let [row, column] = [0, 0];
  const { element, canvas, showCursor } = grid({
    label,
    hover: true,
    move(r, c) {
      [row, column] = [r, c];
      move(r, c);
    },
  });
  // A mouse or pen draws at once; a finger scrolls the page, until the reader presses "draw".
  let fingerDraws = false;
  const hints = Object.entries(WORDS.hints).map(([name, text]) => ({ name, element: h("span", {}, text) }));
  const hint = h("p", { class: "nin-hint" }, ...hints.map(({ element }) => element));
  const say = (now: keyof typeof WORDS.hints) => hints.forEach(({ name, element }) => element.classList.toggle("now", name === now));
  const setFinger = (draws: boolean) => {
    fingerDraws = draws;
    finger.setAttribute("aria-pressed", String(draws));
    element.style.touchAction = draws ? "none" : "";
    element.classList.toggle("nin-draws", draws);
    say(draws ? "draws" : "scrolls");
  };
  const finger = h("button", { type: "button", class: "nin-button nin-finger", "aria-pressed": "false", click: () => setFinger(!fingerDraws) }, WORDS.finger);
  say("scrolls");
  // A finger that is lifted where it does not draw has tapped or rubbed: one that scrolls is cancelled.
  element.addEventListener("pointerup", ({ pointerType }) => pointerType === "touch" && !fingerDraws && say("moved"));

  const drawLine = (from: number[], to: number[], image: number[], begins: boolean) => {
    const steps = Math.max(1, ...to.map((end, i) => Math.abs(end - from[i])));
    for (let step = 1; step <= steps; step++) {
      const [r, c] = to.map((end, i) => Math.round(from[i] + ((end - from[i]) * step) / steps));
      dab(image, side, r, c, tool());
    }
    paint(image, begins);
  };
  // The image so far and the stroke's last position, while the pointer is down. Outside of the
  // frame nothing is painted, and the stroke continues where it comes back.
  let stroke: { image: number[]; last: number[] } | null = null;
  const positionOf = (event: PointerEvent) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width].map((share) => Math.floor(share * side));
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary || (event.pointerType === "touch" && !fingerDraws)) return;
    const position = positionOf(event);
    stroke = { image: bytes().slice(), last: position };
    drawLine(position, position, stroke.image, true);
  });
  element.addEventListener("pointermove", (event) => {
    if (!stroke || !event.isPrimary) return;
    const position = positionOf(event);
    if (position.join() !== stroke.last.join()) drawLine(stroke.last, position, stroke.image, false);
    stroke.last = position;
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) element.addEventListener(end, () => (stroke = null));
  onKeys(element, () => ({ " ": () => drawLine([row, column], [row, column], bytes().slice(), true) }));

  const name = freshId("tool");
  const choices = TOOLS.map((one) => ({
    one,
    input: h("input", { type: "radio", name, value: one, change: () => choose(one) }),
  }));
  return {
    element,
    canvas,
    tools: h("span", { class: "nin-tool" }, finger,
      h("span", { role: "radiogroup", "aria-label": WORDS.tools }, ...choices.map(({ one, input }) => h("label", {}, input, ` ${words[one]}`)))),
    hint,
    setFinger,
    showCursor(r, c) {
      [row, column] = [r, c];
      showCursor(r, c, side, side);
      for (const { one, input } of choices) input.checked = one === tool();
    },
  };
}

/**
 * Pass what the reader pastes into a figure to its file input, as if it were a chosen file.
 *
 * @param textName file name for pasted text, which the reading error then names
 */
export function acceptPaste(root: HTMLElement, textName: string): void {
  root.addEventListener("paste", (event) => {
    const input = root.querySelector<HTMLInputElement>("input[type=file]");
    const { clipboardData } = event;
    if (!input || !clipboardData) return;
    event.preventDefault();
    const transfer = new DataTransfer();
    transfer.items.add(clipboardData.files[0] ?? new File([clipboardData.getData("text") || " "], textName));
    input.files = transfer.files;
    input.dispatchEvent(new Event("change"));
  });
}
