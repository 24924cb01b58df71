/** Debounced text: canvases follow the reader's input at once, words and numbers once it pauses. */
import type { Stage } from "./figure";

const PAUSE = 100; // ms without input

export interface Debounce {
  /** Restart the timer; call it at each input. */
  restart(): void;
  /** Whether input came within the last PAUSE: keep words and numbers as they are. */
  pending(): boolean;
}

export function debounce(stage: Stage): Debounce {
  let last = 0; // time of the last input
  let timer = 0;
  const check = () => {
    const rest = PAUSE - (performance.now() - last);
    timer = rest > 1 ? (setTimeout(check, rest) as unknown as number) : 0;
    if (!timer) stage.invalidate(); // the sentence drawn then ends aria-busy
  };
  stage.signal.addEventListener("abort", () => clearTimeout(timer));
  return {
    restart() {
      last = performance.now();
      if (!timer) stage.body.setAttribute("aria-busy", "true");
      timer ||= setTimeout(check, PAUSE) as unknown as number;
    },
    pending: () => !!timer,
  };
}
