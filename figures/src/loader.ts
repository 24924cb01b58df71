/**
 * Loader of a page's figures and questions: imports a module when its place is about to scroll into
 * view, and gives it a small model with anywidget's methods. Loading it twice does no harm.
 */
import "./shell/keys"; // which must listen before the page does
import { askedOf, fits, type Limit, nearest, read, write } from "./shell/address";
import type { FileRequest, Model } from "./shell/model";

const WORDS = {
  unknown: (names: string) =>
    `The address asks for values that this figure does not have (${names}); it shows the nearest that it has, or the first ones.`,
  damaged: "The link to this figure is damaged, perhaps cut off, and cannot be read; the figure shows its first state.",
  folder:
    "This page was opened from a folder, where browsers do not load the live figure; shown here is how it begins. With “python -m http.server” run in that folder, the figure is live at http://localhost:8000.",
  failed: (error: unknown) => `The live figure did not load (${error}); shown here is how it begins.`,
};

const STAYS = 10_000; // ms for which a figure that the address names stays at the top

interface Page extends HTMLElement {
  ninLive?: boolean;
}

/** A trait's name in words, and not too many. */
const inWords = (key: string) => key.replace(/_/g, " ").slice(0, 20);

function addNote(element: HTMLElement, text: string): void {
  const sentence = document.createElement("p");
  sentence.className = "nin-aside";
  sentence.setAttribute("role", "status");
  sentence.textContent = text;
  element.append(sentence);
}

/** Scroll a figure's head to the top, and again as the page above it changes, until the reader moves. */
function keepAtTop(element: HTMLElement): void {
  const ended = new AbortController();
  const { signal } = ended;
  const show = () => element.scrollIntoView({ block: "start" });
  const watcher = new ResizeObserver(show);
  watcher.observe(document.body);
  signal.addEventListener("abort", () => watcher.disconnect());
  for (const type of ["wheel", "touchstart", "pointerdown", "keydown", "hashchange"])
    addEventListener(type, () => ended.abort(), { signal, capture: true, passive: true });
  setTimeout(() => ended.abort(), STAYS);
  show();
}

async function modelOf(element: HTMLElement): Promise<Model> {
  const stateOf = (figure: HTMLElement) => JSON.parse(figure.dataset.state!) as Record<string, unknown>;
  const first = stateOf(element);
  // What the page holds once: from the trait to the figure that has its value.
  for (const [key, id] of Object.entries(JSON.parse(element.dataset.same ?? "{}") as Record<string, string>))
    first[key] = stateOf(document.getElementById(id)!)[key];
  const limits = JSON.parse(element.dataset.limits ?? "{}") as Record<string, Limit>;
  const shared = (element.dataset.shared ?? "").split(" ").filter(Boolean);
  const number = element.dataset.number ?? "";
  const state = { ...first };
  const listeners: Record<string, Set<(...args: any[]) => void>> = {};
  const emit = (event: string, ...args: unknown[]) => listeners[event]?.forEach((call) => call(...args));
  const setHash = (hash: string) => {
    const page = new URL(location.href);
    page.hash = hash;
    history.replaceState(null, "", page);
    return page.href;
  };
  const address: Model["address"] = {
    first,
    asked: [],
    notice: "",
    async link() {
      const changed = shared.filter((key) => JSON.stringify(state[key]) !== JSON.stringify(first[key]));
      const { word, complete } = await write(Object.fromEntries(changed.map((key) => [key, state[key]])));
      return { href: setHash(`fig-${number}${word && ":" + word}`), complete };
    },
    clear() {
      Object.assign(address!, { asked: [], notice: "" });
      if (askedOf(number)) setHash("");
    },
  };
  const model: Model = {
    address,
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
  };
  const follow = async () => {
    const asked = askedOf(number);
    if (!asked) return;
    const { state: found, whole, damaged } = await read(asked);
    if (whole) for (const key of shared) model.set(key, first[key]);
    const [set, unknown]: string[][] = [[], []];
    for (const [key, value] of Object.entries(found)) {
      const near = shared.includes(key) ? nearest(value, first[key], limits[key]) : undefined;
      if (near !== undefined) set.push(inWords(key));
      if (near !== undefined) model.set(key, near);
      if (near === undefined || !fits(value, first[key], limits[key])) unknown.push(inWords(key));
    }
    address.asked = set;
    address.notice = damaged ? WORDS.damaged : unknown.length ? WORDS.unknown(unknown.join(", ")) : "";
    emit("address");
  };
  addEventListener("hashchange", () => {
    if (askedOf(number)) keepAtTop(element);
    void follow();
  });
  await follow();
  return model;
}

async function wake(element: HTMLElement): Promise<void> {
  try {
    const source = new URL(element.dataset.src!, document.baseURI).href;
    const [module, model] = await Promise.all([import(source), modelOf(element)]);
    module.default.render({ model, el: element });
  } catch (error) {
    if (element.matches(".nin-ask")) return; // whose answers are there to unfold
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
  for (const element of document.querySelectorAll<Page>(".nin-live, .nin-ask"))
    if (!element.ninLive) {
      element.ninLive = true;
      watcher.observe(element);
      if (askedOf(element.dataset.number ?? "")) keepAtTop(element);
    }
}

if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
else start();
