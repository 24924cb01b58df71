/** Presses and drags of a mouse, a pen or a finger. A finger that scrolls the page changes nothing. */

const SIDEWAYS = 8; // pixels after which a finger that moves across drags, and no longer taps

/** Whether it is no finger, or one that scrolls nothing here: its every move counts. */
const isFree = (event: PointerEvent, element: Element): boolean =>
  event.pointerType !== "touch" || getComputedStyle(element).touchAction === "none";

interface Drag {
  /** Called where it is pressed: a mouse at once, a finger once it is lifted or moves across. */
  press(event: PointerEvent): void;
  /** Called while it moves and is pressed; as a press if there is nothing else. */
  move?(event: PointerEvent): void;
  /** Called while a mouse moves that presses nothing. */
  hover?(event: PointerEvent): void;
}

/** Follow a pointer on an element that also takes the keyboard. Where a finger scrolls, the element's style says so. */
export function onDrag(element: HTMLElement, { press, move = press, hover }: Drag, focused = element): void {
  let waiting: PointerEvent | undefined;
  const begin = (event: PointerEvent) => {
    waiting = undefined;
    focused.focus({ preventScroll: true });
    element.setPointerCapture?.(event.pointerId);
    press(event);
  };
  element.addEventListener("pointerdown", (event) => {
    if (isFree(event, element)) begin(event);
    else waiting = event;
  });
  element.addEventListener("pointermove", (event) => {
    if (waiting && Math.abs(event.clientX - waiting.clientX) > Math.max(SIDEWAYS, Math.abs(event.clientY - waiting.clientY))) begin(waiting);
    if (waiting) return;
    if (event.buttons & 1) move(event);
    else if (event.pointerType === "mouse" && (event.movementX || event.movementY)) hover?.(event); // not a page that scrolls under it
  });
  element.addEventListener("pointerup", () => waiting && begin(waiting));
  element.addEventListener("pointercancel", () => (waiting = undefined));
}

/** Let the sliders inside an element wait until a finger on them is lifted or moves across. */
export function steadySliders(root: HTMLElement, signal: AbortSignal): void {
  let waiting: { slider: HTMLInputElement; before: string; x: number; y: number } | undefined;
  const on = <K extends keyof HTMLElementEventMap>(type: K, act: (event: HTMLElementEventMap[K]) => void) =>
    root.addEventListener(type, act, { signal, capture: true });
  const settle = () => {
    const slider = waiting?.slider;
    waiting = undefined;
    slider?.dispatchEvent(new Event("input", { bubbles: true }));
  };
  on("pointerdown", (event) => {
    const slider = event.target as HTMLInputElement;
    waiting = event.pointerType === "touch" && slider.type === "range" ? { slider, before: slider.value, x: event.clientX, y: event.clientY } : undefined;
  });
  for (const type of ["input", "change"] as const) on(type, (event) => event.target === waiting?.slider && event.stopImmediatePropagation());
  on("pointermove", (event) => {
    if (waiting && Math.abs(event.clientX - waiting.x) > Math.max(SIDEWAYS, Math.abs(event.clientY - waiting.y))) settle();
  });
  on("pointerup", settle);
  on("pointercancel", () => {
    if (waiting) waiting.slider.value = waiting.before;
    waiting = undefined;
  });
}
