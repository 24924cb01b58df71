// The backward pass of batch normalization and ReLU, one workgroup a channel. With the normalized
// n = (z − mean) / deviation, and g the gradient by y where the ReLU is on, 0 where it is off:
//
//   dbias = Σ g      dscale = Σ g·n      dz = scale / deviation · (g − dbias / count − n · dscale / count)
//
// The last two terms are there because every z of the channel moves the mean and the variance.
@group(0) @binding(1) var<storage, read> parameters: array<f32>;
@group(0) @binding(2) var<storage, read> z: array<f32>;
@group(0) @binding(3) var<storage, read> y: array<f32>;
@group(0) @binding(4) var<storage, read> statistics: array<f32>;
@group(0) @binding(5) var<storage, read_write> d: array<f32>; // in: the gradient by y; out: by z
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let channel = group.x;
  let first = channel * layer.positions_out + index;
  let end = (channel + 1) * layer.positions_out;
  let count = f32(layer.positions_out);
  let mean = statistics[layer.stats + 2 * channel];
  let variance = statistics[layer.stats + 2 * channel + 1] * (count - 1) / count;
  let inverse = inverseSqrt(variance + EPSILON); // 1 / deviation

  var sums = vec2f(); // of g, and of g·n
  for (var p = first; p < end; p += INVOCATIONS) {
    if (y[p] > 0 || layer.relu == 0) { sums += d[p] * vec2f(1.0, (z[p] - mean) * inverse); }
  }
  sums = sum_of_all(index, sums);

  let factor = parameters[layer.scale + channel] * inverse;
  for (var p = first; p < end; p += INVOCATIONS) {
    let g = select(0.0, d[p], y[p] > 0 || layer.relu == 0);
    d[p] = factor * (g - sums.x / count - (z[p] - mean) * inverse * sums.y / count);
  }
  if (index == 0) {
    gradient[layer.bias + channel] = sums.x;
    gradient[layer.scale + channel] = sums.y;
  }
}
