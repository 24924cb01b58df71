/** Train it here: the book's pocket network learns in the page, on the reader's GPU or processor. */
import style from "./train_here.css";
import { chart, measured, recent } from "./chart";
import { toTorch } from "./code";
import { training } from "./run";
import { settings } from "./settings";
import { story } from "./story";
import { WORDS } from "./words";
import { h, setStyle, setValue, write } from "../shell/dom";
import { figure, type Stage, type View } from "../shell/figure";
import { fixed, thousands } from "../shell/format";
import { garmentImage } from "../shell/garment_image";
import { colorTable, mapCanvas, type Painter, painter } from "../shell/maps";
import { preamble } from "../shell/python";
import { BATCH } from "../training/messages";
import { CLASSES } from "../training/plan";

const CHANCES = Math.log(CLASSES);
const LONG = 60; // seconds of a training, from which on the small twin is offered
const SURE = 3; // steps after which that is known

function mount(stage: Stage): View {
  const root = stage.body.closest<HTMLElement>(".nin-figure")!;
  const names = stage.get<string[]>("names");
  const size = stage.get<string>("download");
  const software = new URLSearchParams(location.search).has("software");
  const chosen = settings(stage);
  const garment = garmentImage(stage, { words: WORDS, move: () => stage.invalidate() });
  const learned = training(stage.model, stage.signal, (road) => {
    if (road) stage.body.dataset.path = road;
    stage.invalidate();
  });
  const tell = story(stage, learned, garment, chosen.choices, size);

  // ---- a page that nobody sees does not train
  let hidden = false;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && learned.phase === "training") {
      hidden = true;
      learned.pause();
    } else if (!document.hidden && hidden) {
      hidden = false;
      if (learned.phase === "paused") learned.goOn();
    }
  }, { signal: stage.signal });

  // ---- controls
  const button = (text: string, press: () => void) => h("button", { type: "button", class: "nin-button", click: press }, text);
  const begin = () => learned.begin(chosen.choices(), software);
  const actions = { idle: begin, loading: () => {}, training: learned.pause, paused: learned.goOn, done: begin };
  const go = button("", () => actions[learned.phase]());
  const fromStart = button(WORDS.fromStart, begin);
  const otherSeed = button(WORDS.otherSeed, () => {
    chosen.nextSeed();
    begin();
  });
  const fold = button(WORDS.settings, () => setOpen(!chosen.element.classList.contains("open")));
  const setOpen = (open: boolean) => {
    chosen.element.classList.toggle("open", open);
    fold.setAttribute("aria-expanded", String(open));
  };
  fold.classList.add("fold");
  setOpen(false);
  const twin = button(WORDS.twin, () => {
    chosen.useTwin();
    begin();
  });
  const noteText = h("span", {});
  const note = h("p", { class: "note" }, noteText, twin);

  // ---- what is learned
  const plot = chart(CHANCES, { chances: WORDS.chances, hint: WORDS.hint, epoch: WORDS.axis });
  const reading = (key: string, label: string) => {
    const value = h("b", {});
    return { value, element: h("div", {}, h("span", { class: "nin-label", "data-mark": key }, label), h("div", { class: "value" }, value)) };
  };
  const readings = Object.fromEntries(Object.entries(WORDS.readings).map(([key, label]) => [key, reading(key, label)])) as Record<keyof typeof WORDS.readings, ReturnType<typeof reading>>;
  const choice = h("select", { "aria-label": WORDS.images, change: () => garment.choose(Number(choice.value)) });
  stage.get<string[]>("pictures").forEach((_, i) => choice.append(h("option", { value: i }, names[i] ?? String(i))));
  const ownChoice = h("option", { value: -1 }, WORDS.own);
  choice.append(ownChoice);
  const tiles = names.map((name) => {
    const parts = { canvas: mapCanvas(), share: h("span", { class: "nin-number" }), bar: h("i", {}) };
    const element = h("li", {}, parts.canvas, h("span", { class: "name" }, name), 
      h("span", { class: "share" }, parts.share, h("span", { class: "nin-bar", "aria-hidden": "true" }, parts.bar)));
    return { ...parts, element };
  });
  stage.body.append(
    h("div", { class: "settings" }, h("div", { class: "go" }, go, fromStart, otherSeed, fold), chosen.element, note),
    h("div", { class: "run" },
      h("div", { class: "readings", "aria-hidden": "true" }, ...Object.values(readings).map(({ element }) => element)),
      h("div", { class: "plots" }, ...plot.parts)),
    h("div", { class: "image" },
      choice, garment.pad.element,
      h("div", { class: "nin-controls" }, garment.pad.tools, garment.pad.hint, garment.clear, garment.undo)),
    h("ul", { class: "classes", "aria-label": WORDS.classes }, ...tiles.map(({ element }) => element)),
  );

  // ---- drawing
  let painters: Painter[] | undefined;
  let painted: [string?, unknown?] = [];
  const paintMaps = () => {
    const seen = learned.seen;
    if (painted[0] === root.dataset.theme && painted[1] === seen) return;
    painted = [root.dataset.theme, seen];
    const side = Math.sqrt(seen?.maps[0].length ?? 49);
    painters ??= tiles.map(({ canvas }) => painter(canvas, side, side));
    const limit = Math.max(1e-6, ...(seen?.maps ?? []).map((map) => map.reduce((most, value) => Math.max(most, Math.abs(value)), 0)));
    const best = seen ? seen.shares.indexOf(Math.max(...seen.shares)) : -1;
    tiles.forEach(({ share, bar, element }, c) => {
      painters![c].signed(seen?.maps[c] ?? new Float32Array(side * side), limit, colorTable());
      write(share, seen ? `${(100 * seen.shares[c]).toFixed(0)}\u00a0%` : "–");
      setStyle(bar, "transform", `scaleX(${(seen?.shares[c] || 0).toFixed(2)})`);
      element.classList.toggle("best", c === best);
    });
  };
  const seconds = () => {
    const run = learned.run;
    return run?.speed && run.losses.length >= SURE ? (run.steps * BATCH) / run.speed : 0;
  };
  const drawNote = () => {
    const run = learned.run;
    const slow = learned.phase === "training" && seconds() > LONG;
    const changed = !!run && learned.phase !== "loading" && JSON.stringify(run.choices) !== JSON.stringify(chosen.choices());
    twin.hidden = !slow || run!.choices.network === "twin";
    write(noteText, slow ? WORDS.slow(WORDS.duration(seconds())) : changed ? WORDS.changed : "");
  };

  const view: View = {
    draw() {
      chosen.draw();
      setValue(choice, garment.index());
      ownChoice.hidden = !garment.hasOwn();
      garment.paint();
      garment.pad.showCursor(garment.cursor[0], garment.cursor[1]);
      learned.look(garment.shown(), garment.bytes());
      const { phase, run } = learned;
      write(go, { idle: learned.loaded ? WORDS.trainAgain : WORDS.train(size), loading: WORDS.loading, training: WORDS.pause, paused: WORDS.goOn, done: WORDS.again }[phase]);
      go.setAttribute("aria-disabled", String(phase === "loading")); // not disabled: it keeps the focus
      fromStart.disabled = otherSeed.disabled = !run;
      const last = (run?.losses.length ?? 0) - 1;
      write(readings.loss.value, last < 0 ? "–" : Number.isFinite(run!.losses[last]) ? fixed(run!.losses[last], 3) : "NaN");
      write(readings.right.value, last < 0 ? "–" : `${fixed(100 * recent(run!.rights, last), 1)}\u00a0%`);
      write(readings.test.value, run?.tests.length ? `${fixed(100 * measured(run.tests.at(-1)!), 1)}\u00a0%` : "–");
      write(readings.speed.value, run?.speed ? thousands(run.speed) : "–");
      plot.draw(run, learned.former, (run?.choices ?? chosen.choices()).epochs);
      drawNote();
      write(stage.foot, tell.hardware());
      paintMaps();
    },
    sentence: () => (garment.drawing() ? null : tell.sentence(hidden)),
    table: tell.table,
    code: () => preamble(view.sentence(), true) + toTorch((learned.run?.choices ?? chosen.choices()), stage.get("source")),
    loadImage: garment.load,
    restart() {
      learned.forget();
      garment.restart();
      setOpen(false);
    },
  };
  return view;
}

export default figure({
  name: "train_here",
  words: WORDS,
  state: ["rate", "epochs", "final_relu", "norm", "initialization", "network", "seed", "picture", "own", "before", "tool"],
  style,
  mount,
});
