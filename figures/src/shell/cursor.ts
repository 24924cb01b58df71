/** Figures on one page that show pictures of the same size share one cursor. */
interface Spot {
  row: number;
  column: number;
  height: number;
  width: number;
}

// The bundles of several figures share this through the page.
const listeners: Set<(spot: Spot) => void> = ((globalThis as any).__ninCursor ??= new Set());

/** Tell the other figures where the cursor went, and hear of theirs. */
export function shareCursor(heard: (spot: Spot) => void, signal: AbortSignal): (spot: Spot) => void {
  listeners.add(heard);
  signal.addEventListener("abort", () => listeners.delete(heard));
  return (spot) => {
    for (const listener of listeners) if (listener !== heard) listener(spot);
  };
}
