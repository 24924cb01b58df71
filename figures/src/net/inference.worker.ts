/** The script of a worker that runs a network on the images it is sent and answers with maps. */
import { Network } from "./network";

/** First the file, then images, each with a name of its own. */
export type Request = { file: DataView; layers: number[]; side?: number } | { name: string; image: number[] | Float32Array };
export interface Answer {
  name: string;
  /** Layer by layer, one array a channel. */
  maps: Float32Array[][];
}

let network: Network;
let layers: number[];
self.onmessage = ({ data }: MessageEvent<Request>) => {
  if ("file" in data) {
    const { file, side } = data;
    layers = data.layers;
    network = new Network(file, undefined, side ? [side, side] : undefined);
    return;
  }
  network.run(data.image);
  self.postMessage({ name: data.name, maps: layers.map((layer) => network.maps(layer)) } satisfies Answer);
};
