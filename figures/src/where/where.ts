/** Where are the 1×1s? The pointwise layers of well-known networks, layer by layer. */
import style from "./where.css";
import { h, setStyle, setValue, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { thousands } from "../shell/format";
import { onKeys } from "../shell/keys";
import { onDrag } from "../shell/pointer";
import { preamble } from "../shell/python";

/** Kinds and orders, as in Python's `where.KINDS` and `where.ORDERS`. */
const KINDS = ["pointwise", "spatial", "depthwise", "fully_connected", "attention", "rest"] as const;
const ORDERS = ["as they come", "parameters", "multiply-adds"];
const COSTS = ["params", "macs"] as const;

const NAMES = { params: "parameters", macs: "multiply-adds" };

const WORDS = {
  title: "Where are the 1×1s?",
  how: "choose a network and one of its layers",
  caption:
    "A bar for each layer, as high as its share of the network’s parameters (above the line) or multiply-adds (below it). Pointwise layers have the color of the text: 1×1 convolutions, and linear layers that are applied at every position of a map or to every token, which compute the same. On a single position, as after a global average, such a layer is fully connected and counts as other. Counts are for one image, biases included, from the networks of nin_lib and torchvision when the figure was made.",
  network: "network",
  order: "order",
  orders: ["as they come", "most parameters first", "most multiply-adds first"],
  chart: "Layers as bars",
  keys: "left and right keys go from layer to layer",
  kind: "bar chart",
  kinds: {
    pointwise: "pointwise (1×1)",
    spatial: "spatial convolution",
    depthwise: "depthwise convolution",
    fully_connected: "fully connected",
    attention: "attention itself, without parameters",
    rest: "the rest: normalization, positions, scales",
  },
  up: "↑ share of the parameters",
  down: "↓ share of the multiply-adds",
  names: NAMES,
  sum: (ones: string, others: string, all: string) => `${ones} pointwise + ${others} other = ${all}`,
  share: (share: string) => `${share} pointwise`,
  place: (place: number, count: number, name: string) => `Layer ${place} of ${count}, ${name}: `,
  sorted: (bar: number, bars: number, name: string, place: number) => `Bar ${bar} of ${bars} is ${name}, layer ${place} of the network: `,
  what: {
    convolution: (side: number) => `${side === 11 ? "an" : "a"} ${side}×${side} convolution`,
    linear: "a linear layer at every position, which is a 1×1 convolution",
    depthwise: (side: number) => `a depthwise ${side}×${side} convolution`,
    connected: "a fully connected layer",
    attention: "attention itself, which has no parameters",
  },
  shape: (from: number, to: number, positions: string) => `, ${from} → ${to} channels at ${positions}. `,
  positions: (sides: number[]) => (sides.reduce((a, b) => a * b, 1) === 1 ? "one position" : `${sides.join("×")} positions`),
  rest: "The rest, all of it together (normalization, positions, scales): ",
  costs: (params: string, ofParams: string, paramShare: string, macs: string, ofMacs: string, macShare: string) =>
    `${params} of ${ofParams} parameters (${paramShare}) and ${macs} of ${ofMacs} multiply-adds (${macShare}).`,
  pointwise: (params: string, macs: string) => ` Pointwise in all: ${params} of the parameters and ${macs} of the multiply-adds.`,
  columns: ["layer", "name", "parameters", "multiply-adds", "kind", "filter", "channels", "positions"],
  restName: "the rest",
  allOnes: "pointwise",
  all: "all",
};

type Kind = (typeof KINDS)[number];
type Cost = (typeof COSTS)[number];

/** A layer, as Python's `Layer` lists it. */
type Row = [name: string, kind: number, kernel: number, inputs: number, channels: number, positions: number[], params: number, macs: number];

interface Layer {
  name: string;
  kind: Kind;
  kernel: number;
  inputs: number;
  channels: number;
  positions: number[];
  params: number;
  macs: number;
}

interface Network {
  key: string;
  title: string;
  year: number;
  /** Python's module and call that make it. */
  module: string;
  call: string;
  picture: number[];
  layers: Layer[];
  all: Record<Cost, number>;
  ones: Record<Cost, number>;
}

const total = (layers: Layer[], cost: Cost) => layers.reduce((sum, layer) => sum + layer[cost], 0);

function read(packed: { layers: Row[] } & Omit<Network, "layers" | "all" | "ones">): Network {
  const layers = packed.layers.map(([name, kind, kernel, inputs, channels, positions, params, macs]): Layer => ({
    name, kind: KINDS[kind], kernel, inputs, channels, positions, params, macs,
  }));
  const ones = layers.filter(({ kind }) => kind === "pointwise");
  const both = (of: Layer[]) => ({ params: total(of, "params"), macs: total(of, "macs") });
  return { ...packed, layers, all: both(layers), ones: both(ones) };
}

const percent = (share: number) => `${(100 * share).toFixed(1)}\u00a0%`;

function described({ kind, kernel, inputs, channels, positions }: Layer): string {
  if (kind === "rest") return WORDS.rest;
  const { what } = WORDS;
  const name =
    kind === "depthwise" ? what.depthwise(kernel)
    : kind === "attention" ? what.attention
    : kind === "fully_connected" ? what.connected
    : kernel ? what.convolution(kernel)
    : what.linear;
  return name + WORDS.shape(inputs, channels, WORDS.positions(positions));
}

/** The heights of the grid lines: up to three above zero, at round shares. */
function levels(most: number): number[] {
  const step = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2].find((step) => most / step < 4) ?? 0.5;
  return [1, 2, 3].map((k) => k * step).filter((level) => level <= most);
}

