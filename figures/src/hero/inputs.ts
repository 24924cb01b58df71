/** What a map is computed from: the largest of its inputs with their weights, in pictures and in words. */
import type { Network } from "../net/network";
import { h, setClass, write } from "../shell/dom";
import { fixed, signed } from "../shell/format";
import { mapCanvas, paintSigned } from "../shell/maps";
import type { Stage, Table } from "../shell/figure";
import { isDark } from "../shell/theme";

const DRAWN = 6;
const NAMED = 3;
/** Printed decimals of weights and means. */
export const DECIMALS = 3;

const WORDS = {
  label: "what a map is computed from",
  hint: "Choose a map or a class: what is it computed from?",
  close: "close",
  title: (count: number) => `its ${DRAWN} largest inputs of ${count}, and their weights`,
  sum: (whose: string, count: number, block: number, bias: string) =>
    `${whose} adds up the ${count} maps of block ${block}’s convolution, each times a weight, and the bias ${bias}. `,
  largest: (relu: boolean, parts: string[]) => `The largest parts of its mean${relu ? " before the ReLU" : ""}: ${parts.join("; ")}. `,
  part: (channel: number, weight: string, part: number, size: string) =>
    `map ${channel}, weight ${weight}, ${part < 0 ? `takes ${size} away` : `adds ${size}`}`,
  number: (channel: number) => `map ${channel}`,
  columns: ["map", "its mean", "weight", "part of the mean"],
  bias: "bias",
  mean: "mean",
  beforeRelu: "mean before the ReLU",
};

/** A map of a 1×1 layer, opened. */
interface Opened {
  /** As in "Map 3 of block 2". */
  whose: string;
  block: number;
  layer: Network["layers"][number];
  unit: number;
  bias: number;
  /** Of the map before its ReLU, which is the sum of the parts and the bias. */
  mean: number;
  /** Its inputs, the largest part of the mean first. */
  parts: { channel: number; map: Float32Array; mean: number; weight: number; part: number }[];
}

/** Open the map of a unit; `maps` are all maps of the layer before. */
function open(network: Network, index: number, unit: number, maps: Float32Array[], whose: string, block: number): Opened {
  const weights = network.weightsOf(index, unit);
  const bias = network.biasOf(index, unit);
  const parts = maps.map((map, channel) => {
    const mean = map.reduce((a, b) => a + b, 0) / map.length;
    return { channel, map, mean, weight: weights[channel], part: weights[channel] * mean };
  });
  parts.sort((a, b) => Math.abs(b.part) - Math.abs(a.part));
  const mean = parts.reduce((sum, { part }) => sum + part, bias);
  return { whose, block, layer: network.layers[index], unit, bias, mean, parts };
}

export function inWords({ whose, block, layer, bias, parts }: Opened): string {
  const named = parts.slice(0, NAMED).map(({ channel, weight, part }) =>
    WORDS.part(channel, fixed(weight, DECIMALS), part, fixed(Math.abs(part), DECIMALS)));
  return WORDS.sum(whose, parts.length, block, fixed(bias, DECIMALS)) + WORDS.largest(layer.relu, named);
}

export function asTable({ layer, bias, mean, parts }: Opened): Table {
  const rows = parts.map(({ channel, ...numbers }) =>
    [channel, ...[numbers.mean, numbers.weight, numbers.part].map((value) => fixed(value, DECIMALS))]);
  return {
    head: WORDS.columns,
    rows: [...rows, [WORDS.bias, "", "", fixed(bias, DECIMALS)], [layer.relu ? WORDS.beforeRelu : WORDS.mean, "", "", fixed(mean, DECIMALS)]],
  };
}

