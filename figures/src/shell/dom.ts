/** Helpers to build and update elements: h("p", {class: "how"}, "text", child). */
type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | ((event: any) => void) | undefined>;

function fill<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...(children.filter((child) => child || child === "") as (Node | string)[]));
  return element;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

let count = 0;
/** An id that no other element of the page has. */
export const freshId = (stem: string): string => `nin-${stem}-${++count}-${Math.random().toString(36).slice(2, 6)}`;

const styled = new WeakMap<Element, Record<string, string>>();
/** Set a style if it differs from what was set last. */
export function setStyle(element: HTMLElement, name: "transform" | "width" | "height", value: string): void {
  if (!styled.has(element)) styled.set(element, {});
  const last = styled.get(element)!;
  if (last[name] !== value) element.style[name] = last[name] = value;
}

const written = new WeakMap<Node, string>();
/** Set the text if it differs, to avoid needless layout; returns whether it did. */
export function write(node: Node, text: string): boolean {
  if (written.get(node) === text) return false;
  written.set(node, text);
  const { firstChild } = node;
  if (firstChild?.nodeType === 3 && firstChild === node.lastChild) (firstChild as Text).data = text;
  else node.textContent = text;
  return true;
}

/** Set the class if it differs. */
export function setClass(element: Element, name: string): void {
  if (element.className !== name) element.className = name;
}

const inWords = new WeakMap<Element, (value: number) => string>();
/** Make a slider whose value screen readers say in words, such as "3 cells". */
export function slider(attributes: Attributes, words: (value: number) => string): HTMLInputElement {
  const input = h("input", { type: "range", ...attributes });
  inWords.set(input, words);
  input.addEventListener("input", () => sayValue(input));
  sayValue(input);
  return input;
}

function sayValue(input: Element): void {
  const words = inWords.get(input)?.(Number((input as HTMLInputElement).value));
  if (words !== undefined && input.getAttribute("aria-valuetext") !== words) input.setAttribute("aria-valuetext", words);
}

/** Set the value of a list or slider if it differs. */
export function setValue(input: HTMLSelectElement | HTMLInputElement, value: number | string): void {
  if (input.value !== String(value)) input.value = String(value);
  sayValue(input);
}

/** Put a number in a box of fixed size in a grid: a new number then causes no layout but its own. */
export const boxed = (number: HTMLElement): HTMLElement => h("span", { class: "nin-boxed" }, number);
