/** A garment that the reader chooses, draws or loads, stroke by stroke. */
import { debounce } from "./debounce";
import { h } from "./dom";
import { acceptPaste, type DrawingPad, drawingPad, type Tool } from "./drawing_pad";
import type { Stage } from "./figure";
import { decode, encode, isGarment, readGarment, SIDE } from "./garment";
import { painter } from "./maps";

const MIDDLE = [13, 14]; // the cursor's first place

export interface GarmentOptions {
  words: { pad: string; tools: Record<Tool, string>; clear: string; undo: string; pasted: string };
  /** Called with the cursor's new position. */
  move(row: number, column: number): void;
  /** State to set with every new image. */
  resets?: Record<string, unknown>;
}

export interface GarmentImage {
  pad: DrawingPad;
  clear: HTMLButtonElement;
  undo: HTMLButtonElement;
  /** Row and column of the pad's cursor. */
  cursor: number[];
  /** Index of the image shown; −1: the reader's own. */
  index(): number;
  hasOwn(): boolean;
  /** Show one of the images, or the reader's own once there is one. */
  choose(index: number): void;
  load(file: File): Promise<void>;
  /** The image shown, and the one it was before the first stroke: in base64. */
  shown(): string;
  original(): string;
  bytes(): number[];
  /** Whether all pixels are the same. */
  blank(): boolean;
  /** Replace the image by these pixels, as the reader's own. */
  repaint(bytes: number[]): void;
  /** Whether the reader draws: keep words and numbers as they are. */
  drawing(): boolean;
  /** Paint the image. First in each `draw`. */
  paint(): void;
  /** Forget the strokes that could be undone; fingers scroll the page again. */
  restart(): void;
}

/** @param later called after each stroke with the new image; true: the figure is drawn later, when what it asked for is there */
export function garmentImage(stage: Stage, { words, move, resets = {} }: GarmentOptions, later = (_image: string, _bytes: number[]) => false): GarmentImage {
  const images = stage.get<string[]>("pictures");
  acceptPaste(stage.body.closest<HTMLElement>(".nin-figure")!, words.pasted);

  // ---- the image: one of those given, or the reader's own, with the one it was drawn over
  let checked = { text: "", own: "" }; // the trait `own`, and it again if it is a garment, else ""
  const own = () => {
    const text = stage.get<string>("own");
    if (text !== checked.text) checked = { text, own: isGarment(text) ? text : "" };
    return checked.own;
  };
  const index = () => {
    const asked = Math.round(stage.get("picture")) || 0;
    return asked < 0 && own() ? -1 : Math.max(0, Math.min(images.length - 1, asked));
  };
  const shown = () => (index() < 0 ? own() : images[index()]);
  const original = () => (index() < 0 ? stage.get<string>("before") || own() : images[index()]);
  type Past = { picture: number; own: string; before: string };
  const history: Past[] = [];
  const remember = () => history.push({ picture: stage.get("picture"), own: own(), before: stage.get("before") });
  let [decodedFrom, decoded] = ["", [] as number[]];
  const bytes = () => {
    if (decodedFrom !== shown()) [decodedFrom, decoded] = [shown(), decode(shown())];
    return decoded;
  };
  const repaint = (image: string, begins = true, draw = true) => {
    const before = original();
    if (begins) remember();
    stage.set({ own: image, picture: -1, before }, draw);
  };

  const text = debounce(stage);
  const onStroke = (bytes: number[], begins: boolean) => {
    [decodedFrom, decoded] = [encode(bytes), bytes.slice()];
    text.restart();
    repaint(decodedFrom, begins, !later(decodedFrom, decoded));
  };

  const tool = (): Tool => (stage.get("tool") === "eraser" ? "eraser" : "brush");
  const pad = drawingPad({
    label: words.pad,
    words: words.tools,
    side: SIDE,
    bytes,
    tool,
    choose: (tool) => stage.set({ tool }),
    move(row, column) {
      garment.cursor = [row, column];
      move(row, column);
    },
    paint: onStroke,
  });
  const padPainter = painter(pad.canvas, SIDE, SIDE);
  let painted = "";
  const button = (words: string, click: () => void) => h("button", { type: "button", class: "nin-button", click }, words);
  const garment: GarmentImage = {
    pad,
    clear: button(words.clear, () => {
      repaint(encode(Array(SIDE * SIDE).fill(0)));
      stage.set({ tool: "brush" });
    }),
    undo: button(words.undo, () => history.length && stage.set({ ...history.pop()! })),
    cursor: MIDDLE.slice(),
    index,
    hasOwn: () => !!own(),
    choose(picture) {
      remember();
      stage.set({ picture, ...resets });
    },
    async load(file) {
      const image = encode(await readGarment(file));
      remember();
      stage.set({ own: image, before: image, picture: -1, ...resets });
    },
    shown,
    original,
    bytes,
    blank: () => bytes().every((value) => value === bytes()[0]),
    repaint: (bytes) => repaint(encode(bytes)),
    drawing: text.pending,
    paint() {
      garment.undo.disabled = !history.length;
      if (painted !== shown()) padPainter.gray(bytes());
      painted = shown();
    },
    restart() {
      history.length = 0;
      garment.cursor = MIDDLE.slice();
      pad.setFinger(false);
      stage.invalidate();
    },
  };
  return garment;
}
