// Global average pooling, softmax, cross-entropy with smoothed labels, and the gradient of it all by
// the class maps; one workgroup an image:
//
//   logit[c] = average of class map c      probability = softmax(logit)
//   loss = −Σ target[c] · log probability[c]
//   d = (probability[c] − target[c]) / positions / images     at every position of class map c
//
// The target is 1 − smoothing for the label, plus smoothing spread over all classes.
override smoothing: f32;
const INVOCATIONS = 64u; // no fewer than there are classes
@group(0) @binding(1) var<storage, read> maps: array<f32>; // [class][position]
@group(0) @binding(2) var<storage, read> labels: array<u32>; // of the batch
@group(0) @binding(3) var<storage, read_write> d: array<f32>;
@group(0) @binding(4) var<storage, read_write> results: array<vec2f>; // [image]: loss, and 1 if right
var<workgroup> logits: array<f32, INVOCATIONS>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let image = group.x;
  let classes = layer.channels_out;
  let area = layer.side_out * layer.side_out;
  if (index < classes) {
    var sum = 0.0;
    let first = index * layer.positions_out + image * area;
    for (var p = first; p < first + area; p++) { sum += maps[p]; }
    logits[index] = sum / f32(area);
  }
  workgroupBarrier();

  var best = 0u;
  for (var c = 1u; c < classes; c++) { if (logits[c] > logits[best]) { best = c; } }
  var sum = 0.0; // relative to the best, so that no exponential overflows
  for (var c = 0u; c < classes; c++) { sum += exp(logits[c] - logits[best]); }
  let log_sum = logits[best] + log(sum);

  var loss = 0.0;
  for (var c = 0u; c < classes; c++) {
    let share = smoothing / f32(classes);
    let wanted = select(share, share + 1 - smoothing, c == labels[image]);
    let log_probability = logits[c] - log_sum;
    loss -= wanted * log_probability;
    let slope = (exp(log_probability) - wanted) / f32(layer.positions_out); // positions × images
    for (var p = index; p < area; p += INVOCATIONS) { d[c * layer.positions_out + image * area + p] = slope; }
  }
  if (index == 0) { results[image] = vec2f(loss, select(0.0, 1.0, best == labels[image])); }
}
