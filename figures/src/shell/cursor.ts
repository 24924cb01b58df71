/** Figures on one page that show pictures of the same size share one cursor. */
interface Spot {
  row: number;
  column: number;
  height: number;
  width: number;
}

const shared: EventTarget = ((globalThis as any).__ninCursor ??= new EventTarget());

/** Tell the other figures where the cursor went, and hear of theirs. */
export function shareCursor(heard: (spot: Spot) => void, signal: AbortSignal): (spot: Spot) => void {
  let speaking = false;
  const listen = (event: Event) => {
    if (!speaking) heard((event as CustomEvent<Spot>).detail);
  };
  shared.addEventListener("move", listen, { signal });
  return (spot) => {
    speaking = true;
    shared.dispatchEvent(new CustomEvent("move", { detail: spot }));
    speaking = false;
  };
}
