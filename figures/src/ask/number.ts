/** Numbers as readers write them. */

const GAP = "[ \\u00a0\\u2009\\u202f]";
const GROUPED = new RegExp(`^[-+]?[1-9]\\d{0,2}(?:(?:,\\d{3})+|(?:${GAP}\\d{3})+)(?:\\.\\d*)?$`);
const COMMA = /^[-+]?\d+,\d+$/; // of decimals: the only one on many phones' keyboards
const PLAIN = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;

/**
 * Read 131,584 or 131 584, 0.5 or 0,5, 1.3e5, 18 %; the unit may stand behind the number.
 *
 * @returns NaN for what is no number; 0.18 for 18 %, but 18 where the unit is %
 */
export function read(written: string, unit: string): number {
  let text = written.trim().replace("−", "-");
  if (unit && text.endsWith(unit)) text = text.slice(0, -unit.length).trimEnd();
  const share = text.endsWith("%");
  if (share) text = text.slice(0, -1).trimEnd();
  if (GROUPED.test(text)) text = text.replace(new RegExp(`,|${GAP}`, "g"), "");
  else if (COMMA.test(text)) text = text.replace(",", ".");
  const value = PLAIN.test(text) ? Number(text) / (share ? 100 : 1) : NaN;
  return Number.isFinite(value) ? value : NaN;
}

/** Whether two numbers are no further apart than `within`, up to what floating point loses. */
export const near = (a: number, b: number, within: number): boolean =>
  Math.abs(a - b) <= within + 1e-9 * Math.max(Math.abs(a), Math.abs(b));
