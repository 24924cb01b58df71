/**
 * Arrow keys and their kin on one tab stop; other keys, and keys with Ctrl or Alt, are the host's.
 * While the element has the focus it hears a key before the page does: notebooks move between
 * cells with the same keys, and a page's own listeners cost time at each.
 */
export function onKeys(element: HTMLElement, keys: (far: number) => Record<string, () => void>): void {
  const hear = (event: KeyboardEvent) => {
    if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) return;
    const press = keys(event.shiftKey ? 4 : 1)[event.key];
    if (!press) return;
    event.preventDefault();
    event.stopPropagation();
    press();
  };
  element.addEventListener("focus", () => addEventListener("keydown", hear, true));
  element.addEventListener("blur", () => removeEventListener("keydown", hear, true));
}
