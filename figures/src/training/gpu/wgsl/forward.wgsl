// The forward pass of a convolution:
//
//   y[m][p] = Σₖ w[m][k] · patches[k][p]
//
// with one row m for each channel of the output. For a 1×1 convolution this is chapter 1's matrix
// product. Where batch normalization follows, norm_forward.wgsl goes on from here; else the bias is
// added and the ReLU applied at once.
override norm: bool;
const SPLIT = false;
@group(0) @binding(1) var<storage, read> parameters: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // output [channel][position]

fn size() -> Size {
  return Size(layer.channels_out, layer.positions_out, layer.depth);
}

fn left(m: u32, k: u32) -> f32 {
  return parameters[layer.weight + m * layer.depth + k];
}

fn right(k: u32, p: u32) -> f32 {
  return patches(k, p);
}

fn write(m: u32, p: u32, share: u32, sum: f32) {
  var value = sum;
  if (!norm) {
    value += parameters[layer.bias + m];
    if (layer.relu == 1 && value < 0) { value = 0.0; } // not max(0, x), which may hide a NaN
  }
  y[m * layer.positions_out + p] = value;
}
