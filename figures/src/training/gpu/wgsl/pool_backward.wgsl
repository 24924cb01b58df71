// The backward pass of the 2×2 max pool: the gradient goes to the largest of the four, the first one
// if several are equal, as in torch.
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= layer.channels_out * layer.positions_out / 4) { return; }
  let at = window(id.x);
  var largest = 0u;
  for (var i = 1u; i < 4; i++) { if (x[at[i]] > x[at[largest]]) { largest = i; } }
  for (var i = 0u; i < 4; i++) { dx[at[i]] = select(0.0, dy[id.x], i == largest); }
}
