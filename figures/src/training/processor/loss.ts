/**
 * From the last layer's maps to the loss: their means are the logits ("global average pooling"), and
 * the loss is the cross-entropy of the softmax with smoothed labels.
 *
 *     loss = −Σ_c t[c]·log q[c],  q = softmax(logits),  t[c] = smoothing / 10 + (1 − smoothing if c is the label)
 *     ∂loss/∂logit[c] = q[c] − t[c], of which each position of map c gets the same share
 */
import { CLASSES } from "../plan";
import type { Result } from "../engine";
import type { Maps, Memory } from "./memory";

/** Average the class maps into `memory.logits`. */
export function average({ floats, logits, places }: Memory, count: number): void {
  const { output, out } = places.at(-1)!;
  const positions = out * out;
  for (let c = 0; c < CLASSES; c++)
    for (let n = 0, at = output.at + c * output.pitch; n < count; n++) {
      let sum = 0;
      for (const end = at + positions; at < end; at++) sum += floats[at];
      logits[n * CLASSES + c] = sum / positions;
    }
}

/** The mean loss of the batch, and its gradient with respect to the class maps in `slope`. */
export function loss({ floats, logits, places }: Memory, labels: Uint8Array, smoothing: number, slope: Maps): Result {
  const count = labels.length;
  const positions = places.at(-1)!.out ** 2;
  let [total, right] = [0, 0];
  floats.fill(0, slope.at, slope.at + 4 * Math.ceil(CLASSES / 4) * slope.pitch);
  labels.forEach((label, n) => {
    const image = logits.subarray(n * CLASSES, (n + 1) * CLASSES);
    const most = image.reduce((a, b) => Math.max(a, b)); // NaN stays NaN
    const logSum = most + Math.log(image.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
    if (image.indexOf(most) === label) right++;
    image.forEach((logit, c) => {
      const target = smoothing / CLASSES + (c === label ? 1 - smoothing : 0);
      total += target * (logSum - logit);
      const share = (Math.exp(logit - logSum) - target) / (count * positions);
      const at = slope.at + c * slope.pitch + n * positions;
      floats.fill(share, at, at + positions);
    });
  });
  return { loss: total / count, right };
}
