/** What the figure computes of maps and of its draws. */
export function shuffled(values: number[], random: () => number): number[] {
  const result = values.slice();
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

export const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b) / values.length;

/** Pearson's correlation of two maps; 0 where one is constant. */
function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [a, b].map((values) => {
    const middle = mean(values);
    return Array.from(values, (value) => value - middle);
  });
  const dot = (p: number[], q: number[]) => p.reduce((sum, value, i) => sum + value * q[i], 0);
  return dot(x, y) / (Math.sqrt(dot(x, x) * dot(y, y)) || 1);
}

/** |r| of two maps: a random map and its negative are equally likely, so the sign says nothing. */
export const likeness = (a: ArrayLike<number>, b: ArrayLike<number>) => Math.abs(correlation(a, b));

/** Compute mean and middle half of the draws. */
export function spread(values: number[]) {
  const sorted = values.slice().sort((a, b) => a - b);
  const quarter = Math.floor(sorted.length / 4);
  return { mean: mean(values), low: sorted[quarter], high: sorted[sorted.length - 1 - quarter] };
}
export type Spread = ReturnType<typeof spread>;
