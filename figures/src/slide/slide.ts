/** Slide it: a garment moves across the frame, and two heads on one kind of trunk classify it. */
import style from "./slide.css";
import type { Network } from "../net/network";
import { softmax } from "../net/softmax";
import { boxed, freshId, h, setClass, setValue, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed } from "../shell/format";
import { decode, encode, readGarment, SIDE } from "../shell/garment";
import { grid } from "../shell/grid";
import { onKeys } from "../shell/keys";
import { mapCanvas, paintColor } from "../shell/maps";
import { onDrag } from "../shell/pointer";
import { preamble } from "../shell/python";
import { colors, cssColor } from "../shell/theme";
import { weights } from "../shell/weights";
import { WORDS } from "./words";

const FILES = ["pair_average.f16", "pair_fully_connected.f16"];
const HEADS = ["average", "fully_connected"]; // as in Python's `small.HEADS`

const MOST = 8; // pixels each way
const ACROSS = 2 * MOST + 1;
const MIDDLE = MOST * ACROSS + MOST;
const CELL = 10; // canvas pixels a square of the map, the gap included
const SLICE = 6; // ms of a frame for filling; the browser has the rest

/** The probabilities of the ten classes from both heads, at an offset. */
type Answer = [number[], number[]];
type Both<T> = [T, T];

const best = (shares: number[]) => shares.indexOf(Math.max(...shares));
const percent = (share: number) => (100 * share).toFixed(0);

/** Shift a 28×28 image by whole pixels: pixels that leave the frame are lost, black comes in. */
function shifted(bytes: number[], right: number, down: number): number[] {
  return bytes.map((_, i) => {
    const [row, column] = [Math.floor(i / SIDE) - down, (i % SIDE) - right];
    return row >= 0 && row < SIDE && column >= 0 && column < SIDE ? bytes[row * SIDE + column] : 0;
  });
}

