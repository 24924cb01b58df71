/** The script that trains: in a worker of its own, or, where workers are forbidden, in the page. */
import type { Answer } from "./messages";
import { session } from "./session";

/** Where the page has evaluated this script, it left its end of the conversation here. */
const page = (globalThis as { ninTraining?: MessagePort }).ninTraining;
const scope = page ?? (globalThis as unknown as MessagePort);
const answer = session((answer: Answer) => scope.postMessage(answer), page ? 60 : 250);
scope.onmessage = ({ data }) => void answer(data).catch((error) => setTimeout(() => { throw error; })); // the page hears of it
