/** A garment that the reader chooses, draws or loads, and a network's results for it, stroke by stroke. */
import type { Network } from "../net/network";
import { debounce } from "./debounce";
import { h } from "./dom";
import { acceptPaste, type DrawingPad, drawingPad, type Tool } from "./drawing_pad";
import type { Stage } from "./figure";
import { decode, encode, isGarment, readGarment, SIDE } from "./garment";
import { painter } from "./maps";
import { type NetworkWorker, networkWorker } from "./network_worker";
import { type Weights, weights } from "./weights";

const KEPT = 8; // results of earlier images
const MIDDLE = [13, 14]; // the cursor's first place

interface Options<Result> {
  /** The network's file of weights. */
  file: string;
  words: { pad: string; tools: Record<Tool, string>; clear: string; undo: string; pasted: string };
  /** The layers whose maps `compute` needs. */
  layers(network: Network): number[];
  /** Compute what the figure shows from an image's maps: layer by layer, one array a channel. */
  compute(image: string, maps: Float32Array[][]): Result;
  /** Called with the cursor's new position. */
  move(row: number, column: number): void;
  /** State to set with every new image. */
  resets?: Record<string, unknown>;
}

export interface GarmentEditor<Result> {
  weights: Weights;
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
  /** The result for any image; for the one shown or, until the worker answers, for the one before. */
  resultOf(image: string): Result;
  latestResult(): Result;
  /** All maps of any layer for the image shown; the network runs in the page. */
  mapsOf(layer: number): Float32Array[];
  /** Whether the reader draws: keep words and numbers as they are. */
  drawing(): boolean;
  /** Whether the worker is still to answer for the image shown. */
  computing(): boolean;
  /** Paint the image; returns the network once its weights are there. First in each `draw`. */
  draw(): Network | undefined;
  /** Forget the strokes that could be undone; fingers scroll the page again. */
  restart(): void;
  /** Python that computes `logits` of the image shown, and leaves `network` and `x`. */
  code(): string;
}

export function garmentEditor<Result>(stage: Stage, { file, words, layers, compute, move, resets = {} }: Options<Result>): GarmentEditor<Result> {
  const source = weights(stage, [file]);
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

  // ---- drawing: after each stroke the worker runs the network, then the figure is drawn
  const text = debounce(stage);
  const onStroke = (bytes: number[], begins: boolean) => {
    [decodedFrom, decoded] = [encode(bytes), bytes.slice()];
    text.restart();
    repaint(decodedFrom, begins, results.has(decodedFrom) || !worker?.run(decodedFrom, normalized(decoded)));
  };

  // ---- the network, run once for each image
  const results = new Map<string, Result>();
  let latest: Result;
  let worker: NetworkWorker | undefined;
  const normalized = (bytes: number[]) => {
    const [mean, std] = stage.get<number[]>("normal");
    return bytes.map((value) => (value / 255 - mean) / std);
  };
  const keep = (image: string, maps: Float32Array[][]): Result => {
    if (results.size > KEPT) for (const old of results.keys()) if (old !== original()) results.delete(old);
    latest = compute(image, maps);
    results.set(image, latest);
    return latest;
  };
  let ranOn = "";
  const runOn = (image: string): Network => {
    const [network] = source.networks()!;
    if (ranOn !== image) network.run(normalized(decode(image)));
    ranOn = image;
    return network;
  };
  const resultOf = (image: string): Result => {
    const known = results.get(image);
    if (known) return known;
    const network = runOn(image);
    return keep(image, layers(network).map((layer) => network.maps(layer)));
  };
  const computing = () => text.pending() && !!worker?.busy();
  const latestResult = () => results.get(shown()) ?? (computing() ? latest : resultOf(shown()));

  const tool = (): Tool => (stage.get("tool") === "eraser" ? "eraser" : "brush");
  const pad = drawingPad({
    label: words.pad,
    words: words.tools,
    side: SIDE,
    brief: stage.brief,
    bytes,
    tool,
    choose: (tool) => stage.set({ tool }),
    move(row, column) {
      editor.cursor = [row, column];
      move(row, column);
    },
    paint: onStroke,
  });
  const padPainter = painter(pad.canvas, SIDE, SIDE);
  let painted = "";
  const button = (words: string, click: () => void) => h("button", { type: "button", class: "nin-button", click }, words);
  const editor: GarmentEditor<Result> = {
    weights: source,
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
    resultOf,
    latestResult,
    mapsOf: (layer) => runOn(shown()).maps(layer),
    drawing: text.pending,
    computing,
    draw() {
      editor.undo.disabled = !history.length;
      if (painted !== shown()) padPainter.gray(bytes());
      painted = shown();
      if (!source.ready()) return;
      const [network] = source.networks()!;
      worker ??= networkWorker(source.bytes(file), layers(network), stage.signal, (image, maps) => {
        if (maps) keep(image, maps);
        stage.draw();
      });
      return network;
    },
    restart() {
      history.length = 0;
      editor.cursor = MIDDLE.slice();
      pad.setFinger(false);
      stage.invalidate();
    },
    code() {
      const [mean, std] = stage.get<number[]>("normal");
      return `import torch
from nin_lib import models

network = models.pocket_nin(trained=True)
pixels = torch.tensor([${bytes().join(", ")}])
x = (pixels.reshape(1, 1, ${SIDE}, ${SIDE}) / 255 - ${mean}) / ${std}
with torch.no_grad():
    logits = network(x)[0]
`;
    },
  };
  return editor;
}
