/** What each position of the class maps says on its own. */
export interface Alone {
  /** Class by class, the probability at each position. */
  shares: Float64Array[];
  /** Position by position, the most probable class and its probability. */
  winners: Uint8Array;
  most: Float64Array;
}

/** The softmax over the classes' maps at each position. */
export function alone(maps: Float32Array[]): Alone {
  const count = maps[0].length;
  const shares = maps.map(() => new Float64Array(count));
  const [winners, most] = [new Uint8Array(count), new Float64Array(count)];
  for (let p = 0; p < count; p++) {
    let largest = -Infinity;
    for (const map of maps) if (map[p] > largest) largest = map[p];
    let total = 0;
    for (let c = 0; c < maps.length; c++) total += shares[c][p] = Math.exp(maps[c][p] - largest);
    for (let c = 0; c < maps.length; c++) {
      shares[c][p] /= total;
      if (shares[c][p] > most[p]) [winners[p], most[p]] = [c, shares[c][p]];
    }
  }
  return { shares, winners, most };
}
