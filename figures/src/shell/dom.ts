/** Elements in one line: h("p", {class: "how"}, "text", child). */
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
/** Set a style only where it differs from what was set last. */
export function style(element: HTMLElement, name: "transform" | "width" | "height", value: string): void {
  if (!styled.has(element)) styled.set(element, {});
  const last = styled.get(element)!;
  if (last[name] !== value) element.style[name] = last[name] = value;
}

const written = new WeakMap<Node, string>();
/** Set the text only where it differs, so that nothing is laid out in vain; whether it did. */
export function write(node: Node, text: string): boolean {
  if (written.get(node) === text) return false;
  written.set(node, text);
  const { firstChild } = node;
  if (firstChild?.nodeType === 3 && firstChild === node.lastChild) (firstChild as Text).data = text;
  else node.textContent = text;
  return true;
}

/** The same for the class. */
export function mark(element: Element, name: string): void {
  if (element.className !== name) element.className = name;
}

/** The same for what a list or a slider stands at. */
export function choose(input: HTMLSelectElement | HTMLInputElement, value: number | string): void {
  if (input.value !== String(value)) input.value = String(value);
}

/** A number in a box of fixed size in a grid: a new number lays out nothing but itself. */
export const boxed = (number: HTMLElement): HTMLElement => h("span", { class: "nin-boxed" }, number);
