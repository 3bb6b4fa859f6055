/** Products of dense row-major matrices; either factor may be read transposed. The fast twin is in vision/import/onnx-product.ts. */
export interface ProductShape {
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

/** The plain twin. Throws RangeError where a factor has another size. */
export const plainProduct: MatrixProduct = async (a, b, shape) => {
  expectSizes(a, b, shape);
  const { rows, columns, inner, aTransposed = false, bTransposed = false } = shape;
  const [aRow, aStep] = aTransposed ? [1, rows] : [inner, 1];
  const [bColumn, bStep] = bTransposed ? [inner, 1] : [1, columns];
  const out = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let i = 0; i < inner; i++) sum += a[r * aRow + i * aStep] * b[c * bColumn + i * bStep];
      out[r * columns + c] = sum;
    }
  }
  return out;
};

/** Throws RangeError naming the factor whose length does not fit the shape, transposed or not. */
export function expectSizes(a: Float32Array, b: Float32Array, { rows, columns, inner }: ProductShape): void {
  if (a.length !== rows * inner) throw new RangeError(`a: expected ${rows} x ${inner} numbers, got ${a.length}`);
  if (b.length !== inner * columns) throw new RangeError(`b: expected ${inner} x ${columns} numbers, got ${b.length}`);
}