function mount(stage: Stage): View {
  const file = weights(stage, FILES);
  const names = stage.get<string[]>("names");
  const images = stage.get<string[]>("pictures");
  const root = stage.body.closest<HTMLElement>(".nin-figure")!;

  // ---- the state, clamped to its ranges
  const state = () => {
    const offset = (key: string) => Math.max(-MOST, Math.min(MOST, Math.round(stage.get(key)) || 0));
    const [right, down] = [offset("right"), offset("down")];
    const own = stage.get<string>("own");
    const picture = Math.max(own ? -1 : 0, Math.min(images.length - 1, Math.round(stage.get("picture")) || 0));
    const guess = stage.get<string>("guess");
    return {
      right,
      down,
      cell: (down + MOST) * ACROSS + right + MOST,
      picture,
      text: picture < 0 ? own : images[picture],
      guess: guess in WORDS.guesses ? guess : "",
    };
  };
  const go = (right: number, down: number) => {
    const inside = (offset: number) => Math.max(-MOST, Math.min(MOST, offset));
    stage.set({ right: inside(right), down: inside(down) });
  };

  // ---- elements
  const garment = h("select", { "aria-label": WORDS.garment, change: () => stage.set({ picture: Number(garment.value) }) },
    ...names.map((name, i) => h("option", { value: i }, name)),
    h("option", { value: -1, hidden: true }, WORDS.own));
  const canvas = mapCanvas();
  const frame = h("div", { class: "frame", role: "application", tabindex: 0, "aria-roledescription": "image that can be moved", "aria-label": WORDS.frame }, canvas);
  onKeys(frame, (step) => {
    const { right, down } = state();
    return {
      ArrowUp: () => go(right, down - step),
      ArrowDown: () => go(right, down + step),
      ArrowLeft: () => go(right - step, down),
      ArrowRight: () => go(right + step, down),
      Home: () => go(0, 0),
    };
  });
  let drag: { x: number; y: number; right: number; down: number; pixel: number } | undefined;
  onDrag(frame, {
    press(event) {
      const { right, down } = state();
      drag = { x: event.clientX, y: event.clientY, right, down, pixel: frame.getBoundingClientRect().width / SIDE };
    },
    move(event) {
      if (!drag) return;
      const pixels = (distance: number) => Math.round(distance / drag!.pixel);
      go(drag.right + pixels(event.clientX - drag.x), drag.down + pixels(event.clientY - drag.y));
    },
  });

  const radios = freshId("guess");
  const guesses = Object.entries(WORDS.guesses).map(([value, text]) => {
    const input = h("input", { type: "radio", name: radios, value, change: () => stage.set({ guess: value }) });
    return { value, input, element: h("label", {}, input, ` ${text}`) };
  });
  const fill = h("button", { type: "button", class: "nin-button", click: () => stage.set({ filled: true }) }, WORDS.fill);

  const heads = WORDS.heads.map((title) => {
    const bars = names.map((text) => {
      const made = { row: h("div", {}), bar: h("i", {}), share: h("span", { class: "nin-number" }) };
      made.row.append(h("span", {}, text), h("span", { class: "nin-bar" }, made.bar), boxed(made.share));
      return made;
    });
    const offsets = grid({ label: WORDS.map(title), move: (row, column) => go(column - MOST, row - MOST) });
    Object.assign(offsets.canvas, { width: ACROSS * CELL, height: ACROSS * CELL });
    offsets.element.classList.add("offsets");
    const element = h("div", { class: "head" },
      h("strong", {}, WORDS.inPercent(title)),
      h("div", { class: "scores" }, ...bars.map(({ row }) => row)),
      h("span", { class: "nin-label of", "aria-hidden": "true" }, title),
      h("div", { class: "place" }, offsets.element),
      h("span", { class: "nin-label axis", "aria-hidden": "true" }, ...WORDS.axis(MOST).map((text) => h("span", {}, text))));
    return { element, bars, offsets, painted: { for: "", cells: new Set<number>() } };
  });
  const where = h("span", { class: "nin-label" });
  const rightIs = h("span", {});
  const legend = h("p", { class: "legend" },
    h("span", {}, h("b", {}, WORDS.bold), ` ${WORDS.legend.best}`),
    h("span", {}, h("i", { class: "bar" }), " ", rightIs),
    h("span", { class: "revealed" }, h("i", { class: "dot" }), ` ${WORDS.legend.wrong}`),
    h("span", { class: "revealed" }, h("i", { class: "ring" }), ` ${WORDS.legend.here}`));
  stage.body.append(
    file.notice,
    h("fieldset", { class: "question" }, h("legend", {}, WORDS.question), ...guesses.map(({ element }) => element)),
    h("div", { class: "left" }, garment, frame, h("div", { class: "shown" }, where), h("div", { class: "revealed" }, fill)),
    ...heads.map(({ element }) => element),
    legend,
  );

  // ---- running the networks, once for each offset of each image
  let networks: Network[];
  let answers = new Map<string, Map<number, Answer>>();
  let lastGuess = "";
  const answersFor = (text: string) => {
    if (!answers.has(text)) answers.set(text, new Map());
    return answers.get(text)!;
  };
  const answerAt = (text: string, cell: number): Answer => {
    const answers = answersFor(text);
    const known = answers.get(cell);
    if (known) return known;
    const [mean, std] = stage.get<number[]>("normal");
    const moved = shifted(decode(text), (cell % ACROSS) - MOST, Math.floor(cell / ACROSS) - MOST);
    const input = moved.map((value) => (value / 255 - mean) / std);
    const made = networks.map((network) => {
      network.run(input);
      const last = network.layers.length - 1;
      return softmax(names.map((_, c) => network.at(last, c, 0)));
    }) as Answer;
    answers.set(cell, made);
    return made;
  };
  /** The right class: the image's label or, for the reader's own, each head's prediction before it moved. */
  const rightClasses = (): Both<number> => {
    const { picture, text } = state();
    return picture >= 0 ? [picture, picture] : (answerAt(text, MIDDLE).map(best) as Both<number>);
  };
  /** The cells from the middle to a cell straight left, right, above or below it; none if it lies aslant or is the middle. */
  const way = (cell: number): number[] => {
    const [down, right] = [Math.floor(cell / ACROSS) - MOST, (cell % ACROSS) - MOST];
    const distance = Math.abs(down + right);
    if (down && right) return [];
    return Array.from({ length: distance }, (_, k) => MIDDLE + (k + 1) * (Math.sign(down) * ACROSS + Math.sign(right)));
  };
  const countRight = (answers: Iterable<Answer>, classes: Both<number>): Both<number> => {
    const count: Both<number> = [0, 0];
    for (const answer of answers) answer.forEach((shares, i) => (count[i] += Number(best(shares) === classes[i])));
    return count;
  };
  const everywhere = Array.from({ length: ACROSS ** 2 }, (_, cell) => cell);
  const fillSlice = (text: string, cells: number[]) => {
    const answers = answersFor(text);
    const until = performance.now() + SLICE;
    for (const cell of cells) if (!answers.has(cell) && performance.now() < until) answerAt(text, cell);
    if (!cells.every((cell) => answers.has(cell))) stage.invalidate();
  };

  const paintMap = (i: number, text: string, rightClass: number) => {
    const { offsets, painted } = heads[i];
    const key = `${text} ${root.dataset.theme}`;
    const context = offsets.canvas.getContext("2d")!;
    if (painted.for !== key) {
      Object.assign(painted, { for: key, cells: new Set() });
      context.clearRect(0, 0, ACROSS * CELL, ACROSS * CELL);
    }
    const answers = answersFor(text);
    if (painted.cells.size === answers.size) return;
    const { neutral, ink } = colors();
    const [low, high] = [neutral, ink].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
    for (const [cell, answer] of answers) {
      if (painted.cells.has(cell)) continue;
      painted.cells.add(cell);
      const [x, y] = [(cell % ACROSS) * CELL, Math.floor(cell / ACROSS) * CELL];
      const share = answer[i][rightClass];
      context.fillStyle = cssColor(low.map((from, k) => from + (high[k] - from) * share) as [number, number, number]);
      context.fillRect(x, y, CELL - 1, CELL - 1);
      if (best(answer[i]) === rightClass) continue;
      context.fillStyle = ink; // has contrast on each such square: the right class has at most half there
      context.fillRect(x + 3, y + 3, 3, 3);
    }
  };

  let paintedFrame = "";
  const showFrame = () => {
    const { text, right, down } = state();
    const key = `${text} ${right} ${down}`;
    if (key === paintedFrame) return;
    paintedFrame = key;
    const gray = shifted(decode(text), right, down).map((value) => value / 255);
    paintColor(canvas, [gray, gray, gray], SIDE, SIDE);
  };

  const view: View = {
    draw() {
      showFrame();
      if (!file.ready()) return;
      networks = file.networks()!;
      const { text, cell, picture, right, down, guess } = state();
      if (!guess && lastGuess) answers = new Map(); // what was shown does not count for the next guess
      lastGuess = guess;
      setValue(garment, picture);
      stage.body.classList.toggle("asking", !guess);
      for (const { value, input } of guesses) input.checked = value === guess;
      answerAt(text, MIDDLE);
      const known = answersFor(text).has(cell);
      const answer = answerAt(text, guess ? cell : MIDDLE);
      if (guess && stage.get("filled")) fillSlice(text, everywhere);
      else if (guess && known) fillSlice(text, way(cell));
      else if (guess && way(cell).some((each) => !answersFor(text).has(each))) stage.invalidate(); // in the next frame
      fill.disabled = answersFor(text).size === ACROSS ** 2;
      const classes = rightClasses();
      write(rightIs, picture < 0 ? WORDS.legend.first : WORDS.legend.right);
      write(where, guess ? WORDS.moved(right, down) : WORDS.moved(0, 0));
      heads.forEach(({ bars, offsets }, i) => {
        bars.forEach(({ row, bar, share }, c) => {
          const size = `scaleX(${answer[i][c].toFixed(4)})`;
          if (bar.style.transform !== size) bar.style.transform = size;
          write(share, percent(answer[i][c]));
          setClass(row, [c === best(answer[i]) && "best", c === classes[i] && "right"].filter(Boolean).join(" "));
        });
        offsets.showCursor(down + MOST, right + MOST, ACROSS, ACROSS);
        if (guess) paintMap(i, text, classes[i]);
      });
    },
    sentence() {
      if (!networks) return file.sentence();
      const { text, cell, right, down, guess } = state();
      const where = WORDS.moved(right, down);
      if (!guess && cell !== MIDDLE) return where + WORDS.hidden;
      const classes = rightClasses();
      const shares = answerAt(text, cell).map((one, i) => percent(one[classes[i]]));
      const gives = WORDS.gives(classes.map((c) => names[c]), shares);
      if (!guess) return `${where}: ${gives}${WORDS.first}`;
      const answers = answersFor(text);
      /** What it tells of the guess: a head that loses it nowhere is asked last. */
      const judged = (of: number[]) => {
        const [average, connected] = of.map((pixels) => pixels || Infinity);
        return WORDS.expected((average === connected ? "alike" : HEADS[Number(connected < average)]) === guess);
      };
      const full = answers.size === ACROSS ** 2;
      const count = countRight(answers.values(), classes).map((right) => ACROSS ** 2 - right);
      const inAll = full ? WORDS.all(ACROSS ** 2 - 1, count) : "";
      const all = inAll && `${inAll}${WORDS.expected((count[0] === count[1] ? "alike" : HEADS[Number(count[1] > count[0])]) === guess)}. `;
      if (cell === MIDDLE) return `${all}${where}: ${gives}${full ? "" : WORDS.next}`;
      const straight = way(cell);
      if (!straight.every((each) => answers.has(each))) return `${where}: ${gives}`;
      const isLost = (each: number, i: number) => best(answers.get(each)![i]) !== classes[i];
      const lost = HEADS.map((_, i) => (straight.length ? straight.findIndex((each) => isLost(each, i)) + 1 : Number(isLost(cell, i))));
      const told = straight.length > 0 && (lost[0] || lost[1]) > 0; // the guess, in pixels; all moves come after it
      const start = `${where}${WORDS.lost(lost, !!straight.length)}${told ? judged(lost) : ""}. `;
      return (told ? start + (inAll && `${inAll}. `) : all + start) + gives[0].toUpperCase() + gives.slice(1);
    },
    table() {
      if (!networks) return { head: [], rows: [] };
      const { text, cell, picture, guess } = state();
      const answer = answerAt(text, guess ? cell : MIDDLE);
      const rows: (string | number)[][] = names.map((name, c) => [name, ...answer.map((shares) => fixed(shares[c], 5))]);
      if (guess) {
        const answers = answersFor(text);
        rows.push([WORDS.offsets, answers.size, answers.size]);
        rows.push([picture < 0 ? WORDS.kept : WORDS.right, ...countRight(answers.values(), rightClasses())]);
      }
      return { head: WORDS.columns, rows };
    },
    code() {
      const { text, right, down } = state();
      const [mean, std] = stage.get<number[]>("normal");
      return `${preamble(view.sentence(), true)}import base64
import torch
from nin_lib.data import shifted
from nin_lib.models import trained_pair

picture = "${text}"
pixels = torch.frombuffer(bytearray(base64.b64decode(picture)), dtype=torch.uint8)
moved = shifted(pixels.reshape(1, 1, 28, 28), right=${right}, down=${down})
x = (moved / 255 - ${mean}) / ${std}
names = ${JSON.stringify(names)}
for head in ("average", "fully_connected"):
    with torch.no_grad():
        shares = trained_pair(head)(x)[0].softmax(0)
    print(head, dict(zip(names, shares.tolist())))
`;
    },
    async loadImage(file) {
      stage.set({ own: encode(await readGarment(file)), picture: -1 });
    },
  };
  return view;
}

export default figure({
  name: "slide",
  words: WORDS,
  state: ["picture", "own", "right", "down", "guess", "filled"],
  style,
  mount,
});
