/** Arrow keys and their kin on one tab stop; other keys, and keys with Ctrl or Alt, are the host's. */
export function onKeys(element: HTMLElement, keys: (far: number) => Record<string, () => void>): void {
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const press = keys(event.shiftKey ? 4 : 1)[event.key];
    if (!press) return;
    event.preventDefault();
    event.stopPropagation(); // notebooks move between cells with the same keys
    press();
  });
}
