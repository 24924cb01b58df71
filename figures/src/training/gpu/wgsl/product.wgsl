// A matrix product, result = left · right, in tiles. All three passes of a convolution are one:
// forward.wgsl, backward_input.wgsl and backward_weights.wgsl say what their matrices are.
//
//   size()            rows and columns of the result, and the depth, over which is summed
//   left(row, depth)  an entry of the left matrix; right(depth, column), one of the right
//   write(…)          takes an entry of the result
//
// A workgroup computes ROWS × COLUMNS entries of the result, an invocation 4 × 4 of them. Memory is
// slow and arithmetic is not, so the workgroup first copies a tile of both matrices, DEPTH deep, to
// its own memory, where every number is then used 32 or 64 times.
const ROWS = 32u;
const COLUMNS = 64u;
const DEPTH = 16u;
const INVOCATIONS = 128u; // 16 × 8
// A line is one longer than it need be, or those who write down a column would wait for each other.
const LEFT_LINE = ROWS + 1;
const RIGHT_LINE = COLUMNS + 1;
var<workgroup> left_tile: array<f32, DEPTH * LEFT_LINE>;
var<workgroup> right_tile: array<f32, DEPTH * RIGHT_LINE>;

// How the invocations share the copying, as (depth, row or column): where one begins and how far it
// goes on. Neighbors read neighbors in memory, which lie along the depth; only the right matrix of a
// sum that is not split is read across.
const LEFT_STEP = vec2u(0, INVOCATIONS / DEPTH);
const RIGHT_STEP = select(vec2u(INVOCATIONS / COLUMNS, 0), vec2u(0, INVOCATIONS / DEPTH), SPLIT);
fn along_depth(index: u32) -> vec2u { return vec2u(index % DEPTH, index / DEPTH); }
fn across(index: u32) -> vec2u { return vec2u(index / COLUMNS, index % COLUMNS); }

struct Size { rows: u32, columns: u32, depth: u32 }

@compute @workgroup_size(16, 8)
fn main(
  @builtin(workgroup_id) tile: vec3u,
  @builtin(local_invocation_id) me: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let size = size();
  let row0 = tile.y * ROWS;
  let column0 = tile.x * COLUMNS;
  // The sum over the depth may be split into shares, one a workgroup.
  let share = select(size.depth, layer.share, SPLIT);
  let end = min(size.depth, (tile.z + 1) * share);
  var sums: array<vec4f, 4>; // of the rows 4 me.y + 0 … 3, in the columns me.x + 0, 16, 32, 48
  for (var depth0 = tile.z * share; depth0 < end; depth0 += DEPTH) {
    for (var i = 0u; i < DEPTH * ROWS / INVOCATIONS; i++) {
      let place = along_depth(index) + i * LEFT_STEP;
      let depth = depth0 + place.x;
      let row = row0 + place.y;
      var value = 0.0;
      if (depth < end && row < size.rows) { value = left(row, depth); }
      left_tile[place.x * LEFT_LINE + place.y] = value;
    }
    for (var i = 0u; i < DEPTH * COLUMNS / INVOCATIONS; i++) {
      let place = select(across(index), along_depth(index), SPLIT) + i * RIGHT_STEP;
      let depth = depth0 + place.x;
      let column = column0 + place.y;
      var value = 0.0;
      if (depth < end && column < size.columns) { value = right(depth, column); }
      right_tile[place.x * RIGHT_LINE + place.y] = value;
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let l = k * LEFT_LINE + 4 * me.y;
      let r = k * RIGHT_LINE + me.x;
      let four = vec4f(right_tile[r], right_tile[r + 16], right_tile[r + 32], right_tile[r + 48]);
      for (var i = 0u; i < 4; i++) { sums[i] += left_tile[l + i] * four; }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4; i++) {
    for (var j = 0u; j < 4; j++) {
      let row = row0 + 4 * me.y + i;
      let column = column0 + me.x + 16 * j;
      if (row < size.rows && column < size.columns) { write(row, column, tile.z, sums[i][j]); }
    }
  }
}
