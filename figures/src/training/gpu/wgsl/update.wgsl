// A step of gradient descent with Nesterov's momentum, as in torch; one invocation a parameter:
//
//   g = gradient + decay · w          (decay for the weights of convolutions only, which lie first)
//   v = momentum · v + g
//   w = w − rate · (g + momentum · v)
override momentum: f32;
override decay: f32;
override weights: u32; // parameters that decay
@group(0) @binding(0) var<uniform> rate: f32;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(3) var<storage, read_write> velocity: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= arrayLength(&parameters)) { return; }
  let w = parameters[i];
  let g = gradient[i] + select(0.0, decay * w, i < weights);
  let v = momentum * velocity[i] + g;
  velocity[i] = v;
  parameters[i] = w - rate * (g + momentum * v);
}
