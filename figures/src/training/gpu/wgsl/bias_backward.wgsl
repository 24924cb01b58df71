// The backward pass of bias and ReLU, where no batch normalization is, one workgroup a channel: the
// gradient d passes where the ReLU is on, and the bias, which is added everywhere, gets all of it:
//
//   dbias = Σ d
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> d: array<f32>; // in: the gradient after the ReLU; out: before
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let channel = group.x;
  let end = (channel + 1) * layer.positions_out;
  var sum = 0.0;
  for (var p = channel * layer.positions_out + index; p < end; p += INVOCATIONS) {
    if (layer.relu == 1 && y[p] <= 0) { d[p] = 0.0; }
    sum += d[p];
  }
  sum = sum_of_all(index, vec2f(sum)).x;
  if (index == 0) { gradient[layer.bias + channel] = sum; }
}