/** Write code that counts the shares of the chosen network again. */
function program({ module, call, picture, layers }: Network): string {
  const attends = layers.some(({ kind }) => kind === "attention");
  return `import torch
from torch import nn
from ${module} import ${call.split("(")[0]}

with torch.device("meta"):  # shapes without numbers: nothing is downloaded or computed
    network = ${call}.eval()

found = []  # of each layer: whether it is pointwise, its parameters, its multiply-adds


def count(layer, given, out):
    convolution = isinstance(layer, nn.Conv2d)
    positions = out.numel() // out.shape[1 if convolution else -1]
    one = positions > 1 and (not convolution or layer.kernel_size == (1, 1))
    parameters = sum(p.numel() for p in layer.parameters())
    found.append((one, parameters, positions * layer.weight.numel()))

${attends ? `
def attend(layer, given, out):
    tokens, width = given[0].shape[1:]
    weights = layer.in_proj_weight.numel() + layer.out_proj.weight.numel()
    biases = layer.in_proj_bias.numel() + layer.out_proj.bias.numel()
    found.append((True, weights + biases, tokens * weights))
    found.append((False, 0, 2 * tokens**2 * width))  # scores, and sums of the values

` : ""}
for layer in network.modules():
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        layer.register_forward_hook(count)
${attends ? `    if isinstance(layer, nn.MultiheadAttention):
        layer.register_forward_hook(attend)
` : ""}network(torch.empty(1, ${picture.join(", ")}, device="meta"))

parameters = sum(p.numel() for p in network.parameters())  # normalization too
multiply_adds = sum(macs for _, _, macs in found)
print(sum(p for one, p, _ in found if one), parameters)
print(sum(macs for one, _, macs in found if one), multiply_adds)
`;
}

