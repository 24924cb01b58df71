/** The script of a worker that trains on request. */
import { type Request, trainOnRequest } from "./experiment";

const answer = trainOnRequest();
self.onmessage = ({ data }: MessageEvent<Request>) => self.postMessage(answer(data));
