/**
 * IEEE 754 half floats as 16-bit patterns: nets with float16 inputs or outputs; the arithmetic here stays float32.
 * The engine converts where it knows Float16Array (Node 24); Node 22 does not, and converts with the code here.
 */

const ENGINE_CONVERTS = typeof Float16Array === 'function';

const bits = new DataView(new ArrayBuffer(4));

/** Nearest half float (ties to even); beyond 65504 infinity. 1.5 -> 0x3e00. */
export function float16Bits(value: number): number {
  bits.setFloat32(0, value);
  const word = bits.getUint32(0);
  const sign = (word >>> 16) & 0x8000;
  const exponent = ((word >>> 23) & 0xff) - 112;
  const mantissa = word & 0x7fffff;
  if (exponent === 143) return sign | 0x7c00 | (mantissa ? 0x200 : 0);
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent <= 0) {
    if (exponent < -10) return sign;
    const shift = 14 - exponent;
    return sign | rounded((mantissa | 0x800000) / 2 ** shift);
  }
  return sign | rounded(((exponent << 23) | mantissa) / 8192);
}

function rounded(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

let table: Float32Array | null = null;

/** Values of all 65,536 patterns. */
function values(): Float32Array {
  if (table) return table;
  table = new Float32Array(65536);
  for (let pattern = 0; pattern < 65536; pattern++) {
    const sign = pattern & 0x8000 ? -1 : 1;
    const exponent = (pattern >>> 10) & 31;
    const mantissa = pattern & 1023;
    if (exponent === 31) table[pattern] = mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else table[pattern] = sign * (exponent ? 2 ** (exponent - 15) * (1 + mantissa / 1024) : (2 ** -14 * mantissa) / 1024);
  }
  return table;
}

/** The nearest half floats, as patterns. */
export function toFloat16(from: Float32Array): Uint16Array {
  return ENGINE_CONVERTS ? new Uint16Array(new Float16Array(from).buffer) : plainToFloat16(from);
}

/** The values of patterns; exact. */
export function fromFloat16(patterns: Uint16Array): Float32Array {
  if (!ENGINE_CONVERTS) return plainFromFloat16(patterns);
  return new Float32Array(new Float16Array(patterns.buffer, patterns.byteOffset, patterns.length));
}

export function plainToFloat16(from: Float32Array): Uint16Array {
  const out = new Uint16Array(from.length);
  for (let i = 0; i < from.length; i++) out[i] = float16Bits(from[i]);
  return out;
}

export function plainFromFloat16(patterns: Uint16Array): Float32Array {
  const known = values();
  const out = new Float32Array(patterns.length);
  for (let i = 0; i < patterns.length; i++) out[i] = known[patterns[i]];
  return out;
}
