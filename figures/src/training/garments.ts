/** The garments on which a page trains, as nin_lib/live/garments.py packs them. */
import type { Images } from "./engine";
import { PIXELS } from "./plan";

export interface Garments {
  train: Images;
  /** To test with: photographs, and drawn garments. */
  photographs: Images;
  drawn: Images;
}

const BYTES = PIXELS / 2; // of an image

/** Read the file. Throws an error with a sentence if it is cut short, or this browser cannot unpack it. */
export async function readGarments(file: DataView): Promise<Garments> {
  const packed = new Uint8Array(file.buffer as ArrayBuffer, file.byteOffset, file.byteLength);
  const bytes = packed[0] === 0x1f && packed[1] === 0x8b ? await unpack(packed) : packed; // some hosts have unpacked it
  if (bytes.length < 4) throw new Error("the file is empty");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as { train: number; test: number; real: number[] };
  const count = header.train + header.test;
  if (bytes.length !== 4 + length + count * (1 + BYTES)) throw new Error("the file is cut short");
  const labels = bytes.subarray(4 + length, 4 + length + count);
  const pixels = bytes.subarray(4 + length + count);
  // Copies, which begin where memory of whole words can begin.
  const part = (from: number, to: number): Images => ({ labels: labels.slice(from, to), pixels: pixels.slice(from * BYTES, to * BYTES) });
  const border = header.train + header.real[1];
  return { train: part(0, header.train), photographs: part(header.train, border), drawn: part(border, count) };
}

async function unpack(packed: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  if (!("DecompressionStream" in globalThis)) throw new Error("this browser cannot unpack gzip");
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  try {
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Error("the file is cut short");
  }
}

/** An image of 784 bytes, 0 to 255, as it is stored: 4 bits a pixel. */
export function pack(pixels: Uint8Array): Images {
  const four = Array.from(pixels, (value) => Math.round((value * 15) / 255));
  return { pixels: Uint8Array.from({ length: BYTES }, (_, i) => four[2 * i] | (four[2 * i + 1] << 4)), labels: new Uint8Array(1) };
}
