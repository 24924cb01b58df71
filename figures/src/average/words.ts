/** The words of *An average you can check*. */
export const WORDS = {
  title: "An average you can check",
  how: "draw or erase; choose a class",
  keys: "arrow keys move a cursor, the space bar paints",
  caption:
    "Each of the ten maps belongs to one class, and its mean is the logit of that class. All maps share one scale. Sums and means are those of the exact values, each rounded once. The outlined pixels are those under the chosen cell. Rows and columns count from 0. Bold is the network’s prediction.",
  images: "image",
  own: "your own",
  pad: "image, 28×28: arrow keys move the cursor, the space bar uses the tool",
  tools: { brush: "brush", eraser: "eraser" },
  clear: "clear",
  undo: "undo",
  eraseCell: "erase the outlined pixels",
  classes: "class maps",
  classMap: (name: string, size: string) => `class map of ${name}, ${size}`,
  change: "show the change since the image was chosen",
  changeOf: (name: string, size: string) => `change in ${name}, ${size}`,
  cells: "class map with a cursor",
  under: (side: number) => `the chosen cell lies over these ${side}×${side} pixels`,
  running: "running sum ÷ 49",
  pasted: "the pasted text",
  adds: (row: number, column: number, value: string, count: number, share: string, name: string) =>
    ` Row ${row}, column ${column} adds ${value} ÷ ${count} = ${share} to the logit of ${name}. `,
  sums: (soFar: string, count: number, sum: string, logit: string) =>
    `The values up to here add up to ${soFar}, all ${count} to ${sum}, and ${sum} ÷ ${count} = ${logit}.`,
  since: (share: string, change: string) => ` Before, this cell’s share was ${share}: a change of ${change}.`,
  is: (name: string, logit: string) => `The logit of ${name} is ${logit}.`,
  fell: (name: string, share: string, then: string, now: string) =>
    `The logit of ${name} fell${share && ` by ${share}\u00a0%`}, from ${then} when the image was chosen to ${now}.`,
  rose: (name: string, share: string, then: string, now: string) =>
    `The logit of ${name} rose${share && ` by ${share}\u00a0%`}, from ${then} when the image was chosen to ${now}.`,
  predicts: (name: string, share: string) => ` The network predicts ${name}, ${share}\u00a0%.`,
  blank: " All pixels are the same, so there is no garment; softmax still distributes 100\u00a0%.",
  pixel: (row: number, column: number, value: number) => ` The cursor is on the pixel in row ${row}, column ${column}, which holds ${value}.`,
  row: "row",
  column: (column: number) => `column ${column}`,
  sum: "sum",
  all: "sum of all",
  logit: (count: number) => `÷ ${count}, the logit`,
  originalLogit: "logit when chosen",
  changed: "change",
};
