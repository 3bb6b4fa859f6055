/**
 * NumPy's array file (.npy): a matrix of 32-bit, 64-bit or half floats, a row a vector, in C order. Layout: "\\x93NUMPY", version,
 * length of the header, the header (a Python dict with descr, fortran_order and shape), the values.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fromFloat16 } from '../../vision/float16.ts';

const MAGIC = '\x93NUMPY';
const BLOCK_BYTES = 8 << 20;
const HEADER_MAX = 1 << 20;

interface Header {
  readonly type: 'f2' | 'f4' | 'f8';
  readonly rows: number;
  readonly columns: number;
  /** Where the values begin. */
  readonly start: number;
}

/** The rows of a matrix, in blocks. Throws Error with the reason where it is none that can be read. */
export function* npyRows(path: string): Generator<Float32Array | Float64Array> {
  const file = openSync(path, 'r');
  try {
    const { type, rows, columns, start } = headerOf(file);
    const rowBytes = columns * Number(type[1]);
    const size = fstatSync(file).size;
    if (size !== start + rows * rowBytes)
      throw new Error(`it has ${size} bytes, ${rows} x ${columns} values need ${start + rows * rowBytes}`);
    const perBlock = Math.max(1, Math.floor(BLOCK_BYTES / rowBytes));
    for (let row = 0; row < rows; row += perBlock) {
      const bytes = readAt(file, Math.min(perBlock, rows - row) * rowBytes, start + row * rowBytes);
      const values = valuesOf(type, bytes);
      for (let at = 0; at < values.length; at += columns) yield values.subarray(at, at + columns);
    }
  } finally {
    closeSync(file);
  }
}

function valuesOf(type: Header['type'], { buffer }: Uint8Array): Float32Array | Float64Array {
  if (type === 'f2') return fromFloat16(new Uint16Array(buffer));
  return type === 'f4' ? new Float32Array(buffer) : new Float64Array(buffer);
}

function headerOf(file: number): Header {
  const head = Buffer.from(readAt(file, 12, 0));
  if (head.toString('latin1', 0, 6) !== MAGIC) throw new Error('it does not begin like a .npy file');
  const isLong = head[6] > 1;
  const [from, length] = isLong ? [12, head.readUInt32LE(8)] : [10, head.readUInt16LE(8)];
  if (length > HEADER_MAX) throw new Error(`its header claims ${length} bytes`);
  const text = Buffer.from(readAt(file, length, from)).toString('latin1');
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const shape = /'shape':\s*\(\s*(\d+)\s*,\s*(\d+)\s*,?\s*\)/.exec(text);
  if (!shape) throw new Error('it is no matrix: its shape must be (pins, numbers)');
  if (descr !== '<f4' && descr !== '<f8' && descr !== '<f2')
    throw new Error(`its values are ${descr ?? 'of no type'}; they must be floats, little endian (<f2, <f4 or <f8)`);
  if (!/'fortran_order':\s*False/.test(text)) throw new Error('it lies column by column; save numpy.ascontiguousarray of it');
  return { type: descr.slice(1) as Header['type'], rows: Number(shape[1]), columns: Number(shape[2]), start: from + length };
}

function readAt(file: number, length: number, position: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const count = readSync(file, bytes, done, length - done, position + done);
    if (count === 0) throw new Error('it ends too early');
    done += count;
  }
  return bytes;
}
