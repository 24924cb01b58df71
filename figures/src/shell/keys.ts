/** Keyboard input of figures. */
type Listener = (event: KeyboardEvent) => void;

// One listener for all figures, which the page's loader starts before the page adds its own: a
// theme's listener costs time at each key, and notebooks move between cells with the same keys.
const listeners: Set<Listener> = ((globalThis as any).__ninKeys ??= start());

function start(): Set<Listener> {
  const all = new Set<Listener>();
  for (const type of ["keydown", "keyup"] as const) addEventListener(type, (event) => all.forEach((listener) => listener(event)), true);
  return all;
}

/**
 * Bind keys while an element has the focus.
 *
 * @param keys from the step (1, or 4 with Shift) to an action for each key; other keys, and keys
 * with Ctrl or Alt, are left to the host
 */
export function onKeys(element: HTMLElement, keys: (step: number) => Record<string, () => void>): void {
  const listener: Listener = (event) => {
    if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) return;
    const press = keys(event.shiftKey ? 4 : 1)[event.key];
    if (!press) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.type === "keydown") press();
  };
  element.addEventListener("focus", () => listeners.add(listener));
  element.addEventListener("blur", () => listeners.delete(listener));
}
