/** A two-layer perceptron as circles: filled by value, hollow where the unit is 0. */
import { h, write } from "../shell/dom";
import { onKeys } from "../shell/keys";
import { colors, colorScale, cssColor } from "../shell/theme";

export interface Drawing {
  labels: [string, string];
  /** The values of both layers here, and at the pinned position if there is one. */
  here: [number[], number[]];
  pinned: [number[], number[]] | null;
  chosen: { side: 0 | 1; unit: number };
  /** Into the chosen unit of the second layer: [unit of the first layer, product]. */
  lines: [number, number][];
}

// In units of the drawing, which is enlarged to the available width.
const COLUMN = 16; // units in a column
const STEP = 15;
const RADIUS = 5.6;
const HEIGHT = COLUMN * STEP + 6;
const SHADES = 60; // of each sign

type Point = { x: number; y: number };

function positions(count: number, side: 0 | 1, width: number): Point[] {
  const columns = Math.ceil(count / COLUMN);
  const rows = Math.ceil(count / columns);
  const left = side === 0 ? RADIUS + 3 : width - RADIUS - 3 - (columns - 1) * STEP;
  return Array.from({ length: count }, (_, unit) => ({
    x: left + Math.floor(unit / rows) * STEP,
    y: 11 + ((unit % rows) + (COLUMN - rows) / 2) * STEP,
  }));
}

export function perceptron(label: string, choose: (side: "before" | "after", unit: number) => void, signal: AbortSignal) {
  // Outlines change with the block and the pin only: they have a canvas of their own, on top.
  const canvas = h("canvas", { "aria-hidden": "true" });
  const rings = h("canvas", { "aria-hidden": "true", class: "rings" });
  const names = [h("span", {}), h("span", {})];
  const element = h(
    "div",
    { class: "perceptron", role: "application", tabindex: 0, "aria-roledescription": "small network", "aria-label": label },
    h("div", { class: "nin-label" }, ...names),
    h("div", { class: "drawing" }, canvas, rings),
  );
  const context = canvas.getContext("2d")!;
  const upper = rings.getContext("2d")!;
  let wide = 19 * STEP; // of the drawing, whose height is HEIGHT: as the style sheet shapes the canvas
  let units: [Point[], Point[]] = [[], []];
  // All outlines are two paths, and all colors a table, to make drawing at every move cheap.
  let circles = new Path2D();
  let halves = new Path2D();
  let shades: string[] = [];
  let shadesFor = ""; // a color that tells the theme
  const outline = () => {
    [circles, halves] = [new Path2D(), new Path2D()];
    for (const { x, y } of units.flat()) {
      circles.moveTo(x + RADIUS, y);
      circles.arc(x, y, RADIUS, 0, 2 * Math.PI);
      halves.moveTo(x, y - RADIUS);
      halves.lineTo(x, y + RADIUS);
    }
    halves.addPath(circles);
  };
  let placed = ""; // how many units each layer has
  let ringed: { outlines?: Path2D; color?: string } = {};
  let now: Drawing | undefined;

  const go = (side: 0 | 1, wanted: number) => {
    const unit = Math.max(0, Math.min(units[side].length - 1, wanted));
    if (now) now = { ...now, chosen: { side, unit } }; // at once: the next key may come before the next frame
    choose(side === 0 ? "before" : "after", unit);
  };
  onKeys(element, (): Record<string, () => void> => {
    if (!now) return {};
    const { side, unit } = now.chosen;
    return {
      ArrowUp: () => go(side, unit - 1),
      ArrowDown: () => go(side, unit + 1),
      ArrowLeft: () => go(0, unit),
      ArrowRight: () => go(1, unit),
      Home: () => go(side, 0),
      End: () => go(side, Infinity),
    };
  });
  // The unit nearest to where the reader clicks, so that a finger need not hit its circle.
  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) * wide) / box.width;
    const y = ((event.clientY - box.top) * HEIGHT) / box.height;
    const all = ([0, 1] as const).flatMap((side) => units[side].map((point, unit) => ({ side, unit, far: Math.hypot(point.x - x, point.y - y) })));
    const { side, unit } = all.reduce((best, one) => (one.far < best.far ? one : best));
    go(side, unit);
  });

  const place = () => {
    if (!now) return;
    units = [positions(now.here[0].length, 0, wide), positions(now.here[1].length, 1, wide)];
    outline();
  };
  const paint = () => {
    if (!now) return;
    const { here, pinned, chosen, lines } = now;
    const { ink, muted } = colors();
    if (muted !== shadesFor) {
      const shade = colorScale(1);
      shades = Array.from({ length: 2 * SHADES + 1 }, (_, i) => cssColor(shade(i / SHADES - 1)));
      shadesFor = muted;
    }
    const ratio = canvas.width / wide;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, wide, HEIGHT);
    const spot = units[chosen.side][chosen.unit];
    const most = Math.max(...lines.map(([, product]) => Math.abs(product)), 1e-9);
    for (const [unit, product] of lines) {
      context.beginPath();
      context.moveTo(units[0][unit].x + RADIUS, units[0][unit].y);
      context.lineTo(spot.x - RADIUS, spot.y);
      context.strokeStyle = shades[Math.round(SHADES * (1 + product / most))];
      context.lineWidth = 0.6 + (2.6 * Math.abs(product)) / most;
      context.stroke();
    }
    here.forEach((values, side) => {
      const largest = Math.max(...values.map(Math.abs), ...(pinned?.[side].map(Math.abs) ?? []), 1e-9);
      const fill = (value: number, point: Point, from: number, to: number) => {
        if (value === 0) return;
        context.beginPath();
        context.arc(point.x, point.y, RADIUS, from, to);
        context.fillStyle = shades[Math.round(SHADES * (1 + value / largest))];
        context.fill();
      };
      values.forEach((value, unit) => {
        const point = units[side][unit];
        if (pinned) {
          fill(pinned[side][unit], point, Math.PI / 2, 1.5 * Math.PI);
          fill(value, point, -Math.PI / 2, Math.PI / 2);
        } else fill(value, point, 0, 2 * Math.PI);
      });
    });
    const outlines = pinned ? halves : circles;
    if (outlines !== ringed.outlines || muted !== ringed.color || rings.width !== canvas.width) {
      ringed = { outlines, color: muted };
      Object.assign(rings, { width: canvas.width, height: canvas.height });
      upper.setTransform(ratio, 0, 0, ratio, 0, 0);
      upper.strokeStyle = muted;
      upper.lineWidth = 0.8;
      upper.stroke(outlines);
    }
    context.beginPath();
    context.arc(spot.x, spot.y, RADIUS + 2.2, 0, 2 * Math.PI);
    context.strokeStyle = ink;
    context.lineWidth = 1.6;
    context.stroke();
  };
  const fit = new ResizeObserver(([entry]) => {
    const [width, height] = [entry.contentRect.width, entry.contentRect.height].map((length) => Math.round(length * Math.min(2, devicePixelRatio || 1)));
    if (!width || (width === canvas.width && height === canvas.height)) return;
    Object.assign(canvas, { width, height });
    wide = (HEIGHT * width) / height;
    place();
    paint();
  });
  fit.observe(canvas);
  signal.addEventListener("abort", () => fit.disconnect());

  return {
    element,
    draw(drawing: Drawing): void {
      drawing.labels.forEach((text, side) => write(names[side], text));
      const counts = drawing.here.map((values) => values.length).join();
      now = drawing;
      if (counts !== placed) place();
      placed = counts;
      paint();
    },
  };
}
