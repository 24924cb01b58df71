type Hear = (event: KeyboardEvent) => void;

// One listener for all figures, which the page's loader starts before the page adds its own: a
// theme's listener costs time at each key, and notebooks move between cells with the same keys.
const hearing: Set<Hear> = ((globalThis as any).__ninKeys ??= start());

function start(): Set<Hear> {
  const all = new Set<Hear>();
  for (const type of ["keydown", "keyup"] as const) addEventListener(type, (event) => all.forEach((hear) => hear(event)), true);
  return all;
}

/** Arrow keys and their kin on one tab stop; other keys, and keys with Ctrl or Alt, are the host's. */
export function onKeys(element: HTMLElement, keys: (far: number) => Record<string, () => void>): void {
  const hear: Hear = (event) => {
    if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) return;
    const press = keys(event.shiftKey ? 4 : 1)[event.key];
    if (!press) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.type === "keydown") press();
  };
  element.addEventListener("focus", () => hearing.add(hear));
  element.addEventListener("blur", () => hearing.delete(hear));
}
