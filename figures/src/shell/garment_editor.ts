/** A garment that the reader chooses, draws or loads, and a network's results for it, stroke by stroke. */
import type { Network } from "../net/network";
import type { Stage } from "./figure";
import { decode, SIDE } from "./garment";
import { type GarmentImage, garmentImage, type GarmentOptions } from "./garment_image";
import { type NetworkWorker, networkWorker } from "./network_worker";
import { type Weights, weights } from "./weights";

const KEPT = 8; // results of earlier images

interface Options<Result> extends GarmentOptions {
  /** The network's file of weights. */
  file: string;
  /** The layers whose maps `compute` needs. */
  layers(network: Network): number[];
  /** Compute what the figure shows from an image's maps: layer by layer, one array a channel. */
  compute(image: string, maps: Float32Array[][]): Result;
}

export interface GarmentEditor<Result> extends GarmentImage {
  weights: Weights;
  /** The result for any image; for the one shown or, until the worker answers, for the one before. */
  resultOf(image: string): Result;
  latestResult(): Result;
  /** All maps of any layer for the image shown; the network runs in the page. */
  mapsOf(layer: number): Float32Array[];
  /** Whether the worker is still to answer for the image shown. */
  computing(): boolean;
  /** Paint the image; returns the network once its weights are there. First in each `draw`. */
  draw(): Network | undefined;
  /** Python that computes `logits` of the image shown, and leaves `network` and `x`. */
  code(): string;
}

export function garmentEditor<Result>(stage: Stage, { file, layers, compute, ...options }: Options<Result>): GarmentEditor<Result> {
  const source = weights(stage, [file]);
  // After each stroke the worker runs the network, then the figure is drawn.
  const garment = garmentImage(stage, options, (image, bytes) => !results.has(image) && !!worker?.run(image, normalized(bytes)));
  const { original, shown } = garment;

  // ---- the network, run once for each image
  const results = new Map<string, Result>();
  let latest: Result;
  let worker: NetworkWorker | undefined;
  const normalized = (bytes: number[]) => {
    const [mean, std] = stage.get<number[]>("normal");
    return bytes.map((value) => (value / 255 - mean) / std);
  };
  const keep = (image: string, maps: Float32Array[][]): Result => {
    if (results.size > KEPT) for (const old of results.keys()) if (old !== original()) results.delete(old);
    latest = compute(image, maps);
    results.set(image, latest);
    return latest;
  };
  let ranOn = "";
  const runOn = (image: string): Network => {
    const [network] = source.networks()!;
    if (ranOn !== image) network.run(normalized(decode(image)));
    ranOn = image;
    return network;
  };
  const resultOf = (image: string): Result => {
    const known = results.get(image);
    if (known) return known;
    const network = runOn(image);
    return keep(image, layers(network).map((layer) => network.maps(layer)));
  };
  const computing = () => garment.drawing() && !!worker?.busy();
  const latestResult = () => results.get(shown()) ?? (computing() ? latest : resultOf(shown()));

  return Object.assign(garment, {
    weights: source,
    resultOf,
    latestResult,
    mapsOf: (layer: number) => runOn(shown()).maps(layer),
    computing,
    draw() {
      garment.paint();
      if (!source.ready()) return;
      const [network] = source.networks()!;
      worker ??= networkWorker(source.bytes(file), layers(network), stage.signal, (image, maps) => {
        if (maps) keep(image, maps);
        stage.draw();
      });
      return network;
    },
    code() {
      const [mean, std] = stage.get<number[]>("normal");
      return `import torch
from nin_lib import models

network = models.pocket_nin(trained=True)
pixels = torch.tensor([${garment.bytes().join(", ")}])
x = (pixels.reshape(1, 1, ${SIDE}, ${SIDE}) / 255 - ${mean}) / ${std}
with torch.no_grad():
    logits = network(x)[0]
`;
    },
  });
}
