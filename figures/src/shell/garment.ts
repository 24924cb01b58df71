/** Images of garments as the networks read them: 28×28 bytes, light on black, in base64. */
import { readImage } from "./image_file";

export const SIDE = 28;

/** base64 → bytes, 0 to 255. */
export const decode = (text: string): number[] => Array.from(atob(text), (c) => c.charCodeAt(0));

/** Whether a text is such an image: one from an address may be anything. */
export const isGarment = (text: string): boolean => text.length === 4 * Math.ceil(SIDE ** 2 / 3) && /^[A-Za-z\d+/]+={0,2}$/.test(text) && atob(text).length === SIDE ** 2;

/** Bytes → base64; values are rounded and kept inside 0 to 255. */
export const encode = (bytes: ArrayLike<number>): string => btoa(String.fromCharCode(...Uint8ClampedArray.from(bytes)));

/** Read the reader's own image as a garment; one on a light background is inverted. */
export async function readGarment(file: File): Promise<number[]> {
  const planes = await readImage(file, SIDE, SIDE);
  const gray = Array.from(planes[0], (_, i) => (planes[0][i] + planes[1][i] + planes[2][i]) / 3);
  const last = SIDE * (SIDE - 1);
  const edge = gray.filter((_, i) => i < SIDE || i >= last || i % SIDE === 0 || i % SIDE === SIDE - 1);
  const light = edge.reduce((a, b) => a + b) / edge.length > 0.5;
  return gray.map((value) => Math.round(255 * (light ? 1 - value : value)));
}
