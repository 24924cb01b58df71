/** A figure over the whole screen: by the browser's full screen or, where there is none, laid over the page. */

/**
 * Make the switch of a figure.
 *
 * @param onChange called with whether the figure is large now
 */
export function enlarging(root: HTMLElement, onChange: (large: boolean) => void, signal: AbortSignal): () => void {
  const isLarge = () => root.classList.contains("nin-large");
  const set = (large: boolean) => {
    root.classList.toggle("nin-large", large);
    onChange(large);
  };
  let covers = false; // the page, and not the screen
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
    root.scrollIntoView({ block: "nearest" });
  };
  const ends = (event: Event) => {
    const left = {
      fullscreenchange: document.fullscreenElement !== root && !covers,
      keydown: (event as KeyboardEvent).key === "Escape" && covers,
      focusin: covers && !root.contains(event.target as Node),
    }[event.type];
    if (isLarge() && left) leave();
  };
  for (const type of ["fullscreenchange", "keydown", "focusin"]) document.addEventListener(type, ends, { signal });

  return () => {
    if (isLarge()) return leave();
    set(true);
    if (root.requestFullscreen) root.requestFullscreen().catch(cover);
    else cover();
  };
}
