/** The frame of every figure: number, tools and their answers, drawing, one live sentence, caption. */
import base from "./shell.css";
import { freshId, h } from "./dom";
import { enlarging } from "./enlarge";
import type { Model } from "./model";
import { UnreadableImage } from "./image_file";
import { steadySliders } from "./pointer";
import { says } from "./says";
import { isDark, onTheme, variables } from "./theme";
import { type Table, tools } from "./tools";

export type { Table } from "./tools";

/** A mounted figure: draws the present state and describes it in words. */
export interface View {
  draw(): void;
  /** The live sentence; null: keep the last one while the reader draws or the network runs. */
  sentence(): string | null;
  table(): Table;
  code?(): string;
  /** Show the reader's own image; throws UnreadableImage with a sentence. */
  loadImage?(file: File): Promise<void>;
  /** Forget what is in no trait, such as a training run; the traits have their first values again. */
  restart?(): void;
}

/** What the frame provides to a figure. */
export interface Stage {
  model: Model;
  body: HTMLElement;
  /** Stands under the result: for what is no result, such as which hardware computes. */
  foot: HTMLElement;
  /** Aborted when the figure is removed. */
  signal: AbortSignal;
  get<T>(key: string): T;
  /**
   * Change the state as the reader asked: drawn in the next frame, or, with `draw` false, when the
   * figure next asks for it; saved to the host soon after.
   */
  set(changes: Record<string, unknown>, draw?: boolean): void;
  /** Draw again in the next frame in which the figure is on screen. */
  invalidate(): void;
  /** Draw at once: for answers that arrive in a task of their own, to save a second one. */
  draw(): void;
  /** Whether the figure is on screen, in a visible page. */
  awake(): boolean;
}

export interface Words {
  title: string;
  /** What to do, with whatever the reader has; and with which keys, where there are keys. */
  how: string;
  keys?: string;
  caption: string;
}

export interface Figure {
  name: string;
  words: Words;
  /** The traits that the reader changes; "start again" resets them. */
  state: string[];
  style?: string;
  mount(stage: Stage): View;
}

const WORDS = {
  image: "your own image",
  code: "copy as PyTorch",
  link: "copy link",
  marks: "what the marks mean",
  enlarge: "enlarge",
  leave: "leave full screen",
  reset: "start again",
  impossible: (names: string) =>
    `The figure cannot show what the address asks for (${names}); it shows its first state.`,
};

function addStyle(name: string, text: string): void {
  const id = `nin-style-${name}`;
  if (!document.getElementById(id)) document.head.append(h("style", { id }, text));
}

