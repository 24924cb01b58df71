// The end of backward_weights.wgsl: dw = Σ over the shares.
@group(0) @binding(1) var<storage, read> shares: array<f32>; // [share][weight]
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  let weights = layer.channels_out * layer.depth;
  if (i >= weights) { return; }
  var sum = 0.0;
  for (var share = 0u; share * layer.share < layer.positions_out; share++) {
    sum += shares[share * weights + i];
  }
  gradient[layer.weight + i] = sum;
}
