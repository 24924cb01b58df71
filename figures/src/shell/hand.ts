/** While a hand moves, what is watched follows at once, and what is read once the hand has rested. */
import type { Stage } from "./figure";

const REST = 100; // ms

export interface Hand {
  /** Call it at each move. */
  moved(): void;
  /** Whether it moves: numbers and sentence stand as they are. */
  moves(): boolean;
}

export function hand(stage: Stage): Hand {
  let last = 0; // when
  let timer = 0;
  const look = () => {
    const rest = REST - (performance.now() - last);
    timer = rest > 1 ? (setTimeout(look, rest) as unknown as number) : 0;
    if (!timer) stage.invalidate(); // and the drawn sentence ends what began as busy
  };
  stage.signal.addEventListener("abort", () => clearTimeout(timer));
  return {
    moved() {
      last = performance.now();
      if (!timer) stage.body.setAttribute("aria-busy", "true");
      timer ||= setTimeout(look, REST) as unknown as number;
    },
    moves: () => !!timer,
  };
}
