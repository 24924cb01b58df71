/** The words of *Slide it*. */
export const WORDS = {
  title: "Slide it",
  how: "choose an answer · move the garment",
  keys: "arrow keys move it too",
  caption:
    "Each square of a map is one offset, from 8 pixels left and up to 8 right and down; the center is the original position. The stronger the contrast of a square, the higher the probability that the head gives the right class there. A dot: it predicts another class.",
  garment: "garment",
  own: "your own",
  frame: "Frame, 28×28: arrow keys move the garment, Home puts it back",
  question: "Which head will lose the garment sooner?",
  guesses: { average: "global average", fully_connected: "fully connected", alike: "both alike" } as Record<string, string>,
  heads: ["Global average", "Fully connected"],
  inPercent: (head: string) => `${head}, %`,
  head: ["the average head", "the connected head"],
  map: (head: string) => `${head}: map of offsets`,
  axis: (most: number) => [`← ${most} left`, `${most} right →`],
  fill: "fill the rest",
  moved: (right: number, down: number) => {
    const parts = [right && `${Math.abs(right)} ${right > 0 ? "right" : "left"}`, down && `${Math.abs(down)} ${down > 0 ? "down" : "up"}`];
    return parts.filter(Boolean).length ? `Moved ${parts.filter(Boolean).join(" and ")}` : "Not moved";
  },
  gives: (name: string, shares: string[]) =>
    `: the average head gives ${name} ${shares[0]}\u00a0%, the connected head ${shares[1]}\u00a0%.`,
  givesEach: (names: string[], shares: string[]) =>
    `: the average head gives ${names[0]} ${shares[0]}\u00a0%, the connected head ${names[1]} ${shares[1]}\u00a0%.`,
  hidden: ": choose an answer to see both heads’ predictions.",
  first: " Which head will lose it sooner as it moves? Choose an answer to see.",
  counts: (count: number, right: number[]) =>
    count === 1
      ? " Move the garment: each new offset fills a square."
      : ` Of the ${count} offsets both were shown, the average head is right at ${right[0]}, the connected head at ${right[1]}.`,
  countsOwn: (count: number, right: number[]) =>
    count === 1
      ? " Move the image: each new offset fills a square."
      : ` Of the ${count} offsets both were shown, the average head keeps its first prediction at ${right[0]}, the connected head at ${right[1]}.`,
  verdict: (loser: string, asGuessed: boolean) =>
    ` ${{ average: "The average head loses it sooner", fully_connected: "The fully connected head loses it sooner", alike: "Both lose it alike" }[loser]}${asGuessed ? ", as you expected." : "; you expected otherwise."}`,
  columns: ["class", "global average", "fully connected"],
  offsets: "offsets shown",
  right: "of these, right",
  kept: "of these, as at first",
};
