/** One cursor for all figures of a page whose images have the same size. */
interface Cursor {
  row: number;
  column: number;
  height: number;
  width: number;
}

// The bundles of several figures share this through the page.
const listeners: Set<(cursor: Cursor) => void> = ((globalThis as any).__ninCursor ??= new Set());

/** Listen to the other figures' cursor; returns the function that tells them of one's own. */
export function shareCursor(onMove: (cursor: Cursor) => void, signal: AbortSignal): (cursor: Cursor) => void {
  listeners.add(onMove);
  signal.addEventListener("abort", () => listeners.delete(onMove));
  return (cursor) => {
    for (const listener of listeners) if (listener !== onMove) listener(cursor);
  };
}
