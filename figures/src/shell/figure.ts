/** The frame of every figure: number, tools, drawing, one live sentence, caption, table. */
import base from "./shell.css";
import { freshId, h, write } from "./dom";
import type { Model } from "./model";
import { UnreadableImage } from "./image_file";
import { isDark, onTheme, variables } from "./theme";

export interface Table {
  head: string[];
  rows: (string | number)[][];
}

/** A mounted figure: draws the present state and describes it in words. */
export interface View {
  draw(): void;
  /** The live sentence; null: keep the last one while the reader draws or the network runs. */
  sentence(): string | null;
  table(): Table;
  code?(): string;
  /** Show the reader's own image; throws UnreadableImage with a sentence. */
  loadImage?(file: File): Promise<void>;
}

/** What the frame provides to a figure. */
export interface Stage {
  model: Model;
  body: HTMLElement;
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
  how: string;
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

const TOOLS = {
  image: "your own image",
  table: "as table",
  tableOff: "hide table",
  code: "copy as PyTorch",
  copied: "Copied.",
  notCopied: "This browser does not let a page copy; the text is below.",
  link: "copy link",
  reset: "start again",
};

const ANNOUNCE_AFTER = 400; // ms without a change, after which screen readers hear the sentence

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

      const titleId = freshId("title");
      const number = model.get("number") as string;
      const sentenceText = h("span", {});
      const sentenceBox = h("p", { class: "nin-says", "aria-hidden": "true" }, sentenceText);
      const liveRegion = h("p", { class: "nin-only-heard", role: "status" });
      const tools = h("span", { class: "nin-tools" });
      const body = h("div", { class: "nin-body" });
      const panel = h("div", { class: "nin-panel" });
      const root = h(
        "section",
        { class: `nin-figure nin-${spec.name}`, "aria-labelledby": titleId },
        h(
          "header",
          {},
          h("strong", { id: titleId }, number ? `Figure ${number}` : "", h("span", { class: "nin-only-heard" }, ` ${spec.words.title}`)),
          h("span", { class: "nin-how" }, spec.words.how),
          tools,
        ),
        body,
        sentenceBox,
        liveRegion,
        h("p", { class: "nin-caption" }, spec.words.caption),
        panel,
      );

      let awake = true;
      let dirty = false;
      let quiet = false; // state is being set without a drawing
      let view: View | undefined;
      let tableOpen = false;
      // The live region for screen readers follows the visible sentence once it rests; one timer at a time.
      let announce = 0;
      let changed = 0;
      const announceLater = () => {
        changed = performance.now();
        announce ||= setTimeout(announceNow, ANNOUNCE_AFTER) as unknown as number;
      };
      const announceNow = () => {
        const rest = ANNOUNCE_AFTER - (performance.now() - changed);
        announce = rest > 1 ? (setTimeout(announceNow, rest) as unknown as number) : 0;
        if (!announce) write(liveRegion, sentenceText.textContent!);
      };
      const draw = () => {
        dirty = false;
        if (!view || signal.aborted) return;
        view.draw();
        if (!body.classList.contains("loading")) el.dataset.ready = "true"; // the fallback may go
        const sentence = view.sentence();
        if (sentence === null) {
          if (!body.hasAttribute("aria-busy")) body.setAttribute("aria-busy", "true");
          return;
        }
        body.removeAttribute("aria-busy");
        if (write(sentenceText, sentence)) announceLater();
        if (tableOpen) showTable();
      };
      const invalidate = () => {
        if (dirty || quiet) return;
        dirty = true;
        if (awake) requestAnimationFrame(draw);
      };
      let saving = 0;
      const save = () => {
        saving ||= setTimeout(() => {
          saving = 0;
          if (!signal.aborted) model.save_changes();
        }, 80) as unknown as number;
      };
      const stage: Stage = {
        model,
        body,
        signal,
        get: (key) => model.get(key),
        set(changes, draw = true) {
          quiet = !draw;
          for (const [key, value] of Object.entries(changes)) model.set(key, value);
          quiet = false;
          save();
          if (draw) invalidate();
        },
        invalidate,
        draw: () => (awake ? draw() : invalidate()),
        awake: () => awake && !document.hidden,
      };

