/** Which key points of two pictures may be the same place, by their descriptors alone. */
import { hammingAt } from '../math/bits.ts';
import { wasmKernel } from '../worker-url.ts';
import { DESCRIPTOR_WORDS } from './local-features.ts';

/** For each descriptor of the first set three numbers: the nearest of the second, its distance in bits, the second nearest's. */
type NearestPairs = Int32Array;

const BITS = DESCRIPTOR_WORDS * 32;
const BYTES = DESCRIPTOR_WORDS * 4;
const PAGE = 65_536;

type Match = (a: number, aCount: number, b: number, bCount: number, out: number) => void;

let kernel: { readonly memory: WebAssembly.Memory; readonly match: Match } | null = null;

function opened(bytes: number): NonNullable<typeof kernel> {
  if (kernel === null) {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const instance = new WebAssembly.Instance(wasmKernel(import.meta.url, './descriptor-matches.wasm'), { sets: { memory } });
    kernel = { memory, match: instance.exports.match as Match };
  }
  const missing = Math.ceil((bytes - kernel.memory.buffer.byteLength) / PAGE);
  if (missing > 0) kernel.memory.grow(missing);
  return kernel;
}

/** Of equal distances the lower index is the nearest. With fewer than two in the second set, missing distances are BITS + 1. */
export function nearestPairs(first: Uint32Array, second: Uint32Array): NearestPairs {
  const [a, b] = [first.length / DESCRIPTOR_WORDS, second.length / DESCRIPTOR_WORDS];
  if (b === 0) return plainPairs(first, second);
  const out = (a + b) * BYTES;
  const { memory, match } = opened(out + a * 12);
  new Uint32Array(memory.buffer, 0, first.length).set(first);
  new Uint32Array(memory.buffer, a * BYTES, second.length).set(second);
  match(0, a, a * BYTES, b, out);
  return new Int32Array(memory.buffer, out, 3 * a).slice();
}

/** The plain twin of `nearestPairs`. */
export function plainPairs(first: Uint32Array, second: Uint32Array): NearestPairs {
  const [a, b] = [first.length / DESCRIPTOR_WORDS, second.length / DESCRIPTOR_WORDS];
  const pairs = new Int32Array(3 * a);
  for (let i = 0; i < a; i++) {
    let [index, best, next] = [0, BITS + 1, BITS + 1];
    for (let j = 0; j < b; j++) {
      const distance = hammingAt(first, i * DESCRIPTOR_WORDS, second, j * DESCRIPTOR_WORDS, DESCRIPTOR_WORDS);
      if (distance < best) [index, best, next] = [j, distance, best];
      else if (distance < next) next = distance;
    }
    pairs.set([index, best, next], 3 * i);
  }
  return pairs;
}

/** Lowe's ratio, for bits: the nearest must be nearer than this share of the second nearest. */
const RATIO = 0.85;
/** Bits of 256 in which the same place may differ. */
const FARTHEST = 80;

/** A pair of key points: index in the first picture, index in the second. */
export type KeyPointPair = readonly [first: number, second: number];

/** Pairs that stand out: near enough, and clearly nearer than any other. */
export function distinctPairs(pairs: NearestPairs): KeyPointPair[] {
  const found: KeyPointPair[] = [];
  for (let i = 0; 3 * i < pairs.length; i++) {
    const [index, best, next] = [pairs[3 * i], pairs[3 * i + 1], pairs[3 * i + 2]];
    if (best <= FARTHEST && best < RATIO * next) found.push([i, index]);
  }
  return found;
}
