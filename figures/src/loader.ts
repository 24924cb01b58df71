/**
 * Wakes the figures of a page: a small model with anywidget's methods, and the figure's module,
 * imported when the figure comes near. Loading it twice does no harm.
 */
import "./shell/keys"; // which must listen before the page does
import type { Asked, Model } from "./shell/model";

interface Page extends HTMLElement {
  ninLive?: boolean;
}

/** The part of the address that a figure answers to: #fig-1.1:row=2&column=3. */
function fromAddress(number: string): Record<string, unknown> {
  let hash = location.hash.slice(1);
  try {
    hash = decodeURIComponent(hash);
  } catch {
    // It was cut in the middle of a character: what it asks for is read as it stands.
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

/** What a figure says of the values that it has: a range, or a list. */
interface Limit {
  min?: number;
  max?: number;
  among?: unknown[];
}
const within = (value: any, { min = -Infinity, max = Infinity, among }: Limit = {}) =>
  among ? among.includes(value) : typeof value !== "number" || (value >= min && value <= max);

const kind = (value: unknown) => (Array.isArray(value) ? "array" : value === null ? "null" : typeof value);

function say(element: HTMLElement, text: string): HTMLElement {
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
  const tell = (event: string, ...args: unknown[]) => listeners[event]?.forEach((call) => call(...args));
  const number = element.dataset.number ?? "";
  const model: Model = {
    get: (key) => state[key],
    set(key, value) {
      if (state[key] === value) return;
      state[key] = value;
      tell(`change:${key}`);
      tell("change");
    },
    save_changes() {},
    on: (event, call) => void (listeners[event] ??= new Set()).add(call),
    off: (event, call) => void (call ? listeners[event]?.delete(call) : delete listeners[event]),
    async send(content) {
      const { ask } = content as Asked;
      try {
        const inside = JSON.parse(element.dataset.files ?? "{}") as Record<string, string>;
        const answer = await fetch(inside[ask] ?? new URL(ask, new URL(element.dataset.src!, document.baseURI)));
        if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
        const bytes = new DataView(await answer.arrayBuffer());
        tell("msg:custom", { file: ask }, [bytes]);
      } catch (error) {
        tell("msg:custom", { file: ask, error: String(error) }, []);
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
  let complaint: HTMLElement | undefined;
  const follow = () => {
    const found = fromAddress(number);
    const unknown: string[] = [];
    for (const [key, value] of Object.entries(found)) {
      const fits = shared.includes(key) && kind(value) === kind(first[key]);
      if (fits) model.set(key, value); // which the figure keeps inside what there is
      if (!fits || !within(value, limits[key])) unknown.push(key);
    }
    complaint?.remove();
    if (unknown.length) complaint = say(element, `The address asks for what this figure does not have (${unknown.join(", ")}); there it stands at the nearest that it has, or as at first.`);
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
    say(
      element,
      location.protocol === "file:"
        ? "This page was opened from a folder, where browsers do not load the live figure; what stands here is its first state. With “python -m http.server” run in that folder, the figure lives at http://localhost:8000."
        : `The live figure did not load (${error}); what stands here is its first state.`,
    );
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
