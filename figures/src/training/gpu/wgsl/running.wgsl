// The running statistics of batch normalization follow those of the batch by a tenth, as in torch.
@group(0) @binding(0) var<storage, read> statistics: array<f32>; // of this batch
@group(0) @binding(1) var<storage, read_write> running: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= arrayLength(&running)) { return; }
  running[i] += 0.1 * (statistics[i] - running[i]);
}
