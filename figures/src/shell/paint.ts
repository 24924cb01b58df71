/** A pad to draw on: a picture with a cursor, a brush and an eraser, by pointer, touch or keyboard. */
import { freshId, h } from "./dom";
import { grid } from "./grid";
import { onKeys } from "./keys";

const TOOLS = ["brush", "eraser"] as const;
export type Tool = (typeof TOOLS)[number];

export interface Pad {
  element: HTMLElement;
  canvas: HTMLCanvasElement;
  /** Brush and eraser, to choose from. */
  tools: HTMLElement;
  /** Show the cursor, and which tool is in hand. */
  place(row: number, column: number): void;
}

interface Options {
  label: string;
  words: Record<Tool, string>;
  side: number;
  /** The picture as it stands: side·side bytes, 0 to 255. */
  bytes(): number[];
  tool(): Tool;
  take(tool: Tool): void;
  /** The cursor went there. */
  move(row: number, column: number): void;
  /** The picture after a dab of the tool; `begins` with the first of a stroke. */
  paint(bytes: number[], begins: boolean): void;
}

/** A dab of 3×3 pixels: the brush leaves corners half lit, the eraser leaves nothing. */
function dab(bytes: number[], side: number, row: number, column: number, tool: Tool): void {
  for (let r = Math.max(0, row - 1); r <= Math.min(side - 1, row + 1); r++)
    for (let c = Math.max(0, column - 1); c <= Math.min(side - 1, column + 1); c++) {
      const light = r === row || c === column ? 255 : 128;
      bytes[r * side + c] = tool === "eraser" ? 0 : Math.max(bytes[r * side + c], light);
    }
}

export function pad({ label, words, side, bytes, tool, take, move, paint }: Options): Pad {
  let [row, column] = [0, 0];
  const { element, canvas, place } = grid({
    label,
    hover: true,
    move(r, c) {
      [row, column] = [r, c];
      move(r, c);
    },
  });
  element.style.touchAction = "none"; // a finger draws here

  const stroke = (from: number[], to: number[], picture: number[], begins: boolean) => {
    const steps = Math.max(1, ...to.map((end, i) => Math.abs(end - from[i])));
    for (let step = 1; step <= steps; step++) {
      const [r, c] = to.map((end, i) => Math.round(from[i] + ((end - from[i]) * step) / steps));
      dab(picture, side, r, c, tool());
    }
    paint(picture, begins);
  };
  // While the pointer is down: the picture so far, and where the stroke has come to. Outside of the
  // frame nothing is painted, and the stroke goes on where it comes back.
  let under: { picture: number[]; at: number[] } | null = null;
  const where = (event: PointerEvent) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width].map((share) => Math.floor(share * side));
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    const at = where(event);
    under = { picture: bytes().slice(), at };
    stroke(at, at, under.picture, true);
  });
  element.addEventListener("pointermove", (event) => {
    if (!under || !event.isPrimary) return;
    const at = where(event);
    if (at.join() !== under.at.join()) stroke(under.at, at, under.picture, false);
    under.at = at;
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) element.addEventListener(end, () => (under = null));
  onKeys(element, () => ({ " ": () => stroke([row, column], [row, column], bytes().slice(), true) }));

  const name = freshId("tool");
  const choices = TOOLS.map((one) => ({
    one,
    input: h("input", { type: "radio", name, value: one, change: () => take(one) }),
  }));
  return {
    element,
    canvas,
    tools: h("span", { class: "nin-tool", role: "radiogroup" }, ...choices.map(({ one, input }) => h("label", {}, input, ` ${words[one]}`))),
    place(r, c) {
      [row, column] = [r, c];
      place(r, c, side, side);
      for (const { one, input } of choices) input.checked = one === tool();
    },
  };
}

/** What the reader pastes while in the figure goes the way of a chosen file; text gets that way's sentence. */
export function takePasted(root: HTMLElement, textCalled: string): void {
  root.addEventListener("paste", (event) => {
    const input = root.querySelector<HTMLInputElement>("input[type=file]");
    const { clipboardData } = event;
    if (!input || !clipboardData) return;
    event.preventDefault();
    const carrier = new DataTransfer();
    carrier.items.add(clipboardData.files[0] ?? new File([clipboardData.getData("text") || " "], textCalled));
    input.files = carrier.files;
    input.dispatchEvent(new Event("change"));
  });
}
