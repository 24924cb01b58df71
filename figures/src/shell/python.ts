/** What copied Python begins with: the state in words, and what has to be installed. */
const INSTALL = 'needs nin_lib: pip install "nin-lib @ git+https://github.com/OWNER_NOT_SET/network-in-network"';
const WIDTH = 88; // characters of a line

/** Comment lines with the figure's sentence; with `library`, one that says how to install nin_lib. */
export function preamble(sentence: string | null, library = false): string {
  const lines = ["#"];
  for (const word of (sentence ?? "").split(/[ \u00a0]/)) {
    if (lines.at(-1)!.length + word.length >= WIDTH) lines.push("#");
    lines[lines.length - 1] += ` ${word}`;
  }
  return `${lines.join("\n")}\n${library ? `# ${INSTALL}\n` : ""}`;
}
