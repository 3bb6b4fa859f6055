import { expectSizes, type MatrixProduct } from '../../src/math/matrix-product.ts';

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
