/** The words of *Slide it*. */
export const WORDS = {
  title: "Slide it",
  how: "choose an answer · move the garment",
  keys: "arrow keys move it too",
  caption:
    "Each square of a map is one offset, from 8 pixels left and up to 8 right and down; the center is the original position. The stronger the contrast of a square, the higher the probability that the head gives the right class there.",
  garment: "garment",
  own: "your own",
  frame: "Frame, 28×28: arrow keys move the garment, Home puts it back",
  question: "Which head will lose the garment sooner?",
  guesses: { average: "global average", fully_connected: "fully connected", alike: "both alike" } as Record<string, string>,
  heads: ["Global average", "Fully connected"],
  inPercent: (head: string) => `${head}, %`,
  head: ["the average head", "the connected head"],
  map: (head: string) => `${head}: map of offsets`,
  axis: (most: number) => [`← ${most}`, `↕ ${most}`, `${most} →`],
  legend: { best: "the prediction", right: "the right class", first: "the prediction before it moved", here: "the garment’s place", wrong: "another class is predicted there" },
  bold: "bold",
  fill: "fill the rest",
  moved: (right: number, down: number) => {
    const parts = [right && `${Math.abs(right)} ${right > 0 ? "right" : "left"}`, down && `${Math.abs(down)} ${down > 0 ? "down" : "up"}`];
    return parts.filter(Boolean).length ? `Moved ${parts.filter(Boolean).join(" and ")}` : "Not moved";
  },
  gives: (names: string[], shares: string[]) =>
    `the average head gives ${names[0]} ${shares[0]}\u00a0%, the connected head ${names[0] === names[1] ? "" : `${names[1]} `}${shares[1]}\u00a0%.`,
  hidden: ": choose an answer to see both heads’ predictions.",
  first: " Which head will lose it sooner as it moves? Choose an answer to see.",
  next: " Move it to see after how many pixels each head loses it.",
  /** After how many pixels each head loses it, the average head first; 0: not on this way, or not known. */
  lost: ([average, connected]: number[], straight: boolean) => {
    const after = (pixels: number) => (straight ? ` after ${pixels} ${pixels === 1 ? "pixel" : "pixels"}` : "");
    if (!average && !connected) return ": neither head has lost it";
    if (!connected) return `: the average head lost it${after(average)}, the connected head has not`;
    if (!average) return `: the connected head lost it${after(connected)}, the average head has not`;
    if (average === connected) return `: both heads lost it${after(average)}`;
    return average < connected
      ? `: the average head lost it${after(average)}, the connected head after ${connected}`
      : `: the connected head lost it${after(connected)}, the average head after ${average}`;
  },
  expected: (asGuessed: boolean) => (asGuessed ? ", as you expected" : "; you expected otherwise"),
  all: (moves: number, [average, connected]: number[]) =>
    `Of all ${moves} moves, the connected head loses it at ${connected} and the average head at ${average}`,
  columns: ["class", "global average", "fully connected"],
  offsets: "offsets shown",
  right: "of these, right",
  kept: "of these, as at first",
};
