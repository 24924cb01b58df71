/**
 * The patches of a convolution as the columns of a matrix ("im2col"), and the way back.
 *
 * Row k = (channel, i, j) of the matrix has, for each position, the number that the kernel's entry
 * (i, j) meets there: the channel itself, shifted by a row or a column or two, with 0 beyond its
 * border. So with a stride of 1 a row is copied in one piece.
 */
import { GROUP, type Maps, type Memory, type Place, roundUp } from "./memory";

/** Some images of a batch, one after another. */
export interface Group {
  first: number;
  images: number;
}

/** Cut a batch into groups whose positions number at most GROUP. */
export function groups({ out }: Place, count: number): Group[] {
  const most = Math.max(1, Math.floor(GROUP / out ** 2));
  return Array.from({ length: Math.ceil(count / most) }, (_, i) => ({ first: i * most, images: Math.min(most, count - i * most) }));
}

/** Given a row of the matrix: its address, that of its channel's first image, and its shift in lines and columns. */
type Visit = (row: number, source: number, down: number, right: number) => void;

function eachRow({ patches }: Memory, { from, kernel, side }: Place, maps: Maps, { first }: Group, visit: Visit): void {
  const padding = kernel >> 1;
  let row = patches;
  for (let c = 0; c < from; c++)
    for (let i = 0; i < kernel; i++)
      for (let j = 0; j < kernel; j++, row += GROUP) visit(row, maps.at + c * maps.pitch + first * side * side, i - padding, j - padding);
}

/** Lay out the patches of a group of images in `memory.patches`. */
export function layPatches(memory: Memory, place: Place, group: Group): void {
  const { floats, patches } = memory;
  const { side, out, stride, depth } = place;
  const count = group.images * out * out;
  eachRow(memory, place, place.input, group, (row, source, down, right) => {
    if (stride === 1) {
      const start = source + down * side + right;
      floats.copyWithin(row, start, start + count);
      clearBorder(memory, place, group, row, down, right);
    } else copyWithStride(memory, place, group, row, source, down, right);
    floats.fill(0, row + count, row + roundUp(count, 8));
  });
  floats.fill(0, patches + depth * GROUP, patches + roundUp(depth, 4) * GROUP);
}

/** Add each number in `memory.patches` to the number of `maps` from which it came ("col2im"). */
export function addPatches(memory: Memory, place: Place, group: Group, maps: Maps): void {
  if (place.stride !== 1) throw new Error("only the first layer has a stride, and nobody needs the gradient of images");
  const { side } = place;
  eachRow(memory, place, maps, group, (row, source, down, right) => {
    clearBorder(memory, place, group, row, down, right); // then what is added beyond the border is 0
    memory.kernels.add(row, source + down * side + right, group.images * side * side);
  });
}

/** Set to 0 what a row, shifted by `down` and `right`, has of other lines and images: what lies beyond the border. */
function clearBorder({ floats }: Memory, { side }: Place, { images }: Group, row: number, down: number, right: number): void {
  const end = row + images * side * side;
  if (down)
    for (let image = row; image < end; image += side * side) {
      if (down < 0) floats.fill(0, image, image - down * side);
      else floats.fill(0, image + (side - down) * side, image + side * side);
    }
  if (right)
    for (let line = row; line < end; line += side) {
      if (right < 0) for (let x = 0; x < -right; x++) floats[line + x] = 0;
      else for (let x = side - right; x < side; x++) floats[line + x] = 0;
    }
}

/** One row of the matrix, number by number. */
function copyWithStride({ floats }: Memory, place: Place, { images }: Group, row: number, source: number, down: number, right: number): void {
  const { side, out, stride } = place;
  let to = row;
  for (let image = source, n = 0; n < images; n++, image += side * side)
    for (let y = 0; y < out; y++) {
      const line = y * stride + down;
      const inside = line >= 0 && line < side;
      for (let x = 0; x < out; x++, to++) {
        const column = x * stride + right;
        floats[to] = inside && column >= 0 && column < side ? floats[image + line * side + column] : 0;
      }
    }
}
