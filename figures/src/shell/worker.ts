/** A worker from a script inside the bundle, so that no file is asked for. */

/** Started from a Blob; undefined where the browser or the page forbids it. It ends with `signal`. */
export function worker(script: string, signal: AbortSignal): Worker | undefined {
  try {
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const started = new Worker(address);
    signal.addEventListener("abort", () => {
      started.terminate();
      URL.revokeObjectURL(address);
    });
    return started;
  } catch {
    return undefined;
  }
}
