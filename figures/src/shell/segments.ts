/** A switch between parts of a figure, of which one is shown: radio buttons that look like a row of buttons. */
export { default as segmentsStyle } from "./segments.css";
import { freshId, h } from "./dom";

export function segments<T extends string>(label: string, parts: Record<T, string>, choose: (part: T) => void) {
  const name = freshId("part");
  const inputs = (Object.keys(parts) as T[]).map((value) => h("input", { type: "radio", name, value, change: () => choose(value) }));
  return {
    element: h("div", { class: "nin-segments", role: "radiogroup", "aria-label": label },
      ...inputs.map((input) => h("label", {}, input, h("span", {}, parts[input.value as T])))),
    show: (part: T) => inputs.forEach((input) => (input.checked = input.value === part)),
  };
}
