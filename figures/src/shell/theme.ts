/** The theme, light or dark, of the page, the notebook or the system; colors from the one palette. */
import palette from "../../../nin_lib/palette.json";

export type Colors = (typeof palette)["light"];

export function isDark(): boolean {
  const html = document.documentElement;
  const chosen = html.dataset.theme ?? html.getAttribute("theme"); // the site's pages; Colab
  if (chosen === "light" || chosen === "dark") return chosen === "dark";
  const lab = document.body.dataset.jpThemeLight; // JupyterLab
  if (lab) return lab === "false";
  if (document.body.classList.contains("vscode-dark")) return true;
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

export const colors = (): Colors => palette[isDark() ? "dark" : "light"];

/** Call back when the theme changes. */
export function onTheme(callback: () => void, signal: AbortSignal): void {
  const watcher = new MutationObserver(callback);
  const attributes = ["data-theme", "theme", "data-jp-theme-light", "class"];
  for (const element of [document.documentElement, document.body])
    watcher.observe(element, { attributes: true, attributeFilter: attributes });
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", callback, { signal });
  addEventListener("beforeprint", callback, { signal });
  signal.addEventListener("abort", () => watcher.disconnect());
}

/** `--nin-ink: …` and so on, for both themes, scoped to figures. */
export const variables = (["light", "dark"] as const)
  .map((theme) => {
    const body = Object.entries(palette[theme]).map(([name, value]) => `--nin-${name}:${value}`);
    return `.nin-figure[data-theme=${theme}]{${body.join(";")}}`;
  })
  .join("");

type RGB = [number, number, number];
const parse = (hex: string): RGB =>
  [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)) as RGB;

/** value ↦ color: blue below zero, neutral at zero, orange above; full color at ±limit. */
export function colorScale(limit: number, from: Colors = colors()): (value: number) => RGB {
  const [low, middle, high] = [from.negative, from.neutral, from.positive].map(parse);
  return (value) => {
    const end = value < 0 ? low : high;
    const share = Math.min(1, Math.abs(value) / (limit || 1));
    return middle.map((m, i) => m + (end[i] - m) * share) as RGB;
  };
}

export const cssColor = (rgb: RGB): string => `rgb(${rgb.map(Math.round).join(" ")})`;
