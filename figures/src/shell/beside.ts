/** A network that runs in a worker, so that the page draws on while it looks at a picture. */
import script from "worker:../net/look";
import type { Answer, Sent } from "../net/look";
import { worker } from "./worker";

const LATE = 5000; // ms without an answer, after which the worker counts as lost

export interface Beside {
  /** Look at a picture; of those that wait, only the newest is looked at. False if it must be done here. */
  ask(name: string, picture: number[]): boolean;
  /** Whether an answer is still to come. */
  busy(): boolean;
}

/**
 * @param layers whose maps are wanted
 * @param answered is told them, by the picture's name; without maps when the worker is lost.
 * @param side of the pictures, if other than the file says: the same weights.
 */
export function beside(file: DataView, layers: number[], signal: AbortSignal, answered: (name: string, maps?: Float32Array[][]) => void, side?: number): Beside {
  let helper = worker(script, signal);
  let [running, waiting] = [false, undefined as { name: string; picture: number[] } | undefined];
  let timer = 0;
  const tell = (sent: Sent) => helper!.postMessage(sent);
  const look = (sent: Sent) => {
    tell(sent);
    timer = setTimeout(lost, LATE) as unknown as number;
  };
  const lost = () => {
    helper?.terminate();
    helper = undefined;
    running = false;
    if (!signal.aborted) answered("");
  };
  if (helper) {
    tell({ file, layers, side });
    helper.onmessage = ({ data }: MessageEvent<Answer>) => {
      clearTimeout(timer);
      running = !!waiting;
      if (waiting) look(waiting);
      waiting = undefined;
      answered(data.name, data.maps);
    };
    helper.onerror = lost;
  }
  return {
    ask(name, picture) {
      if (!helper) return false;
      if (running) waiting = { name, picture };
      else look({ name, picture });
      return (running = true);
    },
    busy: () => running,
  };
}
