// A channel's sums: one workgroup takes one channel, and each invocation every 256th position.
const INVOCATIONS = 256u;
var<workgroup> partial: array<vec2f, INVOCATIONS>;

// The sum of what the invocations hold, for all of them. Half of them add the other half's numbers to
// their own, then half of these, until one is left.
fn sum_of_all(index: u32, mine: vec2f) -> vec2f {
  partial[index] = mine;
  workgroupBarrier();
  for (var half = INVOCATIONS / 2; half > 0; half /= 2) {
    if (index < half) { partial[index] += partial[index + half]; }
    workgroupBarrier();
  }
  let sum = partial[0];
  workgroupBarrier();
  return sum;
}
