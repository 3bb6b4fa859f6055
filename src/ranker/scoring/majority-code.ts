/** The code of a history: a bit is 1 when pins of more than half of the weight have it. */
import type { CodeTable } from '../../features/visual-features.ts';
import { wasmKernel } from '../../worker-url.ts';

/** Weight i is that of pin i. */
interface Weighed {
  readonly pinIndexes: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
}
type Table = Pick<CodeTable, 'words' | 'codes' | 'has'>;
type Kernel = (codes: number, bytes: number, count: number, weights: number, half: number, out: number) => void;

const PAGE_BYTES = 65_536;

/** Null where no pin has a code. Bits behind the last of the table stay 0, as in every code. */
export function majorityCode({ pinIndexes, weights }: Weighed, { words, codes, has }: Table): Uint32Array | null {
  const { kernel, memory } = (instance ??= instantiate());
  const room = 8 * pinIndexes.length + 4 * words * (pinIndexes.length + 1);
  if (room > memory.buffer.byteLength) memory.grow(Math.ceil((room - memory.buffer.byteLength) / PAGE_BYTES));
  const weightOf = new Float64Array(memory.buffer, 0, pinIndexes.length);
  const gathered = new Uint32Array(memory.buffer, 8 * pinIndexes.length, words * (pinIndexes.length + 1));
  let count = 0;
  let total = 0;
  for (let i = 0; i < pinIndexes.length; i++) {
    const pin = pinIndexes[i];
    if (has[pin] !== 1) continue;
    gathered.set(codes.subarray(pin * words, (pin + 1) * words), count * words);
    weightOf[count++] = weights[i];
    total += weights[i];
  }
  if (total === 0) return null;
  const out = gathered.subarray(count * words, (count + 1) * words);
  kernel(gathered.byteOffset, words * 4, count, 0, total / 2, out.byteOffset);
  return out.slice();
}

/** The same without WebAssembly. */
export function plainMajority({ pinIndexes, weights }: Weighed, { words, codes, has }: Table): Uint32Array | null {
  const ones = new Float64Array(words * 32);
  let total = 0;
  for (let i = 0; i < pinIndexes.length; i++) {
    const pin = pinIndexes[i];
    if (has[pin] !== 1) continue;
    total += weights[i];
    for (let bit = 0; bit < ones.length; bit++) if ((codes[pin * words + (bit >>> 5)] >>> (bit & 31)) & 1) ones[bit] += weights[i];
  }
  if (total === 0) return null;
  const code = new Uint32Array(words);
  for (let bit = 0; bit < ones.length; bit++) if (ones[bit] > total / 2) code[bit >>> 5] |= 1 << (bit & 31);
  return code;
}

let instance: { readonly kernel: Kernel; readonly memory: WebAssembly.Memory } | null = null;

/** A memory of this thread: a call fills it, runs and reads it without letting go. */
function instantiate(): { readonly kernel: Kernel; readonly memory: WebAssembly.Memory } {
  const { exports } = new WebAssembly.Instance(wasmKernel(import.meta.url, './majority-code.wasm'));
  return { kernel: exports.majority as Kernel, memory: exports.memory as WebAssembly.Memory };
}
