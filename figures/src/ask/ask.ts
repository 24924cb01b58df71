/**
 * A question in the page. Its HTML is Python's, answers included; this says which of them is the
 * reader's.
 */
import type { Model } from "../shell/model";
import { near, read } from "./number";

const WORDS = {
  choose: "Choose an answer first.",
  write: "Write a number first.",
  noNumber: (text: string) => `“${text}” cannot be read as a number. Write it as 131,584, as 0.5, as 1.3e5 or as 18 %.`,
  understood: (value: string) => `Read as ${value}. `,
};

export default {
  render({ model, el }: { model: Model; el: HTMLElement }): () => void {
    if (!el.querySelector("form")) el.innerHTML = model.get("page"); // in a notebook
    const form = el.querySelector("form")!;
    const said = form.querySelector("[role=status]")!;
    const answers = [...form.querySelectorAll<HTMLElement>("dd")];
    const box = form.querySelector<HTMLInputElement>("input:not([type])");

    const say = (...words: (string | Node)[]) => said.replaceChildren(...words);
    const sayAnswer = (answer: HTMLElement) => say(...answer.cloneNode(true).childNodes);
    const checkChoice = () => {
      const chosen = form.querySelector<HTMLInputElement>(":checked");
      if (chosen) sayAnswer(answers[Number(chosen.value)]);
      else say(WORDS.choose);
    };
    const checkNumber = ({ value: written, dataset }: HTMLInputElement) => {
      const value = read(written, dataset.unit!);
      if (!written.trim()) return say(WORDS.write);
      if (isNaN(value)) return say(WORDS.noNumber(written.trim()));
      const within = Number(dataset.within);
      const known = answers.find(({ dataset: { value: of } }) => of && near(value, Number(of), within));
      sayAnswer(known ?? answers[answers.length - 1]); // the last: any other number
      const printed = value.toLocaleString("en-US", { maximumSignificantDigits: 12 });
      if (printed !== written.trim() && Number(written) !== value) said.prepend(WORDS.understood(printed));
    };

    const ended = new AbortController();
    const { signal } = ended;
    // Enter clicks the button, too. No "submit" is heard in a host's frame that may send no forms.
    form.querySelector("button")!.addEventListener("click", () => (box ? checkNumber(box) : checkChoice()), { signal });
    form.addEventListener("input", () => say(), { signal }); // what was said is about another answer
    form.dataset.ready = "true";
    return () => {
      ended.abort();
      delete form.dataset.ready;
    };
  },
};
