/** The tools in a figure's head, under them notices, and below the figure what else they answer: a table, code, a link. */
import { freshId, h, write } from "./dom";
import type { Link } from "./model";

export interface Table {
  head: string[];
  rows: (string | number)[][];
}

const WORDS = {
  tools: "tools",
  table: "as table",
  tableOff: "hide table",
  close: "close",
  copied: "Copied",
  notCopied: "This browser does not let a page copy; the text is below.",
  without: "The picture is too large for a link, so this link lacks it.",
};
const COPIED_FOR = 2000; // ms that a button says so

export interface Tools {
  /** The buttons; and the notices under them. */
  buttons: HTMLElement;
  answers: HTMLElement;
  /** A table, code or a link: below the figure, and at the lower edge of the screen until the reader is there. */
  panel: HTMLElement;
  add(text: string, press: (button: HTMLButtonElement) => void): HTMLButtonElement;
  /** A button that shows or hides the table; `title` names the table. */
  addTable(title: string, table: () => Table): void;
  /** The table again, if it is open. */
  refresh(): void;
  /** Copy a text, and show it. */
  copy(button: HTMLButtonElement, text: string): Promise<void>;
  /** Show a text, with a button that closes it. */
  show(button: HTMLButtonElement, text: string): void;
  copyLink(button: HTMLButtonElement, link: Promise<Link>): Promise<void>;
  /** Say something: about the address (a status), or why something was refused (an alert); "" for nothing. */
  notice(text: string, role?: "status" | "alert"): void;
  /** Close all answers. */
  clear(): void;
}

export function tools(): Tools {
  const list = h("span", { class: "nin-toolbox", id: freshId("tools") });
  const fold = h("button", { type: "button", class: "nin-fold", "aria-expanded": "false", "aria-controls": list.id, click: () => {
    fold.setAttribute("aria-expanded", String(fold.getAttribute("aria-expanded") === "false"));
  } }, WORDS.tools); // on a phone, where the buttons would push the figure off the first screen
  const buttons = h("span", { class: "nin-tools" }, fold, list);
  const answers = h("div", { class: "nin-answers" });
  const panel = h("div", { class: "nin-panel" });

  const open = (...nodes: Node[]) => {
    panel.replaceChildren(...nodes);
    panel.scrollIntoView({ block: "nearest" });
  };
  let toggle: HTMLButtonElement | undefined;
  let showTable: (() => void) | undefined; // while it is open
  const close = () => {
    panel.replaceChildren();
    showTable = undefined;
    toggle?.setAttribute("aria-expanded", "false");
    if (toggle) write(toggle, WORDS.table);
  };
  const add: Tools["add"] = (text, press) => {
    const made = h("button", { type: "button", click: () => press(made) }, text);
    list.append(made);
    return made;
  };
  const sayCopied = (button: HTMLButtonElement) => {
    const text = button.textContent!;
    if (text === WORDS.copied) return;
    button.style.minWidth = `${button.offsetWidth}px`; // the buttons beside it stay where they are
    write(button, WORDS.copied);
    setTimeout(() => {
      write(button, text);
      button.style.minWidth = "";
    }, COPIED_FOR);
  };
  /** Open the panel with a note, and a button that closes it. */
  const openNote = (button: HTMLButtonElement, note: HTMLElement, ...nodes: Node[]) => {
    close();
    const end = h("button", { type: "button", class: "nin-link", click: () => (close(), button.focus()) }, WORDS.close);
    open(h("div", { class: "nin-copied" }, note, end), ...nodes);
  };
  const copy = async (button: HTMLButtonElement, text: string, more = "") => {
    const note = h("p", { role: "status" });
    openNote(button, note, h("pre", { tabindex: 0 }, text));
    try {
      await navigator.clipboard.writeText(text);
      write(note, `${WORDS.copied}. ${more}`);
      sayCopied(button);
    } catch {
      write(note, `${WORDS.notCopied} ${more}`);
    }
  };
  return {
    buttons,
    answers,
    panel,
    add,
    addTable(title, table) {
      let shown = "";
      const cells = (values: (string | number)[], tag: "th" | "td") =>
        h("tr", {}, ...values.map((value, i) =>
          i === 0 || tag === "th"
            ? h("th", { scope: tag === "th" ? "col" : "row" }, String(value))
            : h("td", {}, String(value))));
      const scrolled = h("div", { class: "nin-scroll", tabindex: 0, role: "region", "aria-label": `${title}, ${WORDS.table}` });
      const fill = () => {
        const { head, rows } = table();
        const text = JSON.stringify([head, rows]);
        if (text === shown) return;
        shown = text;
        scrolled.replaceChildren(h("table", {}, h("thead", {}, cells(head, "th")), h("tbody", {}, ...rows.map((row) => cells(row, "td")))));
      };
      toggle = add(WORDS.table, (button) => {
        if (showTable) return close();
        fill();
        open(scrolled);
        button.setAttribute("aria-expanded", "true");
        write(button, WORDS.tableOff);
        showTable = fill;
      });
      close();
    },
    refresh: () => showTable?.(),
    copy,
    show: (button, text) => openNote(button, h("p", {}, text)),
    copyLink: async (button, link) => {
      const { href, complete } = await link;
      await copy(button, href, complete ? "" : WORDS.without);
    },
    notice(text, role = "status") {
      answers.replaceChildren();
      if (!text) return;
      answers.append(h("p", { class: role === "status" ? "nin-aside" : "", role }, text));
      if (role === "alert") answers.scrollIntoView({ block: "nearest" });
    },
    clear() {
      close();
      answers.replaceChildren();
    },
  };
}
