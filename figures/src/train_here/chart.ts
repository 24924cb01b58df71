/** Loss and accuracy over the steps of a training, in one chart with two scales. */
import { h, svg } from "../shell/dom";
import type { Run } from "./run";
import type { Test } from "../training/messages";

const TOP = 3; // of the scale of the loss
const MEAN = 10; // batches over which the accuracy in training is averaged

const line = (name: string, d = "") => svg("path", { class: name, d, "vector-effect": "non-scaling-stroke" });

/** A path through the values, each in 0…1 from the bottom; gaps where one is no number. */
function path(values: number[]): string {
  let pen = "M";
  return values
    .map((value, i) => {
      if (!Number.isFinite(value)) return (pen = "M") && "";
      const part = `${pen}${i + 1} ${(1 - Math.min(1, value)).toFixed(4)}`;
      pen = "L";
      return part;
    })
    .join("");
}

/** The mean of each value and those before it. */
export const recent = (values: number[], at: number): number => {
  const some = values.slice(Math.max(0, at - MEAN + 1), at + 1);
  return some.reduce((a, b) => a + b, 0) / some.length;
};

/** The accuracy that is shown: on photographs, where there are any. */
export const measured = ({ photographs, drawn }: Test): number => (Number.isNaN(photographs) ? drawn : photographs);

export function chart(chances: number, words: { chances: string; hint: string; epoch: string }) {
  const paths = { level: line("level", "M0 0.5H1"), chances: line("chances"), former: line("former"), right: line("right"), loss: line("present") };
  const drawing = svg("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none" }, ...Object.values(paths));
  const dots = h("div", { class: "dots" });
  const hint = h("span", { class: "hint" }, words.hint);
  const element = h("div", { class: "losses", "aria-hidden": "true" }, drawing, dots, hint);
  const tick = (share: number, text: string, name = "") => h("span", { class: name, style: `top:${100 * (1 - share)}%` }, text);
  const left = h("div", { class: "ticks", "aria-hidden": "true" }, tick(1, String(TOP)), tick(chances / TOP, words.chances, "chances"), tick(1 / TOP, "1"), tick(0, "0"));
  const right = h("div", { class: "ticks right", "aria-hidden": "true" }, tick(1, "100\u00a0%"), tick(0.5, "50"), tick(0, "0"));
  const epochs = h("div", { class: "epochs", "aria-hidden": "true" });
  let [drawn, dotted, ticked] = ["", "", ""];
  return {
    parts: [left, element, right, h("div", { class: "ticks epoch", "aria-hidden": "true" }, words.epoch), epochs],
    draw(run: Run | undefined, former: number[], count: number): void {
      const steps = run?.steps || 1;
      hint.hidden = !!run;
      const key = `${run?.losses.length} ${steps} ${former.length} ${run?.losses[0]}`;
      if (key !== drawn) {
        drawn = key;
        drawing.setAttribute("viewBox", `0 0 ${steps} 1`);
        paths.level.setAttribute("d", `M0 0.5H${steps}`);
        paths.chances.setAttribute("d", `M0 ${1 - chances / TOP}H${steps}`);
        paths.former.setAttribute("d", path(former.slice(0, steps).map((loss) => loss / TOP)));
        paths.loss.setAttribute("d", path((run?.losses ?? []).map((loss) => loss / TOP)));
        paths.right.setAttribute("d", path((run?.rights ?? []).map((_, i, all) => recent(all, i))));
      }
      const tests = run?.tests ?? [];
      const places = `${tests.length} ${steps} ${run?.perEpoch} ${tests[0]?.drawn}`;
      if (places !== dotted) {
        dotted = places;
        dots.replaceChildren(...tests.map((test) =>
          h("i", { style: `left:${(100 * test.epoch * run!.perEpoch) / steps}%;top:${100 * (1 - measured(test))}%` })));
      }
      if (String(count) === ticked) return;
      ticked = String(count);
      const every = Math.ceil(count / 10);
      const shown = Array.from({ length: count }, (_, i) => i + 1).filter((epoch) => epoch % every === 0);
      epochs.replaceChildren(...shown.map((epoch) => h("span", { style: `left:${(100 * epoch) / count}%` }, String(epoch))));
    },
  };
}
