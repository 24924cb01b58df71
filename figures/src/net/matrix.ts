/** The two products of matrices that training needs, four terms at a time. */
type Numbers = Float64Array;

/** out (m×n) += A (m×k) · B (k×n); A's entry (i, r) is a[i·down + r·right], so A may stand transposed. */
export function addProduct(out: Numbers, a: Numbers, b: Numbers, m: number, k: number, n: number, down: number, right: number): void {
  for (let i = 0; i < m; i++) {
    const end = (i + 1) * n;
    let r = 0;
    for (; r + 4 <= k; r += 4) {
      const at = i * down + r * right;
      const a0 = a[at];
      const a1 = a[at + right];
      const a2 = a[at + 2 * right];
      const a3 = a[at + 3 * right];
      let b0 = r * n;
      let b1 = b0 + n;
      let b2 = b1 + n;
      let b3 = b2 + n;
      for (let j = i * n; j < end; j++) out[j] += a0 * b[b0++] + a1 * b[b1++] + a2 * b[b2++] + a3 * b[b3++];
    }
    for (; r < k; r++) {
      const a0 = a[i * down + r * right];
      let b0 = r * n;
      for (let j = i * n; j < end; j++) out[j] += a0 * b[b0++];
    }
  }
}

/** out (m×k) = A (m×n) · B (k×n) transposed. */
export function productWithTransposed(out: Numbers, a: Numbers, b: Numbers, m: number, k: number, n: number): void {
  for (let i = 0; i < m; i++) {
    const end = (i + 1) * n;
    let r = 0;
    for (; r + 4 <= k; r += 4) {
      let b0 = r * n;
      let b1 = b0 + n;
      let b2 = b1 + n;
      let b3 = b2 + n;
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let j = i * n; j < end; j++) {
        const value = a[j];
        s0 += value * b[b0++];
        s1 += value * b[b1++];
        s2 += value * b[b2++];
        s3 += value * b[b3++];
      }
      out.set([s0, s1, s2, s3], i * k + r);
    }
    for (; r < k; r++) {
      let [at, sum] = [r * n, 0];
      for (let j = i * n; j < end; j++) sum += a[j] * b[at++];
      out[i * k + r] = sum;
    }
  }
}
