/** NumPy's array file, as its description says: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
import { toFloat16 } from '../src/vision/float16.ts';

export function npyBytes(type: 'f2' | 'f4' | 'f8', values: readonly number[], columns: number, fortran = false): Uint8Array {
  const floats = Float32Array.from(values);
  const data = type === 'f2' ? toFloat16(floats) : type === 'f4' ? floats : Float64Array.from(values);
  const text = `{'descr': '<${type}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${values.length / columns}, ${columns}), }`;
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(header.length, 8);
  return Buffer.concat([head, Buffer.from(header, 'latin1'), Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}
