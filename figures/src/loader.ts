/**
 * Loader of a page's figures: imports a figure's module when it is about to scroll into view, and
 * gives it a small model with anywidget's methods. Loading it twice does no harm.
 */
import "./shell/keys"; // which must listen before the page does
import type { FileRequest, Model } from "./shell/model";

const WORDS = {
  unknown: (names: string) =>
    `The address asks for values that this figure does not have (${names}); it shows the nearest that it has, or the first ones.`,
  folder:
    "This page was opened from a folder, where browsers do not load the live figure; shown here is its first state. With “python -m http.server” run in that folder, the figure is live at http://localhost:8000.",
  failed: (error: unknown) => `The live figure did not load (${error}); shown here is its first state.`,
};

interface Page extends HTMLElement {
  ninLive?: boolean;
}

/** Read a figure's state from the page's address: #fig-1.1:row=2&column=3. */
function fromAddress(number: string): Record<string, unknown> {
  let hash = location.hash.slice(1);
  try {
    hash = decodeURIComponent(hash);
  } catch {
    // Cut in the middle of a character: read as it is.
  }
  const [id, state] = hash.split(/:(.*)/s);
  if (id !== `fig-${number}` || !state) return {};
  const found: Record<string, unknown> = {};
  for (const part of state.split("&")) {
    const [key, value = ""] = part.split(/=(.*)/s);
    try {
      found[key] = JSON.parse(value);
    } catch {
      found[key] = value;
    }
  }
  return found;
}

/** The values that a trait may have: a range, or a list. */
interface Limit {
  min?: number;
  max?: number;
  among?: unknown[];
}
const within = (value: any, { min = -Infinity, max = Infinity, among }: Limit = {}) =>
  among ? among.includes(value) : typeof value !== "number" || (value >= min && value <= max);

const kind = (value: unknown) => (Array.isArray(value) ? "array" : value === null ? "null" : typeof value);

function addNote(element: HTMLElement, text: string): HTMLElement {
  const sentence = document.createElement("p");
  sentence.className = "nin-aside";
  sentence.setAttribute("role", "status");
  sentence.textContent = text;
  element.append(sentence);
  return sentence;
}

function modelOf(element: HTMLElement): Model {
  const first = JSON.parse(element.dataset.state!) as Record<string, unknown>;
  const limits = JSON.parse(element.dataset.limits ?? "{}") as Record<string, Limit>;
  const shared = (element.dataset.shared ?? "").split(" ").filter(Boolean);
  const state = { ...first };
  const listeners: Record<string, Set<(...args: any[]) => void>> = {};
  const emit = (event: string, ...args: unknown[]) => listeners[event]?.forEach((call) => call(...args));
  const number = element.dataset.number ?? "";
  const model: Model = {
    get: (key) => state[key],
    set(key, value) {
      if (state[key] === value) return;
      state[key] = value;
      emit(`change:${key}`);
      emit("change");
    },
    save_changes() {},
    on: (event, call) => void (listeners[event] ??= new Set()).add(call),
    off: (event, call) => void (call ? listeners[event]?.delete(call) : delete listeners[event]),
    async send(content) {
      const { ask } = content as FileRequest;
      try {
        const inside = JSON.parse(element.dataset.files ?? "{}") as Record<string, string>;
        const answer = await fetch(inside[ask] ?? new URL(ask, new URL(element.dataset.src!, document.baseURI)));
        if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
        const bytes = new DataView(await answer.arrayBuffer());
        emit("msg:custom", { file: ask }, [bytes]);
      } catch (error) {
        emit("msg:custom", { file: ask, error: String(error) }, []);
      }
    },
    link() {
      const parts = shared
        .filter((key) => JSON.stringify(state[key]) !== JSON.stringify(first[key]))
        .map((key) => `${key}=${typeof state[key] === "string" ? state[key] : JSON.stringify(state[key])}`);
      const address = new URL(location.href);
      address.hash = `fig-${number}${parts.length ? ":" + parts.join("&") : ""}`;
      history.replaceState(null, "", address);
      return address.href;
    },
  };
  let note: HTMLElement | undefined;
  const follow = () => {
    const found = fromAddress(number);
    const unknown: string[] = [];
    for (const [key, value] of Object.entries(found)) {
      const fits = shared.includes(key) && kind(value) === kind(first[key]);
      if (fits) model.set(key, value); // the figure clamps it to the values it has
      if (!fits || !within(value, limits[key])) unknown.push(key);
    }
    note?.remove();
    if (unknown.length) note = addNote(element, WORDS.unknown(unknown.join(", ")));
    if (Object.keys(found).length) element.scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", follow);
  follow();
  return model;
}

async function wake(element: HTMLElement): Promise<void> {
  try {
    const source = new URL(element.dataset.src!, document.baseURI).href;
    const module = await import(source);
    module.default.render({ model: modelOf(element), el: element });
  } catch (error) {
    addNote(element, location.protocol === "file:" ? WORDS.folder : WORDS.failed(error));
  }
}

const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries)
      if (isIntersecting) {
        watcher.unobserve(target);
        void wake(target as HTMLElement);
      }
  },
  { rootMargin: "600px" },
);

function start(): void {
  for (const element of document.querySelectorAll<Page>(".nin-live"))
    if (!element.ninLive) {
      element.ninLive = true;
      watcher.observe(element);
      if (Object.keys(fromAddress(element.dataset.number ?? "")).length) element.scrollIntoView({ block: "center" });
    }
}

if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
else start();
