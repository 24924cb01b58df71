/** The words of *Bigger canvas, same weights*. */
export const WORDS = {
  title: "Bigger canvas, same weights",
  how: "choose a size · move the garments · choose a position of the maps",
  keys: "arrow keys move the garments too",
  caption:
    "The same weights make a class map of any size. In the map of winners each position shows the number of its most probable class, with more contrast the higher the probability; positions that see only black are left neutral. They enter the average all the same.",
  size: "canvas",
  sizes: (side: number) => `${side}×${side} pixels`,
  canvas: "Canvas: arrow keys move the chosen garment",
  garments: "garments",
  garment: "the chosen garment is",
  own: "your own",
  add: "add another",
  remove: "remove it",
  maps: ["class ", "map of"],
  named: "the prediction",
  classMap: (size: string) => `class map, ${size}`,
  winners: (size: string) => `winners, ${size}`,
  over: "average, %",
  here: "this position, %",
  bold: "bold",
  isPrediction: "the prediction",
  isThere: "on the canvas",
  place: (name: string, row: string, column: string) => `${name} at row ${row}, column ${column}`,
  lie: (positions: string[], size: string) => (positions.length ? ` ${positions.join("; ")} of ${size} pixels.` : ` An empty canvas of ${size} pixels.`),
  predicts: (size: string, name: string, share: string) => `The average over ${size} positions predicts ${name}, ${share}\u00a0%.`,
  item: (name: string, share: string, best: string, there: string) =>
    ` ${name}: ${share}\u00a0% by the average, ${best}\u00a0% at its best single position (${there}).`,
  on: (row: number, column: number, name: string, share: string, empty: boolean) =>
    ` Row ${row}, column ${column} of the map${empty ? ", which sees only black," : ""} predicts ${name}, ${share}\u00a0%.`,
  connectedSays: (name: string, share: string) => ` The connected head predicts ${name}, ${share}\u00a0%.`,
  fits: (size: string, channels: number, count: string) =>
    `The fully connected head accepts this canvas: ${size} positions of ${channels} channels are ${count} numbers, and each of its ten sums has as many weights.`,
  refuses: (given: number, taken: number, classes: number) =>
    `mat1 and mat2 shapes cannot be multiplied (1x${given} and ${taken}x${classes})`,
  refusal: "The fully connected head fails with ",
  plain: (size: string, channels: number, given: string, taken: string) =>
    `. In plain words: ${size} positions of ${channels} channels are ${given} numbers, and each of its ten sums has weights for exactly ${taken}.`,
  columns: ["class", "logit by the average", "probability", "highest at one position", "there"],
  at: (row: number, column: number) => `row ${row}, column ${column}`,
};
