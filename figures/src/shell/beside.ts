/** A network that runs in a worker, so that the page draws on while it looks at a picture. */
import script from "worker:../net/look";
import type { Answer, Sent } from "../net/look";
import { worker } from "./worker";

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
  const tell = (sent: Sent) => helper!.postMessage(sent);
  if (helper) {
    tell({ file, layers, side });
    helper.onmessage = ({ data }: MessageEvent<Answer>) => {
      running = !!waiting;
      if (waiting) tell(waiting);
      waiting = undefined;
      answered(data.name, data.maps);
    };
    helper.onerror = () => {
      helper = undefined;
      running = false;
      answered("");
    };
  }
  return {
    ask(name, picture) {
      if (!helper) return false;
      if (running) waiting = { name, picture };
      else tell({ name, picture });
      return (running = true);
    },
    busy: () => running,
  };
}
