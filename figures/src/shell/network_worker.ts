/** A network that runs in a worker, so that the page keeps drawing while it computes. */
import script from "worker:../net/inference.worker";
import type { Answer, Request } from "../net/inference.worker";
import { startWorker } from "./worker";

const TIMEOUT = 5000; // ms without an answer, after which the worker counts as lost

/** C×H×W values; a typed array is sent faster. */
type Image = number[] | Float32Array;

export interface NetworkWorker {
  /** Run on an image; of those that wait, only the newest is run. False: run it in the page instead. */
  run(name: string, image: Image): boolean;
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
  let [running, waiting] = [false, undefined as { name: string; image: Image } | undefined];
  let asked = 0; // time of the last request
  const post = (request: Request) => worker!.postMessage(request);
  let timer = 0; // one for all requests
  const watch = () => {
    const rest = TIMEOUT - (performance.now() - asked);
    timer = running && rest > 1 ? (setTimeout(watch, rest) as unknown as number) : 0;
    if (running && !timer) lost();
  };
  const start = (request: Request) => {
    post(request);
    asked = performance.now();
    timer ||= setTimeout(watch, TIMEOUT) as unknown as number;
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