/** Make an anywidget module: `export default figure({…})`. */
export function figure(spec: Figure) {
  return {
    render({ model, el }: { model: Model; el: HTMLElement }): () => void {
      addStyle("shell", variables + base);
      if (spec.style) addStyle(spec.name, spec.style);
      const ended = new AbortController();
      const { signal } = ended;
      const { address } = model;
      const first = structuredClone(address?.first ?? Object.fromEntries(spec.state.map((key) => [key, model.get(key)])));

      // ---- the frame
      const { title, how, keys, caption } = spec.words;
      const titleId = freshId("title");
      const number = model.get("number") as string;
      const body = h("div", { class: "nin-body" });
      const foot = h("p", { class: "nin-foot" });
      const head = tools();
      const root = h("section", { class: `nin-figure nin-${spec.name}`, "aria-labelledby": titleId });
      const said = says(root, signal);
      steadySliders(root, signal);
      root.append(
        h("header", {},
          h("strong", { id: titleId }, number ? `Figure ${number}` : "", h("span", { class: "nin-title" }, ` ${title}`)),
          h("span", { class: "nin-how" }, how, keys && h("span", { class: "nin-keys" }, ` · ${keys}`)),
          head.buttons,
          head.answers),
        h("div", { class: "nin-stage" }, body, said.box, foot, head.panel),
        said.heard,
        h("p", { class: "nin-caption" }, caption),
      );

      // ---- drawing
      let awake = true;
      let dirty = false;
      let quiet = false; // state is being set without a drawing
      let view!: View;
      let mounted: AbortController | undefined;
      const draw = () => {
        dirty = false;
        if (signal.aborted) return;
        view.draw();
        if (!body.classList.contains("loading")) el.dataset.ready = "true"; // the fallback may go
        const sentence = view.sentence();
        if (sentence === null) {
          if (!body.hasAttribute("aria-busy")) body.setAttribute("aria-busy", "true");
          return;
        }
        body.removeAttribute("aria-busy");
        said.show(sentence);
        head.refresh();
      };
      const mount = () => {
        mounted?.abort();
        mounted = new AbortController();
        body.replaceChildren();
        foot.replaceChildren();
        body.className = "nin-body";
        view = spec.mount({ ...stage, signal: mounted.signal });
      };
      /** Run; if it fails in a state from the address, mount the figure anew in its first state. */
      const guarded = (run: () => void) => {
        try {
          run();
        } catch (error) {
          if (!address?.asked.length) throw error;
          console.warn(error);
          address.notice = WORDS.impossible(address.asked.join(", "));
          address.asked = [];
          head.notice(address.notice);
          setFirst();
          mount();
          if (root.isConnected) draw();
        }
      };
      const drawGuarded = () => guarded(draw);
      const invalidate = () => {
        if (dirty || quiet) return;
        dirty = true;
        if (awake) requestAnimationFrame(drawGuarded);
      };
      let saving = 0;
      const save = () => {
        saving ||= setTimeout(() => {
          saving = 0;
          if (!signal.aborted) model.save_changes();
        }, 80) as unknown as number;
      };
      const set: Stage["set"] = (changes, draw = true) => {
        quiet = !draw;
        for (const [key, value] of Object.entries(changes)) model.set(key, value);
        quiet = false;
        save();
        if (draw) invalidate();
      };
      const setFirst = () => set(structuredClone(Object.fromEntries(spec.state.map((key) => [key, first[key]]))));
      const stage: Omit<Stage, "signal"> = {
        model,
        body,
        foot,
        get: (key) => model.get(key),
        set,
        invalidate,
        draw: () => (awake ? drawGuarded() : invalidate()),
        awake: () => awake && !document.hidden,
      };
      guarded(mount);

      // ---- tools
      if (view.loadImage) {
        const load = async (file: File | undefined | null) => {
          if (!file) return;
          try {
            await view.loadImage!(file);
            head.notice("");
          } catch (error) {
            head.notice(error instanceof UnreadableImage ? error.message : String(error), "alert");
          }
        };
        const input = h("input", { type: "file", accept: "image/*", hidden: true, "aria-label": WORDS.image });
        input.addEventListener("change", () => {
          void load(input.files?.[0]);
          input.value = "";
        });
        root.append(input);
        head.add(WORDS.image, () => input.click());
        root.addEventListener("dragover", (event) => event.preventDefault());
        root.addEventListener("drop", (event) => {
          event.preventDefault();
          void load(event.dataTransfer?.files[0]);
        });
      }
      head.addTable(title + (number && ` (${number})`), () => view.table());
      if (view.code) head.add(WORDS.code, (button) => void head.copy(button, view.code!()));
      if (address) head.add(WORDS.link, (button) => void head.copyLink(button, address.link()));
      head.add(WORDS.marks, (button) => head.show(button, caption)).classList.add("nin-marks");
      const size = head.add(WORDS.enlarge, enlarging(root, (large) => (size.textContent = large ? WORDS.leave : WORDS.enlarge), signal));
      size.classList.add("nin-enlarge");
      head.add(WORDS.reset, () => {
        address?.clear();
        head.clear();
        setFirst();
        view.restart?.();
      });
      const followAddress = () => head.notice(address?.notice ?? "");
      followAddress();

      // ---- what wakes the figure
      const theme = () => {
        root.dataset.theme = isDark() ? "dark" : "light";
        invalidate();
      };
      onTheme(theme, signal);
      theme();
      model.on("change", invalidate);
      model.on("address", followAddress);
      const watcher = new IntersectionObserver(
        ([entry]) => {
          awake = entry.isIntersecting;
          if (awake && dirty) requestAnimationFrame(drawGuarded);
          if (awake) root.dispatchEvent(new Event("wake"));
        },
        { rootMargin: "200px" },
      );
      // What stays at the lower edge of the screen stays above an open panel.
      const raised = new ResizeObserver(() => root.style.setProperty("--panel", `${head.panel.offsetHeight}px`));
      raised.observe(head.panel);
      el.append(root);
      watcher.observe(root);
      drawGuarded();
      return () => {
        mounted?.abort();
        ended.abort();
        watcher.disconnect();
        raised.disconnect();
        clearTimeout(saving);
        model.off("change", invalidate);
        model.off("address", followAddress);
        root.remove();
        delete el.dataset.ready;
      };
    },
  };
}
