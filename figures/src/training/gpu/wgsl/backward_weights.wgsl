// The backward pass of a convolution to its weights: how much each one changes the loss,
//
//   dw[m][k] = Σₚ dy[m][p] · patches[k][p]
//
// a matrix product again: dy times the transposed patches. The result is small and the sum long, over
// all positions of all images; so the sum is split into shares, one a workgroup, and add_shares.wgsl
// adds these up.
const SPLIT = true;
@group(0) @binding(1) var<storage, read> dy: array<f32>; // [channel of the output][position]
@group(0) @binding(3) var<storage, read_write> shares: array<f32>; // [share][m][k]

fn size() -> Size {
  return Size(layer.channels_out, layer.depth, layer.positions_out);
}

fn left(m: u32, p: u32) -> f32 {
  return dy[m * layer.positions_out + p];
}

fn right(p: u32, k: u32) -> f32 {
  return patches(k, p);
}

fn write(m: u32, k: u32, share: u32, sum: f32) {
  shares[(share * layer.channels_out + m) * layer.depth + k] = sum;
}
