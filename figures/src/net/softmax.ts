/** The softmax of logits. */
export function softmax(logits: number[]): number[] {
  const most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - most));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}
