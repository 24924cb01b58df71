// Batch normalization and ReLU, one workgroup a channel:
//
//   y = ReLU(scale · (z − mean) / √(variance + ε) + bias)
//
// with mean and variance over all positions of the channel in this batch. They are kept, for the
// backward pass and for the running statistics; the variance as torch keeps it, divided by the number
// of positions less one.
@group(0) @binding(1) var<storage, read> parameters: array<f32>;
@group(0) @binding(2) var<storage, read> z: array<f32>; // of the convolution
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> statistics: array<f32>; // [channel][mean, variance]

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let channel = group.x;
  let first = channel * layer.positions_out + index;
  let end = (channel + 1) * layer.positions_out;
  let count = f32(layer.positions_out);

  var sum = 0.0;
  for (var p = first; p < end; p += INVOCATIONS) { sum += z[p]; }
  let mean = sum_of_all(index, vec2f(sum)).x / count;

  var squares = 0.0;
  for (var p = first; p < end; p += INVOCATIONS) { squares += (z[p] - mean) * (z[p] - mean); }
  let all_squares = sum_of_all(index, vec2f(squares)).x;

  let factor = parameters[layer.scale + channel] * inverseSqrt(all_squares / count + EPSILON);
  let bias = parameters[layer.bias + channel];
  for (var p = first; p < end; p += INVOCATIONS) {
    let value = factor * (z[p] - mean) + bias;
    y[p] = select(value, 0.0, value < 0 && layer.relu == 1);
  }
  if (index == 0) {
    statistics[layer.stats + 2 * channel] = mean;
    statistics[layer.stats + 2 * channel + 1] = all_squares / (count - 1);
  }
}
