// A 2×2 max pool, one invocation an output.
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= layer.channels_out * layer.positions_out / 4) { return; }
  let at = window(id.x);
  y[id.x] = max(max(x[at[0]], x[at[1]]), max(x[at[2]], x[at[3]]));
}
