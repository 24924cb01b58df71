/**
 * Start a worker from a script inside the bundle, through a Blob, so that no file is fetched.
 *
 * The worker ends with `signal`; undefined where the browser or the page forbids workers.
 */
export function startWorker(script: string, signal: AbortSignal): Worker | undefined {
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
