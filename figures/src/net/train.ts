/** The script of a worker that trains as it is asked. */
import { type Request, trainer } from "./experiment";

const answer = trainer();
self.onmessage = ({ data }: MessageEvent<Request>) => self.postMessage(answer(data));
