/** The reader's own picture: any image file becomes C×H×W numbers in 0…1, or a sentence. */
export class NotAPicture extends Error {}

const MOST_BYTES = 40e6;

/** Three planes of H×W values: the middle square of the picture, on white where it is transparent. */
export async function readPicture(file: File, height: number, width: number): Promise<Float64Array[]> {
  if (file.size > MOST_BYTES)
    throw new NotAPicture(`That file has ${Math.round(file.size / 1e6)} MB; the figure takes up to 40 MB.`);
  if (file.size === 0) throw new NotAPicture("That file is empty.");
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
    throw new NotAPicture(`This browser cannot read “${file.name}” as a picture. PNG, JPEG and WebP files work.`);
  } finally {
    URL.revokeObjectURL(address);
  }
}
