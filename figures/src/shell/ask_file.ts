/** A file that the host keeps, asked for once: nothing is loaded before. */
import type { FileAnswer, FileRequest, Model } from "./model";

const TIMEOUT = 90_000; // ms without an answer, after which the request counts as failed

/** Ask the host for a file; rejects with the reason why it did not come. */
export function askFile(model: Model, name: string, signal: AbortSignal): Promise<DataView> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      model.off("msg:custom", onMessage);
    };
    const onMessage = (message: FileAnswer, buffers: DataView[]) => {
      if (message?.file !== name) return;
      end();
      const bytes = buffers?.[0];
      if (message.error || !bytes) return reject(message.error ?? "no answer came");
      resolve(bytes instanceof DataView ? bytes : new DataView(bytes as ArrayBuffer));
    };
    const timer = setTimeout(() => (end(), reject("no answer came")), TIMEOUT);
    model.on("msg:custom", onMessage);
    signal.addEventListener("abort", end);
    model.send({ ask: name } satisfies FileRequest);
  });
}
