/** The two matrix products that training needs, four terms at a time. */
type Numbers = Float64Array;

/** out (m×n) += A (m×k) · B (k×n); A's entry (i, r) is a[i·rowStride + r·columnStride], so A may be transposed. */
export function addProduct(out: Numbers, a: Numbers, b: Numbers, m: number, k: number, n: number, rowStride: number, columnStride: number): void {
  for (let i = 0; i < m; i++) {
    const end = (i + 1) * n;
    let r = 0;
    for (; r + 4 <= k; r += 4) {
      const at = i * rowStride + r * columnStride;
      const a0 = a[at];
      const a1 = a[at + columnStride];
      const a2 = a[at + 2 * columnStride];
      const a3 = a[at + 3 * columnStride];
      let b0 = r * n;
      let b1 = b0 + n;
      let b2 = b1 + n;
      let b3 = b2 + n;
      for (let j = i * n; j < end; j++) out[j] += a0 * b[b0++] + a1 * b[b1++] + a2 * b[b2++] + a3 * b[b3++];
    }
    for (; r < k; r++) {
      const a0 = a[i * rowStride + r * columnStride];
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
