/** A garment that the reader picks, draws on or brings, and what a network makes of it, stroke by stroke. */
import type { Network } from "../net/network";
import { type Beside, beside } from "./beside";
import { h } from "./dom";
import type { Stage } from "./figure";
import { decode, encode, isGarment, readGarment, SIDE } from "./garment";
import { hand } from "./hand";
import { sheet } from "./maps";
import { type Pad, pad, takePasted, type Tool } from "./paint";
import { type Weights, weights } from "./weights";

const KEPT = 8; // looks at earlier pictures

interface Options<Look> {
  /** The network's file of weights. */
  file: string;
  words: { pad: string; tools: Record<Tool, string>; clear: string; undo: string; pasted: string };
  /** Whose maps the look is made of. */
  layers(network: Network): number[];
  /** What the figure makes of a picture's maps: layer by layer, one array a channel. */
  make(picture: string, maps: Float32Array[][]): Look;
  /** The cursor went to a pixel. */
  move(row: number, column: number): void;
  /** State that begins anew with a new picture. */
  anew?: Record<string, unknown>;
}

export interface Drawn<Look> {
  weights: Weights;
  pad: Pad;
  clear: HTMLButtonElement;
  undo: HTMLButtonElement;
  /** The pixel that the pad's cursor is on. */
  at: number[];
  /** Which of the pictures is shown; −1: the reader's own. */
  index(): number;
  hasOwn(): boolean;
  /** Show one of the pictures, or the reader's own once there is one. */
  pick(index: number): void;
  take(file: File): Promise<void>;
  /** The picture shown, and what it was before the first stroke: in base64. */
  shown(): string;
  picked(): string;
  bytes(): number[];
  /** Whether all pixels are the same. */
  blank(): boolean;
  /** Put this there as the reader's own. */
  repaint(bytes: number[]): void;
  /** What the network makes of a picture; and of the one shown or, while a worker looks at that, the one before. */
  look(picture: string): Look;
  seen(): Look;
  /** Whether a hand draws, so that nothing is to be written; and whether the worker still looks. */
  drawing(): boolean;
  looking(): boolean;
  /** Paint the picture; the network once its weights are there. First in each `draw`. */
  draw(): Network | undefined;
  /** Python that computes `logits` of the picture shown, and leaves `network` and `x`. */
  code(): string;
}

export function drawn<Look>(stage: Stage, { file, words, layers, make, move, anew = {} }: Options<Look>): Drawn<Look> {
  const source = weights(stage, [file]);
  const pictures = stage.get<string[]>("pictures");
  takePasted(stage.body.closest<HTMLElement>(".nin-figure")!, words.pasted);

  // ---- the picture: one of those given, or the reader's own, which began as some other
  let known = { text: "", own: "" }; // what stands in the state, and it or nothing
  const own = () => {
    const text = stage.get<string>("own");
    if (text !== known.text) known = { text, own: isGarment(text) ? text : "" };
    return known.own;
  };
  const index = () => {
    const asked = Math.round(stage.get("picture")) || 0;
    return asked < 0 && own() ? -1 : Math.max(0, Math.min(pictures.length - 1, asked));
  };
  const shown = () => (index() < 0 ? own() : pictures[index()]);
  const picked = () => (index() < 0 ? stage.get<string>("before") || own() : pictures[index()]);
  type Past = { picture: number; own: string; before: string };
  const past: Past[] = [];
  const remember = () => past.push({ picture: stage.get("picture"), own: own(), before: stage.get("before") });
  let [decodedFrom, decoded] = ["", [] as number[]];
  const bytes = () => {
    if (decodedFrom !== shown()) [decodedFrom, decoded] = [shown(), decode(shown())];
    return decoded;
  };
  const repaint = (mine: string, begins = true, draw = true) => {
    const before = picked();
    if (begins) remember();
    stage.set({ own: mine, picture: -1, before }, draw);
  };

  // ---- by hand, stroke by stroke: the worker looks at the picture, then all of it is drawn
  const { moved, moves } = hand(stage);
  const stroke = (bytes: number[], begins: boolean) => {
    [decodedFrom, decoded] = [encode(bytes), bytes.slice()];
    moved();
    repaint(decodedFrom, begins, looks.has(decodedFrom) || !aside?.ask(decodedFrom, normal(decoded)));
  };

  // ---- the network, run once for each picture
  const looks = new Map<string, Look>();
  let latest: Look;
  let aside: Beside | undefined;
  const normal = (bytes: number[]) => {
    const [mean, std] = stage.get<number[]>("normal");
    return bytes.map((value) => (value / 255 - mean) / std);
  };
  const keep = (picture: string, maps: Float32Array[][]): Look => {
    if (looks.size > KEPT) for (const old of looks.keys()) if (old !== picked()) looks.delete(old);
    latest = make(picture, maps);
    looks.set(picture, latest);
    return latest;
  };
  const look = (picture: string): Look => {
    const found = looks.get(picture);
    if (found) return found;
    const [network] = source.networks()!;
    network.run(normal(decode(picture)));
    return keep(picture, layers(network).map((layer) => network.maps(layer)));
  };
  const looking = () => moves() && !!aside?.busy();
  const seen = () => looks.get(shown()) ?? (looking() ? latest : look(shown()));

  const tool = (): Tool => (stage.get("tool") === "eraser" ? "eraser" : "brush");
  const drawing = pad({
    label: words.pad,
    words: words.tools,
    side: SIDE,
    bytes,
    tool,
    take: (tool) => stage.set({ tool }),
    move(row, column) {
      made.at = [row, column];
      move(row, column);
    },
    paint: stroke,
  });
  const paper = sheet(drawing.canvas, SIDE, SIDE);
  let painted = "";
  const button = (words: string, click: () => void) => h("button", { type: "button", class: "nin-button", click }, words);
  const made: Drawn<Look> = {
    weights: source,
    pad: drawing,
    clear: button(words.clear, () => {
      repaint(encode(Array(SIDE * SIDE).fill(0)));
      stage.set({ tool: "brush" });
    }),
    undo: button(words.undo, () => past.length && stage.set({ ...past.pop()! })),
    at: [13, 14],
    index,
    hasOwn: () => !!own(),
    pick(picture) {
      remember();
      stage.set({ picture, ...anew });
    },
    async take(file) {
      const mine = encode(await readGarment(file));
      remember();
      stage.set({ own: mine, before: mine, picture: -1, ...anew });
    },
    shown,
    picked,
    bytes,
    blank: () => bytes().every((value) => value === bytes()[0]),
    repaint: (bytes) => repaint(encode(bytes)),
    look,
    seen,
    drawing: moves,
    looking,
    draw() {
      made.undo.disabled = !past.length;
      if (painted !== shown()) paper.gray(bytes());
      painted = shown();
      if (!source.ready()) return;
      const [network] = source.networks()!;
      aside ??= beside(source.bytes(file), layers(network), stage.signal, (picture, maps) => {
        if (maps) keep(picture, maps);
        stage.draw();
      });
      return network;
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
  return made;
}