/** Python that prints the parts named, after the code that leaves `network` and `x`. */
export const asPython = ({ layer, unit }: Opened): string => `
given = []
layer = network.${layer.name}
layer.register_forward_hook(lambda layer, inputs, output: given.append(inputs[0][0]))
with torch.no_grad():
    network(x)
    parts = layer.weight[${unit}, :, 0, 0] * given[0].mean((1, 2))
print(f"bias {layer.bias[${unit}]:.${DECIMALS}f}")
for c in parts.abs().argsort(descending=True)[:${NAMED}].tolist():
    print(f"map {c}, weight {layer.weight[${unit}, c].item():.${DECIMALS}f}, part {parts[c]:.${DECIMALS}f}")
`;

interface Options {
  /** The place of the class maps among the layers that can be opened, from 0. */
  last: number;
  name(place: number, channel: number): string;
  /** The image shown. */
  image(): string;
  /** The network and a layer's index in it, once there. */
  find(place: number): { network: Network; index: number } | undefined;
  mapsOf(index: number): Float32Array[];
}

/** The trait `opened`, [block, channel] with blocks counted from 1, its buttons, and the strip under them. */
export function opening(stage: Stage, { last, name, image, find, mapsOf }: Options) {
  const asked = () => {
    const [block, channel] = stage.get<number[]>("opened");
    return block ? { place: Math.min(block - 1, last), channel } : undefined;
  };
  const close = () => stage.set({ opened: [] });
  let found: { key: string; opened?: Opened } = { key: "" };
  const opened = (): Opened | undefined => {
    const now = asked();
    const there = now && find(now.place);
    const key = there ? JSON.stringify([now, image()]) : "";
    if (key === found.key) return found.opened;
    found = { key };
    if (!there) return;
    const { network, index } = there;
    const unit = Math.min(now.channel, network.layers[index].out - 1);
    return (found.opened = open(network, index, unit, mapsOf(index - 1), name(now.place, unit), now.place + 1));
  };
  stage.body.closest(".nin-figure")!.addEventListener("keydown", (event) => {
    if ((event as KeyboardEvent).key !== "Escape" || !asked()) return;
    event.stopPropagation(); // a large figure stays large
    close();
  }, { signal: stage.signal });

  const title = h("p", { class: "nin-label" });
  const parts = Array.from({ length: DRAWN }, () => {
    const [canvas, number, weight] = [mapCanvas(), h("span", { class: "nin-label" }), h("span", { class: "nin-number" })];
    return { canvas, number, weight, element: h("span", {}, canvas, number, weight) };
  });
  const shown = h("div", { class: "parts" }, ...parts.map(({ element }) => element),
    h("button", { type: "button", class: "nin-link", click: close }, WORDS.close));
  const buttons: { button: HTMLElement; place: number; channel: number }[] = [];
  let drawn = "none";
  return {
    opened,
    strip: h("div", { class: "inputs", role: "group", "aria-label": WORDS.label }, title, shown),
    /** A button that opens a map, or closes it; what it holds is its name, or an image's alone. */
    button(place: number, channel: number, canvas: HTMLElement, ...children: Node[]) {
      const button = h("button", {
        type: "button",
        "aria-label": children.length ? undefined : name(place, channel),
        click() {
          const now = asked();
          stage.set({ opened: now?.place === place && now.channel === channel ? [] : [place + 1, channel] });
        },
      }, canvas, ...children);
      buttons.push({ button, place, channel });
      return button;
    },
    draw() {
      const now = opened();
      const key = `${found.key} ${isDark()}`;
      if (key === drawn) return;
      drawn = key;
      for (const { button, place, channel } of buttons)
        button.setAttribute("aria-expanded", String(place + 1 === now?.block && channel === now.unit));
      shown.hidden = !now;
      write(title, now ? WORDS.title(now.parts.length) : WORDS.hint);
      now?.parts.slice(0, DRAWN).forEach(({ channel, map, weight }, i) => {
        write(parts[i].number, WORDS.number(channel));
        paintSigned(parts[i].canvas, map, now.layer.height, now.layer.width);
        write(parts[i].weight, signed(weight, DECIMALS));
        setClass(parts[i].weight, `nin-number ${weight < 0 ? "nin-neg" : "nin-pos"}`);
      });
    },
  };
}
