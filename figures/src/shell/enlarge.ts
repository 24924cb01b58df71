/** A figure over the whole screen: by the browser's full screen or, where there is none, laid over the page. */

const LEAST = 56; // rem that a figure keeps in width: it shall not take the layout of a phone
const BESIDE = 0.8; // of its size, which a figure may shrink to while a table or code is open below it
const EM = 0.875; // rem of type
const LEGIBLE = 52; // lines of type that the screen is high at most: more cannot be read from the last row
const STEPS = 8; // of halving: to a hundredth

/**
 * Make the switch of a figure.
 *
 * @param onChange called with whether the figure is large now
 */
export function enlarging(root: HTMLElement, onChange: (large: boolean) => void, signal: AbortSignal): () => void {
  /** Zoom in as far as all of the figure is on the screen; without its caption where type would become small. */
  const fit = () => {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    root.classList.remove("nin-tight");
    if (zoomIn(rem) * EM * rem * LEGIBLE >= innerHeight) return;
    root.classList.add("nin-tight");
    zoomIn(rem);
  };
  const zoomIn = (rem: number) => {
    const open = !!root.querySelector(".nin-panel:not(:empty)");
    let [low, high] = [open ? BESIDE : 1, Math.max(1, innerWidth / (LEAST * rem))];
    for (let step = 0; step < STEPS; step++) {
      const zoom = (low + high) / 2;
      root.style.zoom = String(zoom);
      if (root.scrollHeight <= root.clientHeight && root.scrollWidth <= root.clientWidth) low = zoom;
      else high = zoom;
    }
    root.style.zoom = String(low);
    return low;
  };
  const watcher = new ResizeObserver((entries) => {
    const panel = entries.some(({ target }) => target.matches(".nin-panel")); // opened or closed: also larger again
    if (isLarge() && (panel || root.scrollHeight > root.clientHeight)) fit();
  });
  signal.addEventListener("abort", () => watcher.disconnect());
  const isLarge = () => root.classList.contains("nin-large");
  const set = (large: boolean) => {
    root.classList.toggle("nin-large", large);
    root.style.zoom = "";
    root.classList.remove("nin-tight");
    if (large) for (const part of root.querySelectorAll(".nin-body, .nin-says, .nin-foot, .nin-panel")) watcher.observe(part);
    else watcher.disconnect();
    if (large) fit();
    onChange(large);
  };
  let covers = false; // the page, and not the screen
  let place = 0; // where the reader was on the page
  const cover = () => {
    covers = true;
    if (!root.showPopover) return;
    root.popover = "manual"; // above all else, whatever clips or contains the figure
    root.showPopover();
  };
  const leave = () => {
    if (document.fullscreenElement === root) void document.exitFullscreen();
    if (covers) root.popover = null;
    covers = false;
    set(false);
    const back = () => scrollTo({ top: place, behavior: "instant" });
    back();
    requestAnimationFrame(() => requestAnimationFrame(back)); // the browser has left its full screen by then
  };
  const ends = (event: Event) => {
    const left = {
      fullscreenchange: document.fullscreenElement !== root && !covers,
      keydown: (event as KeyboardEvent).key === "Escape" && covers,
      focusin: covers && !root.contains(event.target as Node),
    }[event.type];
    if (isLarge() && left) leave();
  };
  addEventListener("resize", () => isLarge() && fit(), { signal });
  for (const type of ["fullscreenchange", "keydown", "focusin"]) document.addEventListener(type, ends, { signal });

  return () => {
    if (isLarge()) return leave();
    place = scrollY;
    set(true);
    if (root.requestFullscreen) root.requestFullscreen().catch(cover);
    else cover();
  };
}
