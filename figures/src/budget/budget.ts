/** Spend 100,000 parameters: the cost of a small network, and the accuracy of trained ones. */
import style from "./budget.css";
import { debounce } from "../shell/debounce";
import { boxed, freshId, h, setStyle, setValue, slider, svg, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { thousands } from "../shell/format";
import { onKeys } from "../shell/keys";
import { onDrag } from "../shell/pointer";
import { preamble } from "../shell/python";
import { segments, segmentsStyle } from "../shell/segments";
import { type Choice, COUNTS, HEADS, type Head, KERNELS, type Kind, KINDS, LATE, layersOf, NARROWEST, nearest, PARTS, partsOf, type Row, total, type Trained, WIDEST } from "./networks";
import { WORDS } from "./words";

const percent = (share: number) => (100 * share).toFixed(2);
const described = ({ kernel, width, pointwise, bottleneck, head }: Choice) =>
  [WORDS.filters(kernel), WORDS.wide(width), WORDS.layers(pointwise), bottleneck && WORDS.squeezed(true), WORDS.heads[head]].filter(Boolean).join(", ");

/** List how a trained network differs from a choice. */
function differences(one: Choice, from: Choice): string {
  const words: [keyof Choice, string][] = [
    ["kernel", WORDS.filters(one.kernel)],
    ["width", WORDS.wide(one.width)],
    ["pointwise", WORDS.layers(one.pointwise)],
    ["bottleneck", WORDS.squeezed(one.bottleneck)],
    ["head", WORDS.heads[one.head]],
  ];
  return words.filter(([key]) => one[key] !== from[key]).map(([, text]) => text).join(", ");
}

/** A line or dot whose thickness does not scale with the drawing. */
const line = (name: string, d = "") => svg("path", { class: name, d, "vector-effect": "non-scaling-stroke" });
/** The same for shapes that change at a move: unlike a path's `d`, their points cause no style recalculation. */
const shape = (name: string, tag: "polygon" | "polyline" = "polygon") => svg(tag, { class: name, "vector-effect": "non-scaling-stroke" });
const put = (shape: SVGPolygonElement | SVGPolylineElement, points: string) => {
  if (shape.getAttribute("points") !== points) shape.setAttribute("points", points);
};

function mount(stage: Stage): View {
  const budget = stage.get<number>("budget");
  const trained = stage.get<Row[]>("measured").map(([kernel, width, pointwise, bottleneck, head, params, macs, accuracies]): Trained => ({
    kernel, width, pointwise, bottleneck, head, params, macs,
    mean: accuracies.reduce((a, b) => a + b) / accuracies.length,
    low: Math.min(...accuracies),
    high: Math.max(...accuracies),
    seeds: accuracies.length,
  }));

  /** The choice, clamped to its ranges. */
  const chosen = (): Choice => {
    const inside = (key: string, low: number, high: number) => Math.max(low, Math.min(high, Math.round(stage.get(key)) || 0));
    const head = stage.get<Head>("head");
    return {
      kernel: stage.get<number>("kernel") < 4 ? KERNELS[0] : KERNELS[1],
      width: inside("width", NARROWEST, WIDEST),
      pointwise: inside("pointwise", 0, COUNTS.length - 1),
      bottleneck: !!stage.get("bottleneck"),
      head: HEADS.includes(head) ? head : HEADS[0],
    };
  };
  /** Evaluate a choice: its costs by block and in all, and the index of the nearest trained network. */
  const evaluate = (now: Choice) => {
    const layers = layersOf(now);
    return {
      now,
      layers,
      parts: { params: partsOf(layers, "params"), macs: partsOf(layers, "macs") },
      params: total(layers, "params"),
      macs: total(layers, "macs"),
      index: nearest(now, trained),
    };
  };
  let last: { key: string; result: ReturnType<typeof evaluate> } | undefined;
  const present = () => {
    const now = chosen();
    const key = Object.values(now).join();
    if (key !== last?.key) last = { key, result: evaluate(now) };
    return last.result;
  };
  const byMacs = () => stage.get("across") === WORDS.costs[1];
  const bestSoFar = (): Trained | undefined => trained[stage.get<number>("best")];

  /** Set what the reader chose: drawn at once; words and numbers follow once the choices rest. */
  const textUpdate = debounce(stage);
  const choose = (changes: Record<string, unknown>) => {
    textUpdate.restart();
    stage.set(changes);
  };

  // ---- the choices
  const radios = <T extends string | number>(key: string, label: string, options: [T, string][]) => {
    const name = freshId(key);
    const inputs = options.map(([value]) => h("input", { type: "radio", name, value, change: () => choose({ [key]: value }) }));
    const element = h("div", { class: "radios", role: "radiogroup", "aria-label": label },
      h("span", { class: "nin-label", "aria-hidden": "true" }, label),
      ...options.map(([, text], i) => h("label", {}, inputs[i], ` ${text}`)));
    const show = (now: T) => inputs.forEach((input, i) => (input.checked = options[i][0] === now));
    return { element, show };
  };
  const kernel = radios("kernel", WORDS.kernel, KERNELS.map((side) => [side, WORDS.filters(side)]));
  const pointwise = radios("pointwise", WORDS.pointwise, COUNTS.map((_, count) => [count, String(count)]));
  const head = radios("head", WORDS.head, HEADS.map((name) => [name, WORDS.heads[name]]));
  const bottleneck = h("input", { type: "checkbox", change: () => choose({ bottleneck: bottleneck.checked }) });
  const steps = h("datalist", { id: freshId("widths") }, ...[...new Set(trained.map(({ width }) => width))].map((value) => h("option", { value })));
  const width = slider({ min: NARROWEST, max: WIDEST, step: 1, list: steps.id, input: () => choose({ width: Number(width.value) }) }, WORDS.channels);
  const widthText = h("span", { class: "nin-number" });
  const choices = h("div", { class: "choices" },
    kernel.element,
    h("label", { class: "slider" }, h("span", { class: "nin-label" }, WORDS.width), boxed(width), steps, boxed(widthText)),
    pointwise.element,
    h("label", {}, bottleneck, ` ${WORDS.bottleneck}`),
    head.element);

  // ---- the budget
  const bar = { spent: h("i", { class: "spent" }), over: h("i", { class: "over" }), mark: h("i", { class: "mark" }) };
  const spentText = h("span", { class: "nin-number" });
  const leftText = h("span", { class: "nin-number" });

  // ---- the blocks as areas: parameters above the line, multiply-adds below it
  const side = (params: number) => Math.sqrt(params);
  const extremes = KERNELS.flatMap((kernel) => COUNTS.flatMap((_, pointwise) => [false, true].flatMap((bottleneck) =>
    HEADS.map((head) => layersOf({ kernel, width: WIDEST, pointwise, bottleneck, head })))));
  const widest = PARTS.map((_, part) =>
    Math.max(...extremes.flatMap((layers) => [partsOf(layers, "params")[part], partsOf(layers, "macs")[part] / LATE].map(side))));
  const tallest = Math.max(...widest);
  const columns = widest.map((most) => Math.max(0.74 * tallest, most + 0.1 * tallest)); // each is wide enough for its number
  const lefts = columns.map((_, part) => columns.slice(0, part).reduce((a, b) => a + b, 0));
  const all = columns.reduce((a, b) => a + b);
  const areas = (name: string) => {
    const shapes = Object.fromEntries(KINDS.map((kind) => [kind, shape(kind)])) as Record<Kind, SVGPolygonElement>;
    const element = h("div", { class: `areas ${name}`, style: `aspect-ratio:${all}/${tallest}` },
      svg("svg", { viewBox: `0 0 ${all} ${tallest}`, "aria-hidden": "true" }, ...Object.values(shapes)));
    return { element, shapes };
  };
  const numbers = () => PARTS.map(() => h("span", { class: "nin-number" }));
  const grid = `grid-template-columns:${columns.map((share) => `minmax(0,${share.toFixed(1)}fr)`).join(" ")}`;
  const rows = {
    params: { ...areas("standing"), counts: numbers() },
    macs: { ...areas("hanging"), counts: numbers() },
  };
  const macsText = h("span", { class: "nin-label sum" });
  const legend = KINDS.map((kind) => ({
    kind,
    element: h("span", {}, svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, line(kind, "M1 1h10v10h-10z")), ` ${WORDS.kinds[kind]}`),
  }));

  // ---- the scatter of trained networks
  const layer = () => svg("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
  const [points, overlay] = [layer(), layer()]; // the points stay, the marks over them move
  const marks = { best: shape("best", "polyline"), spread: shape("spread near", "polyline") };
  overlay.append(marks.best, marks.spread);
  const nearestMark = layer(); // drawn at its upper left corner; its parent is moved
  nearestMark.append(line("ring", "M0 0h0"), line("gap", "M0 0h0"), line("dot near", "M0 0h0"), line("hole near", "M0 0h0"));
  const [mine, nearby] = [h("div", { class: "here" }), h("div", { class: "nearby" }, nearestMark)];
  const upTicks = h("div", { class: "up", "aria-hidden": "true" });
  const acrossTicks = h("div", { class: "across", "aria-hidden": "true" });
  const scatter = h("div", { class: "plot", role: "application", tabindex: 0, "aria-roledescription": WORDS.kind, "aria-label": `${WORDS.scatter}; ${WORDS.keys}` }, points, mine, overlay, nearby);
  const across = radios("across", WORDS.across, WORDS.costs.map((cost) => [cost, cost]));
  const bestText = h("p", {});
  const how = stage.get<{ epochs?: number; pictures?: number; judged?: number }>("trained");
  const sample = (text: string, ...paths: SVGPathElement[]) =>
    h("span", {}, svg("svg", { viewBox: "-10 -8 20 16", "aria-hidden": "true" }, ...paths), ` ${text}`);
  const limit = sample(WORDS.budget, line("limit", "M0-8V8"));
  const measured = h("div", { class: "measured" },
    h("span", { class: "nin-label" }, WORDS.accuracy),
    h("div", { class: "frame" }, upTicks, scatter, acrossTicks, across.element),
    h("p", { class: "legend" },
      sample(WORDS.heads.average, line("dot", "M0 0h0")),
      sample(WORDS.heads.fully_connected, line("dot", "M0 0h0"), line("hole", "M0 0h0")),
      sample(WORDS.mine, line("mine", "M0-3V7")),
      limit,
      sample(WORDS.best, line("best", "M-10 0H10"))),
    h("div", { class: "found" }, bestText));

  // Where there is no room for both, one is shown at a time.
  let visible: keyof typeof WORDS.part = "cost";
  const switched = segments(WORDS.parts, WORDS.part, (part) => {
    visible = part;
    stage.invalidate();
  });
  stage.body.append(
    choices,
    switched.element,
    h("div", { class: "budget" },
      h("p", {}, spentText, leftText),
      h("div", { class: "nin-bar", "aria-hidden": "true" }, bar.spent, bar.over, bar.mark)),
    h("div", { class: "cost" },
      h("span", { class: "nin-label" }, WORDS.up),
      rows.params.element,
      h("div", { class: "names", style: grid },
        ...rows.params.counts.map(boxed), ...PARTS.map((name) => h("span", { class: "nin-label" }, name)), ...rows.macs.counts.map(boxed)),
      rows.macs.element,
      macsText,
      h("p", { class: "legend" }, ...legend.map(({ element }) => element))),
    measured);
  if (!trained.length) measured.replaceChildren(h("p", { class: "nin-label" }, `${WORDS.missing} ${WORDS.measure}`), h("pre", {}, stage.get<string>("command")));
  else stage.body.append(h("p", { class: "small" }, how.epochs ? `${WORDS.howTrained(trained.length, how.epochs, thousands(how.pictures!), thousands(how.judged!))} ` : "", WORDS.rule));

  // ---- coordinates of the scatter plot
  const costOf = (one: { params: number; macs: number }) => (byMacs() ? one.macs : one.params);
  let [low, high] = [0, 1]; // logarithms of the costs at the left and right edge
  const xOf = (cost: number) => Math.max(0, Math.min(1, (Math.log(cost) - low) / (high - low)));
  const floor = Math.min(...trained.map(({ low }) => low));
  const ceiling = Math.max(...trained.map(({ high }) => high));
  const margin = 0.06 * (ceiling - floor) || 0.01;
  const yOf = (accuracy: number) => (ceiling + margin - accuracy) / (ceiling - floor + 2 * margin);
  const at = (one: Trained) => `${xOf(costOf(one)).toFixed(4)} ${yOf(one.mean).toFixed(4)}`;
  const spread = (one: Trained) => [one.low, one.high].map((accuracy) => `${xOf(costOf(one)).toFixed(4)} ${yOf(accuracy).toFixed(4)}`);

  let paintedByMacs: boolean | undefined;
  const paintScatter = () => {
    if (paintedByMacs === byMacs()) return;
    paintedByMacs = byMacs();
    const costs = trained.map(costOf);
    low = Math.log(Math.min(...costs) / 1.3);
    high = Math.log(Math.max(...costs, byMacs() ? 0 : budget) * 1.3);
    const step = [0.005, 0.01, 0.02, 0.05, 0.1].find((step) => (ceiling - floor) / step <= 7) ?? 0.2;
    const levels: number[] = [];
    for (let k = Math.ceil((floor - margin) / step); k * step <= ceiling + margin; k++) levels.push(k * step);
    upTicks.replaceChildren(...levels.map((level) =>
      h("span", { class: "nin-number", style: `top:${100 * yOf(level)}%` }, `${(100 * level).toFixed(step < 0.01 ? 1 : 0)} %`)));
    const powers = [3, 4, 5, 6, 7, 8].map((n) => 10 ** n).filter((n) => Math.log(n) > low && Math.log(n) < high);
    acrossTicks.replaceChildren(...powers.map((n) =>
      h("span", { class: "nin-number", style: `left:${100 * xOf(n)}%;transform:translateX(${xOf(n) > 0.9 ? -80 : -50}%)` }, thousands(n))));
    points.replaceChildren(
      line("rule", levels.map((level) => `M0 ${yOf(level)}H1`).join("") + powers.map((n) => `M${xOf(n)} 0V1`).join("")),
      line("spread", trained.map((one) => `M${spread(one).join("L")}`).join("")),
      ...trained.flatMap((one) => [line("dot", `M${at(one)}h0`), ...(one.head === "fully_connected" ? [line("hole", `M${at(one)}h0`)] : [])]));
    limit.hidden = byMacs();
    if (!byMacs()) points.append(line("limit", `M${xOf(budget)} 0V1`));
  };

  const go = (index: number) => {
    const { kernel, width, pointwise, bottleneck, head } = trained[index];
    choose({ kernel, width, pointwise, bottleneck, head });
  };
  const sorted = (by: (one: Trained) => number) => trained.map((_, i) => i).sort((a, b) => by(trained[a]) - by(trained[b]) || a - b);
  const orders = { params: sorted(({ params }) => params), macs: sorted(({ macs }) => macs), accuracy: sorted(({ mean }) => mean) };
  /** Step from the present network through those sorted by cost or accuracy. */
  const walk = (order: number[], steps: number) => go(order[Math.max(0, Math.min(order.length - 1, order.indexOf(present().index) + steps))]);
  const byCost = () => orders[byMacs() ? "macs" : "params"];
  if (trained.length) {
    onKeys(scatter, (step) => ({
      ArrowLeft: () => walk(byCost(), -step),
      ArrowRight: () => walk(byCost(), step),
      ArrowDown: () => walk(orders.accuracy, -step),
      ArrowUp: () => walk(orders.accuracy, step),
      Home: () => walk(byCost(), -Infinity),
      End: () => walk(byCost(), Infinity),
    }));
    const follow = (event: PointerEvent) => {
      const box = scatter.getBoundingClientRect();
      const distance = (one: Trained) =>
        Math.hypot(box.left + xOf(costOf(one)) * box.width - event.clientX, box.top + yOf(one.mean) * box.height - event.clientY);
      go(trained.reduce((best, one, i) => (distance(one) < distance(trained[best]) ? i : best), 0));
    };
    onDrag(scatter, { press: follow });
  }

  const drawAreas = (cost: "params" | "macs") => {
    const { shapes } = rows[cost];
    const { layers, parts } = present();
    const sums = parts[cost];
    // Polygon points: from the line to the far side of each slice and back, then along the line to the next.
    const drawn = Object.fromEntries(KINDS.map((kind) => [kind, ""])) as Record<Kind, string>;
    const base = cost === "params" ? tallest : 0;
    PARTS.forEach((_, part) => {
      const size = side(cost === "params" ? sums[part] : sums[part] / LATE);
      const far = Math.abs(base - size).toFixed(2);
      let left = lefts[part];
      for (const layer of layers.filter((one) => one.part === part)) {
        const right = left + (size * layer[cost]) / sums[part];
        const [from, to] = [left.toFixed(2), right.toFixed(2)];
        drawn[layer.kind] += `${from},${base} ${from},${far} ${to},${far} ${to},${base} `;
        left = right;
      }
    });
    for (const kind of KINDS) put(shapes[kind], drawn[kind]);
  };

  const writeCosts = () => {
    const { parts, params, macs } = present();
    for (const cost of ["params", "macs"] as const) rows[cost].counts.forEach((count, part) => write(count, thousands(parts[cost][part])));
    write(macsText, WORDS.down(thousands(macs)));
    write(spentText, WORDS.spent(thousands(params), thousands(budget)));
    write(leftText, params > budget ? WORDS.over(thousands(params - budget)) : WORDS.left(thousands(budget - params)));
  };

  const showChoices = () => {
    const { now } = present();
    kernel.show(now.kernel);
    pointwise.show(now.pointwise);
    head.show(now.head);
    bottleneck.checked = now.bottleneck;
    setValue(width, now.width);
  };

  const view: View = {
    draw() {
      const { now, params, macs, index } = present();
      if (!textUpdate.pending()) showChoices();
      write(widthText, String(now.width));
      switched.show(visible);
      for (const part of Object.keys(WORDS.part)) stage.body.classList.toggle(`part-${part}`, part === visible);
      drawAreas("params");
      drawAreas("macs");
      const shown = Math.max(params, budget);
      setStyle(bar.spent, "transform", `scaleX(${Math.min(params, budget) / shown})`);
      for (const end of [bar.over, bar.mark]) setStyle(end, "transform", `translateX(${(100 * budget) / shown}%)`);
      stage.body.classList.toggle("too-many", params > budget);
      if (!textUpdate.pending()) writeCosts();

      if (!trained.length) return;
      across.show(WORDS.costs[byMacs() ? 1 : 0]);
      paintScatter();
      const near = trained[index];
      setStyle(nearby, "transform", `translate(${100 * xOf(costOf(near))}%,${100 * yOf(near.mean)}%)`);
      nearby.classList.toggle("connected", near.head === "fully_connected");
      put(marks.spread, spread(near).join(" "));
      setStyle(mine, "transform", `translateX(${100 * xOf(costOf({ params, macs }))}%)`);
      const best = bestSoFar();
      if (params <= budget && !(best && best.mean >= near.mean)) stage.set({ best: index });
      put(marks.best, best ? [0, 1].map((x) => `${x} ${yOf(best.mean).toFixed(4)}`).join(" ") : "");
      if (textUpdate.pending()) return;
      const better = trained.filter(({ mean }) => best && mean > best.mean).length;
      write(bestText, best ? WORDS.bestIs(percent(best.mean), thousands(best.params), described(best)) + WORDS.better(better, trained.length) : WORDS.none);
    },
    sentence() {
      if (textUpdate.pending()) return null;
      const { now, parts, params, macs, index } = present();
      const rest = params > budget ? WORDS.tooMany(thousands(params - budget)) : WORDS.leaves(thousands(budget - params));
      const cost = described(now) + WORDS.costing(thousands(params), thousands(macs)) + rest;
      const sum = WORDS.sum(parts.params.map(thousands).join(" + "), thousands(params));
      if (!trained.length) return `${cost} ${WORDS.missing}${sum}`;
      const near = trained[index];
      const differs = differences(near, now);
      const reached = (differs ? WORDS.instead(differs) : WORDS.itself) + WORDS.reached(percent(near.mean), near.seeds, percent(near.low), percent(near.high));
      return (visible === "cost" ? [cost, reached] : [reached, cost]).join(" ") + sum; // first what is seen
    },
    table() {
      const sorted = [...trained].sort((a, b) => b.mean - a.mean);
      return {
        head: WORDS.columns,
        rows: sorted.map((one, i) => [
          i + 1, WORDS.filters(one.kernel), one.width, one.pointwise, one.bottleneck ? WORDS.yes : WORDS.no, WORDS.heads[one.head],
          thousands(one.params), thousands(one.macs), percent(one.mean), percent(one.low), percent(one.high), one.seeds,
        ]),
      };
    },
    code() {
      const { kernel, width, pointwise, bottleneck, head } = chosen();
      return `${preamble(view.sentence(), true)}from nin_lib.models import small_nin
from nin_lib.summary import blocks

network = small_nin(
    kernel=${kernel}, width=${width}, pointwise=${pointwise}, bottleneck=${bottleneck ? "True" : "False"}, head="${head}"
)
costs = blocks(network, (1, 1, 28, 28))
print(costs)
print(costs.params, costs.macs)
`;
    },
    restart() {
      visible = "cost";
    },
  };
  return view;
}

export default figure({
  name: "budget",
  words: WORDS,
  state: ["kernel", "width", "pointwise", "bottleneck", "head", "across", "best"],
  style: segmentsStyle + style,
  mount,
});
