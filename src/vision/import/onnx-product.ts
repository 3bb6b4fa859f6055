/** Matrix products by onnxruntime: the fast twin of math/matrix-product.ts, as a graph of one Gemm for each way of reading. */
import { expectSizes, type MatrixProduct } from '../../math/matrix-product.ts';
import { gemmModel } from './onnx-writing.ts';
import { type OnnxSession, openSession } from '../onnx-session.ts';

interface OnnxProduct {
  readonly product: MatrixProduct;
  close(): Promise<void>;
}

/** `threads`: cores that one product may use. The bits of a result depend on the processor, not on the threads. */
export function openOnnxProduct(threads: number): OnnxProduct {
  const sessions = new Map<string, Promise<OnnxSession>>();
  const sessionOf = (a: boolean, b: boolean): Promise<OnnxSession> => {
    const key = `${a} ${b}`;
    const open = sessions.get(key) ?? openSession(gemmModel(a, b), 'matrix product', { provider: 'cpu', threads });
    sessions.set(key, open);
    return open;
  };
  return {
    async product(a, b, shape) {
      expectSizes(a, b, shape);
      const { rows, columns, inner, aTransposed = false, bTransposed = false } = shape;
      const session = await sessionOf(aTransposed, bTransposed);
      const [out] = await session.runNamed({
        a: { values: unshared(a), dims: aTransposed ? [inner, rows] : [rows, inner] },
        b: { values: unshared(b), dims: bTransposed ? [columns, inner] : [inner, columns] },
      });
      return out.data as Float32Array;
    },
    async close() {
      for (const session of sessions.values()) await (await session).close();
    },
  };
}

/** The runtime takes no memory that threads share: such a matrix is copied. */
function unshared(values: Float32Array): Float32Array {
  return values.buffer instanceof SharedArrayBuffer ? values.slice() : values;
}
