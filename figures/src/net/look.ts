/** The script of a worker: a network that is sent pictures and answers with the maps of some layers. */
import { Network } from "./network";

/** First the file, then pictures, each by a name of its own. */
export type Sent = { file: DataView; layers: number[]; side?: number } | { name: string; picture: number[] };
export interface Answer {
  name: string;
  /** Layer by layer, one array a channel. */
  maps: Float32Array[][];
}

let network: Network;
let layers: number[];
self.onmessage = ({ data }: MessageEvent<Sent>) => {
  if ("file" in data) {
    const { file, side } = data;
    layers = data.layers;
    network = new Network(file, undefined, side ? [side, side] : undefined);
    return;
  }
  network.run(data.picture);
  self.postMessage({ name: data.name, maps: layers.map((layer) => network.maps(layer)) } satisfies Answer);
};
