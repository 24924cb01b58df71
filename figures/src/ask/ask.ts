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
  soFar: (open: number) => `✓ Right so far. Still open: ${open} of the numbers.`,
};

export default {
  render({ model, el }: { model: Model; el: HTMLElement }): () => void {
    if (!el.querySelector("form")) el.innerHTML = model.get("page"); // in a notebook
    const form = el.querySelector("form")!;
    const said = form.querySelector("[role=status]")!;
    const answers = [...form.querySelectorAll<HTMLElement>("dd")];
    const boxes = [...form.querySelectorAll<HTMLInputElement>("input:not([type])")];

    const say = (...words: (string | Node)[]) => said.replaceChildren(...words);
    const sayAnswer = (answer: HTMLElement) => say(...answer.cloneNode(true).childNodes);
    const checkChoice = () => {
      const chosen = form.querySelector<HTMLInputElement>(":checked");
      if (chosen) sayAnswer(answers[Number(chosen.value)]);
      else say(WORDS.choose);
    };
    /** Say what is wrong with the number in a box; whether it is the right one, the first of its answers. */
    const isRight = ({ name, value: written, dataset }: HTMLInputElement) => {
      const value = read(written, dataset.unit!);
      if (isNaN(value)) return void say(WORDS.noNumber(written.trim()));
      const own = answers.filter((answer) => (answer.dataset.box ?? name) === name);
      const known = own.find(({ dataset: of }) => of.value && near(value, Number(of.value), Number(of.within ?? dataset.within)));
      const answer = known ?? own[own.length - 1]; // the last: any other number
      sayAnswer(answer);
      const printed = value.toLocaleString("en-US", { maximumSignificantDigits: 12 });
      if (printed !== written.trim() && Number(written) !== value) said.prepend(WORDS.understood(printed));
      return answer === own[0];
    };
    const checkNumbers = () => {
      const filled = boxes.filter((box) => box.value.trim());
      if (!filled.length) return say(WORDS.write);
      if (!filled.every(isRight)) return;
      const praise = answers.find((answer) => answer.dataset.box === "all");
      if (filled.length < boxes.length) say(WORDS.soFar(boxes.length - filled.length));
      else if (praise) sayAnswer(praise);
    };

    const ended = new AbortController();
    const { signal } = ended;
    // Enter on a choice clicks the button, too. No "submit" is heard in a host's frame that may send no forms.
    form.querySelector("button")!.addEventListener("click", () => (boxes.length ? checkNumbers() : checkChoice()), { signal });
    for (const box of boxes)
      box.addEventListener(
        "keydown",
        (event) => {
          if (event.key !== "Enter" || event.isComposing) return;
          event.preventDefault(); // JupyterLab does so, too, and then nothing would be clicked
          checkNumbers();
        },
        { signal },
      );
    form.addEventListener("input", () => say(), { signal }); // what was said is about another answer
    form.dataset.ready = "true";
    return () => {
      ended.abort();
      delete form.dataset.ready;
    };
  },
};
