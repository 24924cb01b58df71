/**
 * A convolution of a batch, forward and backward.
 *
 * With x[k][p] = the number that weight k = (channel, i, j) meets at position p, it is the matrix
 * product
 *
 *     y[o][p] = b[o] + Σ_k w[o][k]·x[k][p]
 *
 * and with g = ∂loss/∂y the gradients are two more of them:
 *
 *     ∂loss/∂w[o][k] = Σ_p g[o][p]·x[k][p]
 *     ∂loss/∂b[o]    = Σ_p g[o][p]
 *     ∂loss/∂x[k][p] = Σ_o w[o][k]·g[o][p]
 *
 * The x of a 1×1 convolution are the maps themselves; those of others are laid out by patches.ts,
 * and their gradients are added up where the numbers came from.
 */
import { clearPadding, GROUP, type Maps, type Memory, type Place, roundUp } from "./memory";
import { addPatches, type Group, groups, layPatches } from "./patches";

export function forward(memory: Memory, place: Place, count: number): void {
  const { kernels, floats, parameters, weights } = memory;
  const { to, depth, out, convolved } = place;
  const [rows, inner] = [roundUp(to, 4), roundUp(depth, 4)];
  const from = parameters + place.weight;
  floats.fill(0, weights, weights + rows * inner);
  for (let o = 0; o < to; o++) floats.copyWithin(weights + o * inner, from + o * depth, from + (o + 1) * depth);
  floats.fill(0, memory.bias, memory.bias + rows);
  if (!place.norm) floats.copyWithin(memory.bias, parameters + place.bias, parameters + place.bias + to);

  for (const group of groups(place, count)) {
    const x = inputs(memory, place, group);
    const [y, columns] = [convolved.at + group.first * out * out, columnsOf(place, group)];
    kernels.multiply(weights, x.at, memory.bias, y, rows, inner, columns, x.pitch, convolved.pitch);
  }
  clearPadding(memory, convolved, rows, count * out * out);
}

/** From `slope` = ∂loss/∂y compute the gradient of the parameters, and of the input into `inputSlope` if it is wanted. */
export function backward(memory: Memory, place: Place, count: number, slope: Maps, inputSlope?: Maps): void {
  const { kernels, floats, gradient, weightGradient } = memory;
  const { to, depth, out } = place;
  const [rows, inner] = [roundUp(to, 4), roundUp(depth, 4)];
  floats.fill(0, weightGradient, weightGradient + rows * inner);
  if (inputSlope) prepareInputGradient(memory, place, inputSlope);

  for (const group of groups(place, count)) {
    const x = inputs(memory, place, group);
    const [g, columns] = [slope.at + group.first * out * out, columnsOf(place, group)];
    kernels.outer(g, x.at, weightGradient, rows, inner, columns, slope.pitch, x.pitch);
    if (!inputSlope) continue;
    const inPlace = place.kernel === 1;
    const [at, pitch] = inPlace ? [inputSlope.at + group.first * out * out, inputSlope.pitch] : [memory.patches, GROUP];
    kernels.multiply(memory.weights, g, memory.bias, at, inner, rows, columns, slope.pitch, pitch);
    if (!inPlace) addPatches(memory, place, group, inputSlope);
  }
  for (let o = 0; o < to; o++) {
    floats.copyWithin(gradient + place.weight + o * depth, weightGradient + o * inner, weightGradient + o * inner + depth);
    if (!place.norm) floats[gradient + place.bias + o] = kernels.sum(slope.at + o * slope.pitch, roundUp(count * out * out, 8));
  }
}

/** Lay out the transposed weights and no biases, for ∂loss/∂x, and set the sums of `addPatches` to 0. */
function prepareInputGradient({ floats, parameters, weights, bias }: Memory, place: Place, inputSlope: Maps): void {
  const { from, to, depth } = place;
  const [rows, inner] = [roundUp(to, 4), roundUp(depth, 4)];
  floats.fill(0, weights, weights + rows * inner);
  for (let o = 0; o < to; o++)
    for (let k = 0; k < depth; k++) floats[weights + k * rows + o] = floats[parameters + place.weight + o * depth + k];
  floats.fill(0, bias, bias + inner);
  if (place.kernel > 1) floats.fill(0, inputSlope.at, inputSlope.at + roundUp(from, 4) * inputSlope.pitch);
}

/** The matrix x of a group of images. */
function inputs(memory: Memory, place: Place, group: Group): Maps {
  const { kernel, side, input } = place;
  if (kernel === 1) return { at: input.at + group.first * side * side, pitch: input.pitch };
  layPatches(memory, place, group);
  return { at: memory.patches, pitch: GROUP };
}

const columnsOf = ({ out }: Place, { images }: Group): number => roundUp(images * out * out, 8);
