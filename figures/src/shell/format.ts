/** Numbers as the book prints them: a true minus sign, a fixed number of decimals. */

/** Format with fixed decimals: 0.5 → "0.50"; −0.5 → "−0.50"; never "−0.00". */
export function fixed(value: number, decimals: number): string {
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** Format as `fixed`, with a plus sign before positive numbers. */
export function signed(value: number, decimals: number): string {
  const text = fixed(value, decimals);
  return value > 0 && Number(text) !== 0 ? `+${text}` : text;
}

/** Format with separators: 12345 → "12,345". */
export function thousands(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Format a very small number: 0 → "0", 5.96e-8 → "6·10⁻⁸". */
export function tiny(value: number): string {
  if (value === 0) return "0";
  const [digits, power] = value.toExponential(0).split("e");
  const raised = [...power.replace("+", "")].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
  return `${digits}·10${raised.join("")}`;
}

/** Count the decimals, four at most, that write all of these numbers exactly. */
export function decimals(values: Iterable<number>): number {
  let most = 0;
  for (const value of values) {
    while (most < 4 && Math.abs(value - Number(value.toFixed(most))) > 1e-9) most++;
  }
  return most;
}

/** Round away the error of binary fractions: 0.30000000000000004 → 0.3. */
export function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
