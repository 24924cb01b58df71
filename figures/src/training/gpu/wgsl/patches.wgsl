// The patches of a convolution's input as a matrix [k][p]: column p holds what lies under the kernel
// at the position p of the output, and k counts channel, kernel row and kernel column. The matrix is
// stored nowhere: an entry is read where it lies in the input. Of a 1×1 convolution it is the input.
override kernel: u32;
override stride: u32;
@group(0) @binding(2) var<storage, read> x: array<f32>; // input [channel][position]

fn patches(k: u32, p: u32) -> f32 {
  if (kernel == 1 && stride == 1) { return x[k * layer.positions_in + p]; }
  let area = layer.side_out * layer.side_out;
  let q = k % (kernel * kernel);
  let row = (p % area) / layer.side_out * stride + q / kernel - kernel / 2;
  let column = p % layer.side_out * stride + q % kernel - kernel / 2;
  // In the padding, above or left of the image, a u32 has wrapped around: it is large.
  if (row >= layer.side_in || column >= layer.side_in) { return 0.0; }
  let image = k / (kernel * kernel) * layer.positions_in + p / area * layer.side_in * layer.side_in;
  return x[image + row * layer.side_in + column];
}
