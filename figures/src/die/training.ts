/** A training run in a worker; without one, in slices between the page's frames. */
import { type Answer, EVERY, type Images, type Measurement, type Settings, STEPS, trainOnRequest } from "../net/experiment";
import script from "worker:../net/training.worker";
import { startWorker } from "../shell/worker";

export interface TrainingRun {
  /** Measurements so far: before the first step, and after every third. */
  measurements: Measurement[];
  /** Start over, untrained. */
  begin(settings: Settings): void;
  /** Train until so many more measurements are there, unless a request is running. */
  more(count: number): void;
  done(): boolean;
  inWorker(): boolean;
}

export function trainingRun(images: Images, signal: AbortSignal, onArrival: () => void): TrainingRun {
  let worker = startWorker(script, signal);
  const inPage = trainOnRequest();
  let [run, busy] = [0, false];
  let settings: Settings;
  const take = ({ run: number, measurements }: Answer) => {
    busy = false;
    if (number === run) training.measurements.push(...measurements);
    if (!signal.aborted) onArrival(); // of an older run too: the newer run's request has waited
  };
  if (worker) {
    worker.onmessage = ({ data }: MessageEvent<Answer>) => take(data);
    worker.onerror = (event) => {
      event.preventDefault();
      worker = undefined;
      training.begin(settings); // the worker's progress is lost
      busy = false;
      onArrival();
    };
  }
  const training: TrainingRun = {
    measurements: [],
    begin(chosen) {
      run++;
      settings = chosen;
      training.measurements = [];
    },
    more(count) {
      if (busy || training.done()) return;
      busy = true;
      const request = { run, images, settings, count };
      if (worker) worker.postMessage(request);
      else setTimeout(() => take(inPage(request)));
    },
    done: () => training.measurements.length > STEPS / EVERY,
    inWorker: () => !!worker,
  };
  return training;
}
