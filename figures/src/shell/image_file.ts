/** The reader's own image: any image file becomes C×H×W numbers in 0…1, or an error with a sentence. */
export class UnreadableImage extends Error {}

const MAX_BYTES = 40e6;
const DRAWN = [512, 8192]; // pixels of a vector drawing's shorter and longer side, at most
const WORDS = {
  large: (megabytes: number) => `That file has ${megabytes} MB; the figure takes up to 40 MB.`,
  empty: "That file is empty.",
  unreadable: (name: string) => `This browser cannot read “${name}” as an image; PNG, JPEG, WebP and SVG files work.`,
};

/**
 * Read the middle square of an image: three planes of H×W values. A transparent ground becomes
 * white, or black under a light drawing.
 *
 * Throws UnreadableImage.
 */
export async function readImage(file: File, height: number, width: number): Promise<Float64Array[]> {
  if (file.size > MAX_BYTES) throw new UnreadableImage(WORDS.large(Math.round(file.size / 1e6)));
  if (file.size === 0) throw new UnreadableImage(WORDS.empty);
  let address = "";
  const image = new Image();
  try {
    address = URL.createObjectURL(/svg/.test(file.type || file.name) ? sized(await file.text()) : file);
    image.src = address;
    await image.decode();
    const { naturalWidth: across, naturalHeight: down } = image;
    const side = Math.min(across, down);
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true })!;
    context.imageSmoothingQuality = "high";
    context.drawImage(image, (across - side) / 2, (down - side) / 2, side, side, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    const ground = groundFor(data);
    const over = (i: number, c: number) => ground + ((data[4 * i + c] / 255 - ground) * data[4 * i + 3]) / 255;
    return [0, 1, 2].map((c) => Float64Array.from({ length: height * width }, (_, i) => over(i, c)));
  } catch {
    throw new UnreadableImage(WORDS.unreadable(file.name));
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** The ground that sets off what is drawn on transparency: 0 for a light drawing, 1 for any other. */
function groundFor(pixels: Uint8ClampedArray): number {
  let [light, opaque] = [0, 0];
  for (let i = 0; i < pixels.length; i += 4) {
    light += ((pixels[i] + pixels[i + 1] + pixels[i + 2]) / 3) * pixels[i + 3];
    opaque += pixels[i + 3];
  }
  return light > 127.5 * opaque ? 0 : 1;
}

/** A vector drawing with a size in pixels: some browsers draw none that has only a viewBox. */
function sized(text: string): Blob {
  const drawing = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  const [, , across, down] = (drawing.getAttribute("viewBox") ?? "").split(/[\s,]+/).map(Number);
  const own = ["width", "height"].map((name) => parseFloat(drawing.getAttribute(name) ?? ""));
  const [width, height] = across > 0 && down > 0 ? [across, down] : own.every((length) => length > 0) ? own : [1, 1];
  const scale = Math.min(DRAWN[0] / Math.min(width, height), DRAWN[1] / Math.max(width, height));
  if (!drawing.hasAttribute("viewBox") && own.every((length) => length > 0)) drawing.setAttribute("viewBox", `0 0 ${own.join(" ")}`);
  drawing.setAttribute("width", String(width * scale));
  drawing.setAttribute("height", String(height * scale));
  return new Blob([new XMLSerializer().serializeToString(drawing)], { type: "image/svg+xml" });
}
