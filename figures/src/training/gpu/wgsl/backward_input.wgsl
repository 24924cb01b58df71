// The backward pass of a convolution to its input: from the loss's gradient by the output, dy, that
// by the input,
//
//   dx[c][q] = Σₘ Σᵢⱼ w[m][c][i][j] · dy[m][q − (i, j) + pad]
//
// This is a convolution again, of dy, with the kernel turned by half a circle and the channels'
// roles exchanged: a matrix product whose depth k counts m, i and j. For a 1×1 convolution the left
// matrix is the weights' transpose: dx = wᵀ · dy. Only for a stride of 1: the one layer with another
// is the first, whose input are the images.
override kernel: u32;
const SPLIT = false;
@group(0) @binding(1) var<storage, read> parameters: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>; // [channel of the output][position]
@group(0) @binding(3) var<storage, read_write> dx: array<f32>; // [channel of the input][position]

fn size() -> Size {
  return Size(layer.channels_in, layer.positions_in, layer.channels_out * kernel * kernel);
}

fn left(c: u32, k: u32) -> f32 {
  let area = kernel * kernel;
  return parameters[layer.weight + (k / area * layer.channels_in + c) * area + k % area];
}

fn right(k: u32, q: u32) -> f32 {
  if (kernel == 1) { return dy[k * layer.positions_out + q]; }
  let side = layer.side_in; // the output's is the same
  let area = kernel * kernel;
  let row = q / side % side + kernel / 2 - k % area / kernel;
  let column = q % side + kernel / 2 - k % area % kernel;
  if (row >= side || column >= side) { return 0.0; } // a u32 below 0 is large
  let image = q / (side * side);
  return dy[k / area * layer.positions_out + (image * side + row) * side + column];
}

fn write(c: u32, q: u32, share: u32, sum: f32) {
  dx[c * layer.positions_in + q] = sum;
}
