/** A run that trains in a worker; without one, in slices between the page's frames. */
import { type Answer, EVERY, type Found, type Pictures, type Settings, STEPS, trainer } from "../net/experiment";
import script from "worker:../net/train";
import { worker } from "../shell/worker";

export interface Training {
  /** What was measured so far: before the first step, and after every third. */
  found: Found[];
  /** Begin anew, untrained. */
  begin(settings: Settings): void;
  /** Go on until so many more measurements are there, unless it is at work already. */
  more(count: number): void;
  done(): boolean;
  inWorker(): boolean;
}

export function training(pictures: Pictures, signal: AbortSignal, arrived: () => void): Training {
  let helper = worker(script, signal);
  const here = trainer();
  let [run, busy] = [0, false];
  let settings: Settings;
  const take = ({ run: whose, found }: Answer) => {
    busy = false;
    if (whose === run) one.found.push(...found);
    if (!signal.aborted) arrived(); // of an older run too: the newer one has waited
  };
  if (helper) {
    helper.onmessage = ({ data }: MessageEvent<Answer>) => take(data);
    helper.onerror = (event) => {
      event.preventDefault();
      helper = undefined;
      one.begin(settings); // what the worker knew is lost
      busy = false;
      arrived();
    };
  }
  const one: Training = {
    found: [],
    begin(chosen) {
      run++;
      settings = chosen;
      one.found = [];
    },
    more(count) {
      if (busy || one.done()) return;
      busy = true;
      const request = { run, pictures, settings, count };
      if (helper) helper.postMessage(request);
      else setTimeout(() => take(here(request)));
    },
    done: () => one.found.length > STEPS / EVERY,
    inWorker: () => !!helper,
  };
  return one;
}
