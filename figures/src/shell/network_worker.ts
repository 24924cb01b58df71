/** A network that runs in a worker, so that the page keeps drawing while it computes. */
import script from "worker:../net/inference.worker";
import type { Answer, Request } from "../net/inference.worker";
import { startWorker } from "./worker";

const TIMEOUT = 5000; // ms without an answer, after which the worker counts as lost

export interface NetworkWorker {
  /** Run on an image; of those that wait, only the newest is run. False: run it in the page instead. */
  run(name: string, image: number[]): boolean;
  /** Whether an answer is still to come. */
  busy(): boolean;
}

/**
 * Start the worker with a file of weights.
 *
 * @param layers whose maps are wanted
 * @param onAnswer called with the image's name and its maps; without maps when the worker is lost
 * @param side of the images, if other than the file has: the weights are the same
 */
export function networkWorker(
  file: DataView,
  layers: number[],
  signal: AbortSignal,
  onAnswer: (name: string, maps?: Float32Array[][]) => void,
  side?: number,
): NetworkWorker {
  let worker = startWorker(script, signal);
  let [running, waiting] = [false, undefined as { name: string; image: number[] } | undefined];
  let timer = 0;
  const post = (request: Request) => worker!.postMessage(request);
  const start = (request: Request) => {
    post(request);
    timer = setTimeout(lost, TIMEOUT) as unknown as number;
  };
  const lost = () => {
    worker?.terminate();
    worker = undefined;
    running = false;
    if (!signal.aborted) onAnswer("");
  };
  if (worker) {
    post({ file, layers, side });
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      clearTimeout(timer);
      running = !!waiting;
      if (waiting) start(waiting);
      waiting = undefined;
      onAnswer(data.name, data.maps);
    };
    worker.onerror = lost;
  }
  return {
    run(name, image) {
      if (!worker) return false;
      if (running) waiting = { name, image };
      else start({ name, image });
      return (running = true);
    },
    busy: () => running,
  };
}
