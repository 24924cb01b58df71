/** Which positions of a class map see nothing of what lies on the canvas. */
import type { Network } from "../net/network";

/** For each position of the last of some layers, whether its receptive field is all black. */
export function blackPositions(layers: Network["layers"], { size: side, bytes }: { size: number; bytes: Uint8Array }, across: number): boolean[] {
  const width = side + 1;
  const lit = new Uint32Array(width * width); // number of light pixels above and left of each corner
  for (let r = 0; r < side; r++)
    for (let c = 0, line = 0; c < side; c++) {
      line += Number(bytes[r * side + c] > 0);
      lit[(r + 1) * width + c + 1] = lit[r * width + c + 1] + line;
    }
  let [size, step, start] = [1, 1, 0];
  for (const layer of layers) {
    size += (layer.kernel - 1) * step;
    start -= layer.padding * step;
    step *= layer.stride;
  }
  const edge = (at: number) => Math.max(0, Math.min(side, at));
  return Array.from({ length: across * across }, (_, p) => {
    const [top, left] = [start + Math.floor(p / across) * step, start + (p % across) * step];
    const [up, down, from, to] = [edge(top), edge(top + size), edge(left), edge(left + size)];
    return lit[down * width + to] - lit[up * width + to] - lit[down * width + from] + lit[up * width + from] === 0;
  });
}
