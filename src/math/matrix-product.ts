/** Products of dense row-major matrices; either factor may be read transposed. The fast twin is in vision/import/onnx-product.ts. */
interface ProductShape {
  /** Of the result. */
  readonly rows: number;
  readonly columns: number;
  /** Length of the sums. */
  readonly inner: number;
  /** `a` is stored inner x rows. */
  readonly aTransposed?: boolean;
  /** `b` is stored columns x inner. */
  readonly bTransposed?: boolean;
}

/** rows x columns: out[r, c] = sum over i of a[r, i] b[i, c]. */
export type MatrixProduct = (a: Float32Array, b: Float32Array, shape: ProductShape) => Promise<Float32Array>;

/** Throws RangeError naming the factor whose length does not fit the shape, transposed or not. */
export function expectSizes(a: Float32Array, b: Float32Array, { rows, columns, inner }: ProductShape): void {
  if (a.length !== rows * inner) throw new RangeError(`a: expected ${rows} x ${inner} numbers, got ${a.length}`);
  if (b.length !== inner * columns) throw new RangeError(`b: expected ${inner} x ${columns} numbers, got ${b.length}`);
}
