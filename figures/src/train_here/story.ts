/** What the figure says of the training, as a sentence and as a table. */
import type { Training } from "./run";
import { WORDS } from "./words";
import type { Stage, Table } from "../shell/figure";
import { fixed, thousands } from "../shell/format";
import { type GarmentImage } from "../shell/garment_image";
import { SIDE } from "../shell/garment";
import { BATCH, type Choices, GARMENTS } from "../training/messages";
import { CLASSES, plan, POCKET, TWIN } from "../training/plan";

const CHANCES = Math.log(CLASSES);
const RECENT = 20; // losses that are looked at
const AWAY = 0.03; // a mean loss this share away from that of equal chances has left it
const FIRST = 10; // steps that the table lists

const percent = (share: number) => fixed(100 * share, 1);

export function story(stage: Stage, learned: Training, garment: GarmentImage, choices: () => Choices, size: string) {
  const names = stage.get<string[]>("names");
  let [toldFor, told] = ["", ""]; // what was said of the image, and when

  const parameters = ({ network, norm, lastRelu }: Choices) => plan(1, { ...(network === "twin" ? TWIN : POCKET), norm, lastRelu }).size;
  const planned = () => {
    const now = choices();
    const steps = Math.floor(GARMENTS / BATCH) * now.epochs;
    return WORDS.plan(WORDS.networks[now.network], thousands(parameters(now)), now.epochs, thousands(GARMENTS), thousands(steps));
  };
  /** What the network says of the image; while it learns, once an epoch and after each stroke. */
  const named = () => {
    const { run, seen, phase } = learned;
    if (!run || !seen) return WORDS.starting;
    const key = `${phase} ${run.tests.length} ${seen.image} ${run.losses.length > 0} ${run.choices.seed} ${run.engine}`;
    if (phase === "training" && key === toldFor) return told;
    toldFor = key;
    const best = seen.shares.indexOf(Math.max(...seen.shares));
    const epoch = run.tests.at(-1)?.epoch;
    const when = epoch ? (phase === "training" ? WORDS.then(epoch) : "") : run.losses.length ? WORDS.inFirst : WORDS.untrained;
    return (told = WORDS.names(names[best] ?? "–", (100 * (seen.shares[best] || 0)).toFixed(0)) + when);
  };
  const tested = () => {
    const test = learned.run?.tests.at(-1);
    const { photographs, drawn } = learned.counts;
    if (!test) return "";
    return WORDS.after(test.epoch, learned.run!.choices.epochs) + (photographs
      ? WORDS.tests(percent(test.photographs), [thousands(photographs), thousands(drawn)], percent(test.drawn))
      : WORDS.testsDrawn(percent(test.drawn), thousands(drawn)));
  };
  const verdict = () => {
    const { run, phase } = learned;
    if (!run?.losses.length) return "";
    const last = run.losses.slice(-RECENT);
    if (!Number.isFinite(last.at(-1)!)) return WORDS.diverged + WORDS.chapter9;
    const still = phase === "done" || run.losses.length >= run.perEpoch;
    const mean = last.reduce((a, b) => a + b) / last.length;
    if (!still || mean < (1 - AWAY) * CHANCES) return "";
    const said = mean > (1 + AWAY) * CHANCES ? WORDS.worse(fixed(mean, 3), fixed(CHANCES, 3)) : WORDS.stuck(fixed(CHANCES, 3));
    const test = run.tests.at(-1);
    return said + (run.choices.lastRelu && test ? WORDS.zeros(percent(test.zeros)) : WORDS.chapter9);
  };
  const speed = () => {
    const { run, phase } = learned;
    if (phase !== "done" || !run?.speed) return "";
    const recorded = stage.get<[number, string][]>("recorded").map(([images, where]) => `${thousands(images)} ${where}`);
    return WORDS.speed(thousands(run.speed)) + WORDS.recorded(recorded);
  };
  return {
    sentence(hidden: boolean): string {
      const { phase, failure, run } = learned;
      const [y, x] = garment.cursor;
      const image = (garment.blank() ? WORDS.blank : "") + WORDS.pixel(y, x, garment.bytes()[y * SIDE + x]);
      const problem = failure.kind ? `${WORDS.failed[failure.kind](failure.why)} ` : "";
      if (phase === "loading") return WORDS.onTheWay(size) + planned() + image;
      if (!run) return (problem || (learned.loaded ? WORDS.ready : WORDS.idle(size))) + planned() + image;
      const paused = phase === "paused" ? (hidden ? WORDS.hidden : WORDS.paused) : "";
      const again = run.again ? WORDS.startedAgain : "";
      return (problem.trimEnd() + verdict() + tested() + ` ${named()}` + again + paused + image).trimStart();
    },
    /** What computes, and how fast: no result, so it stands under the sentence. */
    hardware(): string {
      const { run } = learned;
      if (!run?.engine) return "";
      const engine = WORDS.engine(run.engine, run.reason, run.detail) + (/JavaScript/.test(run.engine) ? WORDS.noWasm : "");
      return (engine + (learned.inWorker ? "" : WORDS.here) + speed()).trimStart();
    },
    table(): Table {
      const { run } = learned;
      const epochs = (run?.choices ?? choices()).epochs;
      const cell = (value: number | undefined, decimals: number, scale = 1) => (value === undefined ? "–" : Number.isFinite(value) ? fixed(scale * value, decimals) : "NaN");
      const mean = (values: number[]) => (values.length ? values.reduce((a, b) => a + b) / values.length : undefined);
      const steps = Array.from({ length: FIRST }, (_, i) => [WORDS.step(i + 1), cell(run?.losses[i], 6), cell(run?.rights[i], 1, 100), "", ""]);
      const rows = Array.from({ length: epochs }, (_, i) => {
        const part = (values: number[] = []) => mean(values.slice(i * (run?.perEpoch ?? 0), (i + 1) * (run?.perEpoch ?? 0)));
        const test = run?.tests[i];
        return [WORDS.epoch(i + 1), cell(part(run?.losses), 4), cell(part(run?.rights), 1, 100), cell(test?.photographs, 1, 100), cell(test?.drawn, 1, 100)];
      });
      return { head: WORDS.columns, rows: [...steps, ...rows] };
    },
  };
}
