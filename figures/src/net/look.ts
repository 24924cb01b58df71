/** The script of a worker: a network that is sent pictures and answers with the maps of one layer. */
import { Network } from "./network";

/** First the file, then pictures, each by a name of its own. */
export type Sent = { file: DataView; layer: number } | { name: string; picture: number[] };
export interface Answer {
  name: string;
  /** One array a channel. */
  maps: Float32Array[];
}

let network: Network;
let layer: number;
self.onmessage = ({ data }: MessageEvent<Sent>) => {
  if ("file" in data) {
    layer = data.layer;
    network = new Network(data.file);
    return;
  }
  network.run(data.picture);
  const maps = Array.from({ length: network.layers[layer].out }, (_, channel) => network.map(layer, channel).slice());
  self.postMessage({ name: data.name, maps } satisfies Answer);
};
