/** The result in words: seen in a box that stays on screen and can be opened, heard once it rests. */
import { h, write } from "./dom";

const WORDS = { more: "more", less: "less", of: " of the result" };

const ANNOUNCE_AFTER = 400; // ms without a change, after which screen readers hear the sentence
const WHOLE = 0.97; // of the sentence on screen: then nothing of it is cut

export interface Says {
  /** What is seen; sticks to the lower edge of the screen while the figure is there. */
  box: HTMLElement;
  /** What is heard, in its box. */
  heard: HTMLElement;
  show(sentence: string): void;
}

export function says(root: HTMLElement, signal: AbortSignal): Says {
  const text = h("span", { "aria-hidden": "true" });
  // Over the lines that are seen while there are more: a press anywhere opens all, or closes it.
  const more = h("button", { type: "button", class: "nin-more", click: () => open(!box.classList.contains("nin-open")) });
  const box = h("div", { class: "nin-says" }, text, more);
  const open = (whole: boolean) => {
    box.classList.toggle("nin-open", whole);
    more.setAttribute("aria-expanded", String(whole));
    const word = whole ? WORDS.less : WORDS.more;
    more.setAttribute("aria-label", word + WORDS.of);
    more.dataset.words = `${word} ${whole ? "▾" : "▴"}`; // drawn by style: it is no part of the sentence
  };
  open(false);
  const heard = h("p", { class: "nin-only-heard", role: "status", "aria-live": "off" });
  const unseen = h("div", { class: "nin-heard" }, heard);

  // Nothing is announced to those who only pass by.
  for (const type of ["focusin", "pointerdown", "drop"])
    root.addEventListener(type, () => heard.setAttribute("aria-live", "polite"), { signal, capture: true, once: true });

  // What is heard follows what is seen once that rests; one timer at a time.
  let timer = 0;
  let changed = 0;
  const announce = () => {
    const rest = ANNOUNCE_AFTER - (performance.now() - changed);
    timer = rest > 1 ? (setTimeout(announce, rest) as unknown as number) : 0;
    if (!timer) write(heard, text.textContent!);
  };

  // The box has a fixed height, so that a new sentence causes no other layout; it grows to the
  // longest sentence so far, and starts over when its width changes.
  let [height, width] = [0, 0];
  const size = new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width === width && contentRect.height <= height) return;
    [height, width] = [contentRect.height, contentRect.width];
    const { minHeight, paddingTop, paddingBottom, borderTopWidth } = getComputedStyle(box);
    const around = [paddingTop, paddingBottom, borderTopWidth].reduce((sum, length) => sum + parseFloat(length), 0);
    box.style.setProperty("--tall", `${Math.max(height + around, parseFloat(minHeight) || 0)}px`);
  });
  size.observe(text);
  const sight = new IntersectionObserver(
    ([{ isIntersecting, intersectionRatio }]) => box.classList.toggle("nin-cut", isIntersecting && intersectionRatio < WHOLE),
    { threshold: [0, WHOLE] },
  );
  sight.observe(text);
  signal.addEventListener("abort", () => {
    size.disconnect();
    sight.disconnect();
    clearTimeout(timer);
  });

  return {
    box,
    heard: unseen,
    show(sentence) {
      if (!write(text, sentence)) return;
      changed = performance.now();
      timer ||= setTimeout(announce, ANNOUNCE_AFTER) as unknown as number;
    },
  };
}