      const button = (text: string, press: (button: HTMLButtonElement) => void) => {
        const made = h("button", { type: "button", click: () => press(made) }, text);
        tools.append(made);
        return made;
      };
      let tableShown = "";
      const showTable = () => {
        const { head, rows } = view!.table();
        const text = JSON.stringify([head, rows]);
        if (text === tableShown && panel.querySelector("table")) return;
        tableShown = text;
        const cells = (values: (string | number)[], tag: "th" | "td") =>
          h("tr", {}, ...values.map((value, i) =>
            i === 0 || tag === "th"
              ? h("th", { scope: tag === "th" ? "col" : "row" }, String(value))
              : h("td", {}, String(value))));
        panel.replaceChildren(
          h("div", { class: "nin-scroll", tabindex: 0, role: "region", "aria-label": `${spec.words.title}${number && ` (${number})`}, ${TOOLS.table}` },
            h("table", {}, h("thead", {}, cells(head, "th")), h("tbody", {}, ...rows.map((row) => cells(row, "td"))))),
        );
      };
      const setTable = (open: boolean) => {
        tableOpen = open;
        toggle.setAttribute("aria-expanded", String(open));
        write(toggle, open ? TOOLS.tableOff : TOOLS.table);
      };
      const copy = async (text: string) => {
        setTable(false);
        const note = h("p", { role: "status" });
        panel.replaceChildren(note, h("pre", { tabindex: 0 }, text));
        try {
          await navigator.clipboard.writeText(text);
          write(note, TOOLS.copied);
        } catch {
          write(note, TOOLS.notCopied);
        }
      };

      view = spec.mount(stage);
      const { loadImage, code } = view;
      if (loadImage) {
        const load = async (file: File | undefined | null) => {
          if (!file) return;
          try {
            await loadImage(file);
            panel.querySelector("[role=alert]")?.remove();
          } catch (error) {
            const text = error instanceof UnreadableImage ? error.message : String(error);
            setTable(false);
            panel.replaceChildren(h("p", { role: "alert" }, text));
          }
        };
        const input = h("input", { type: "file", accept: "image/*", hidden: true, "aria-label": TOOLS.image });
        input.addEventListener("change", () => {
          void load(input.files?.[0]);
          input.value = "";
        });
        root.append(input);
        button(TOOLS.image, () => input.click());
        root.addEventListener("dragover", (event) => event.preventDefault());
        root.addEventListener("drop", (event) => {
          event.preventDefault();
          void load(event.dataTransfer?.files[0]);
        });
      }
      const toggle = button(TOOLS.table, () => {
        panel.replaceChildren();
        setTable(!tableOpen);
        if (tableOpen) showTable();
      });
      setTable(false);
      if (code) button(TOOLS.code, () => void copy(code()));
      if (model.link) button(TOOLS.link, () => void copy(model.link!()));
      const first = Object.fromEntries(spec.state.map((key) => [key, structuredClone(model.get(key))]));
      button(TOOLS.reset, () => stage.set(structuredClone(first)));

      const theme = () => {
        root.dataset.theme = isDark() ? "dark" : "light";
        invalidate();
      };
      onTheme(theme, signal);
      theme();
      model.on("change", invalidate);
      const watcher = new IntersectionObserver(
        ([entry]) => {
          awake = entry.isIntersecting;
          if (awake && dirty) requestAnimationFrame(draw);
          if (awake) root.dispatchEvent(new Event("wake"));
        },
        { rootMargin: "200px" },
      );
      // The sentence is in a box of fixed height, so that a new one causes no other layout; the box
      // grows to the longest sentence so far, and starts over when its width changes.
      let [height, width] = [0, 0];
      const sentenceSize = new ResizeObserver(([{ contentRect }]) => {
        if (contentRect.width === width && contentRect.height <= height) return;
        [height, width] = [contentRect.height, contentRect.width];
        sentenceBox.style.height = `${height}px`;
      });
      sentenceSize.observe(sentenceText);

      el.append(root);
      watcher.observe(root);
      draw();
      return () => {
        ended.abort();
        watcher.disconnect();
        sentenceSize.disconnect();
        clearTimeout(saving);
        clearTimeout(announce);
        model.off("change", invalidate);
        root.remove();
        delete el.dataset.ready;
      };
    },
  };
}
