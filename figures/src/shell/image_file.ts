/** The reader's own image: any image file becomes C×H×W numbers in 0…1, or an error with a sentence. */
export class UnreadableImage extends Error {}

const MAX_BYTES = 40e6;
const WORDS = {
  large: (megabytes: number) => `That file has ${megabytes} MB; the figure takes up to 40 MB.`,
  empty: "That file is empty.",
  unreadable: (name: string) => `This browser cannot read “${name}” as an image. PNG, JPEG and WebP files work.`,
};

/**
 * Read the middle square of an image, on white where it is transparent: three planes of H×W values.
 *
 * Throws UnreadableImage.
 */
export async function readImage(file: File, height: number, width: number): Promise<Float64Array[]> {
  if (file.size > MAX_BYTES) throw new UnreadableImage(WORDS.large(Math.round(file.size / 1e6)));
  if (file.size === 0) throw new UnreadableImage(WORDS.empty);
  const address = URL.createObjectURL(file);
  const image = new Image();
  try {
    image.src = address;
    await image.decode();
    const side = Math.min(image.naturalWidth || width, image.naturalHeight || height);
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true })!;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    const left = ((image.naturalWidth || side) - side) / 2;
    const top = ((image.naturalHeight || side) - side) / 2;
    context.drawImage(image, left, top, side, side, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    return [0, 1, 2].map((c) => Float64Array.from({ length: height * width }, (_, i) => data[4 * i + c] / 255));
  } catch {
    throw new UnreadableImage(WORDS.unreadable(file.name));
  } finally {
    URL.revokeObjectURL(address);
  }
}
