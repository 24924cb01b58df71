/** From stored images to normalized ones. */
import { DEVIATION, type Images, MEAN } from "../engine";
import { PIXELS, SIDE } from "../plan";

/** Write the images of a batch, each named as in `Engine`, one after another at an index of `floats`. */
export function unpack({ pixels }: Images, batch: ArrayLike<number>, floats: Float32Array, at: number): void {
  for (let n = 0; n < batch.length; n++) {
    const [first, mirrored] = [(batch[n] >>> 1) * PIXELS, batch[n] & 1];
    for (let line = 0; line < PIXELS; line += SIDE)
      for (let x = 0; x < SIDE; x++, at++) {
        const pixel = first + line + (mirrored ? SIDE - 1 - x : x);
        floats[at] = NORMALIZED[(pixels[pixel >> 1] >> (4 * (pixel & 1))) & 15];
      }
  }
}

const NORMALIZED = Array.from({ length: 16 }, (_, value) => (value / 15 - MEAN) / DEVIATION);

/** The same as an array of its own, [image][row][column]. */
export function unpacked(images: Images, batch: ArrayLike<number>): Float32Array {
  const floats = new Float32Array(batch.length * PIXELS);
  unpack(images, batch, floats, 0);
  return floats;
}