function mount(stage: Stage): View {
  const networks = stage.get<Parameters<typeof read>[0][]>("networks").map(read);

  /** The state, clamped to its ranges. */
  const present = () => {
    const network = networks.find(({ key }) => key === stage.get("network")) ?? networks[0];
    const index = Math.max(0, Math.min(network.layers.length - 1, Math.round(stage.get("layer")) || 0));
    return { network, index, order: Math.max(0, ORDERS.indexOf(stage.get("order"))) };
  };
  /** Indices of the layers in the order in which they are drawn. */
  const arranged = ({ layers }: Network, order: number): number[] => {
    const indices = layers.map((_, index) => index);
    const cost = COSTS[order - 1];
    return cost ? indices.sort((a, b) => layers[b][cost] - layers[a][cost] || a - b) : indices;
  };

  // ---- the choices
  const select = h("select", { "aria-label": WORDS.network, change: () => stage.set({ network: select.value, layer: 0 }) },
    ...networks.map(({ key, title, year }) => h("option", { value: key }, `${title} (${year})`)));
  const orders = h("select", { "aria-label": WORDS.order, change: () => stage.set({ order: orders.value }) },
    ...ORDERS.map((value, i) => h("option", { value }, WORDS.orders[i])));
  const choices = h("div", { class: "choices" },
    h("label", {}, h("span", { class: "nin-label" }, WORDS.network), select),
    h("label", {}, h("span", { class: "nin-label" }, WORDS.order), orders));

  // ---- the two sums
  const sums = COSTS.map((cost) => {
    const [bar, share, sum] = [h("div", { class: "whole", "aria-hidden": "true" }), h("strong", {}), h("span", { class: "terms" })];
    return { cost, bar, share, sum, element: h("div", {}, h("p", {}, h("span", { class: "nin-label" }, WORDS.names[cost]), share), bar, sum) };
  });

  // ---- the layers
  const bars = h("div", { class: "bars" });
  const cursor = h("div", { class: "cursor" });
  const ticks = h("div", { class: "ticks", "aria-hidden": "true" });
  const rules = h("div", { class: "rules" });
  const plot = h("div", { class: "plot", role: "application", tabindex: 0, "aria-roledescription": WORDS.kind, "aria-label": `${WORDS.chart}; ${WORDS.keys}` },
    rules, cursor, bars);
  const legend = h("p", { class: "legend" }, ...KINDS.map((kind) => h("span", {}, h("i", { class: kind }), ` ${WORDS.kinds[kind]}`)));
  stage.body.append(
    choices,
    h("div", { class: "sums" }, ...sums.map(({ element }) => element)),
    h("span", { class: "nin-label" }, WORDS.up),
    h("div", { class: "frame" }, ticks, plot),
    h("span", { class: "nin-label" }, WORDS.down),
    legend);

  let drawn = { key: "", order: -1, indices: [] as number[] };
  const piece = (kind: Kind, look: string) => h("i", { class: kind, style: look });
  const paint = (network: Network, order: number) => {
    const { layers, all, ones } = network;
    const indices = arranged(network, order);
    drawn = { key: network.key, order, indices };
    for (const { cost, bar, share, sum } of sums) {
      bar.replaceChildren(...KINDS.map((kind) =>
        piece(kind, `width:${(100 * total(layers.filter((layer) => layer.kind === kind), cost)) / all[cost]}%`)));
      write(share, ` ${WORDS.share(percent(ones[cost] / all[cost]))}`);
      write(sum, WORDS.sum(thousands(ones[cost]), thousands(all[cost] - ones[cost]), thousands(all[cost])));
    }
    // Both halves have one scale; the middle of the plot is zero.
    const most = Math.max(...COSTS.flatMap((cost) => layers.map((layer) => layer[cost] / all[cost])));
    const height = (share: number) => (47 * share) / most;
    bars.replaceChildren(...indices.flatMap((index, i) => COSTS.filter((cost) => layers[index][cost]).map((cost) => {
      const across = `left:${(100 * i) / indices.length}%;width:${100 / indices.length}%`;
      return piece(layers[index].kind, `${across};${cost === "params" ? "bottom" : "top"}:50%;height:${height(layers[index][cost] / all[cost])}%`);
    })));
    const marks = levels(most).flatMap((level) => [-1, 1].map((side) => ({ level, top: 50 + side * height(level) })));
    rules.replaceChildren(...[50, ...marks.map(({ top }) => top)].map((top) => h("i", { style: `top:${top}%` })));
    const digits = levels(most)[0] < 0.01 ? 1 : 0;
    ticks.replaceChildren(...marks.map(({ level, top }) =>
      h("span", { class: "nin-number", style: `top:${top}%` }, `${(100 * level).toFixed(digits)} %`)));
    setStyle(cursor, "width", `${100 / indices.length}%`);
  };

  /** The order of the present state: the next key may come before the next frame. */
  const presentOrder = () => arranged(present().network, present().order);
  const go = (at: number) => {
    const indices = presentOrder();
    stage.set({ layer: indices[Math.max(0, Math.min(indices.length - 1, at))] });
  };
  const walk = (steps: number) => go(presentOrder().indexOf(present().index) + steps);
  onKeys(plot, (step) => ({
    ArrowLeft: () => walk(-step),
    ArrowRight: () => walk(step),
    Home: () => go(0),
    End: () => go(Infinity),
  }));
  const follow = (event: PointerEvent) => {
    const box = plot.getBoundingClientRect();
    go(Math.floor(((event.clientX - box.left) / box.width) * drawn.indices.length));
  };
  onDrag(plot, { press: follow });

  const view: View = {
    draw() {
      const { network, index, order } = present();
      setValue(select, network.key);
      setValue(orders, ORDERS[order]);
      if (drawn.key !== network.key || drawn.order !== order) paint(network, order);
      setStyle(cursor, "transform", `translateX(${100 * drawn.indices.indexOf(index)}%)`);
    },
    sentence() {
      const { network, index, order } = present();
      const { layers, all, ones } = network;
      const layer = layers[index];
      const bar = drawn.key === network.key && drawn.order === order ? drawn.indices.indexOf(index) : arranged(network, order).indexOf(index);
      const named = layer.kind === "rest" ? ""
        : order ? WORDS.sorted(bar + 1, layers.length, layer.name, index + 1)
        : WORDS.place(index + 1, layers.filter(({ kind }) => kind !== "rest").length, layer.name);
      const [params, macs] = COSTS.map((cost) => [thousands(layer[cost]), thousands(all[cost]), percent(layer[cost] / all[cost])] as const);
      const [paramShare, macShare] = COSTS.map((cost) => percent(ones[cost] / all[cost]));
      return named + described(layer) + WORDS.costs(...params, ...macs) + WORDS.pointwise(paramShare, macShare);
    },
    table() {
      const { network, order } = present();
      const { layers, all, ones } = network;
      const sum = (name: string, of: Record<Cost, number>) => [name, "", thousands(of.params), thousands(of.macs), "", "", "", ""];
      return {
        head: WORDS.columns,
        rows: [
          ...arranged(network, order).map((index) => {
            const { name, kind, kernel, inputs, channels, positions, params, macs } = layers[index];
            return kind === "rest"
              ? sum(WORDS.restName, { params, macs })
              : [index + 1, name, thousands(params), thousands(macs), WORDS.kinds[kind], kernel ? `${kernel}×${kernel}` : "", `${inputs} → ${channels}`, positions.join("×") || 1];
          }),
          sum(WORDS.allOnes, ones),
          sum(WORDS.all, all),
        ],
      };
    },
    code() {
      const { network } = present();
      return preamble(`${network.title} (${network.year}). ${view.sentence()}`, true) + program(network);
    },
  };
  return view;
}

export default figure({
  name: "where",
  words: WORDS,
  state: ["network", "layer", "order"],
  style,
  mount,
});
