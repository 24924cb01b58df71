// What the kernels know of the layer that they work for: its entry in the plan (plan.ts).
//
// The numbers of a batch lie channel by channel, [channel][image][row][column]. A position is an
// image, a row and a column, written as one number; so a batch is a matrix [channel][position].
struct Layer {
  channels_in: u32,
  channels_out: u32,
  side_in: u32, // height and width of the input
  side_out: u32,
  depth: u32, // of a patch: channels_in × kernel × kernel
  positions_in: u32, // images × height × width
  positions_out: u32,
  weight: u32, // where this layer's weights begin among all parameters
  scale: u32,
  bias: u32,
  stats: u32,
  relu: u32, // 1 where a ReLU follows
  share: u32, // the positions that one workgroup of backward_weights.wgsl sums over
}
@group(0) @binding(0) var<uniform> layer: Layer;
const EPSILON = 1e-5; // of batch normalization, as in torch
