import { describe, expect, it } from 'vitest';
import { closePairs, type Fingerprint, fitDuplicateRules, judgedPairs, nearDuplicateGroups } from '../../src/features/near-duplicates.ts';
import { findPairs, foundPairs, readPairPlan, writePairPlan } from '../../src/features/duplicate-shards.ts';
import { hamming } from '../../src/math/bits.ts';
import { seededRandom } from '../../src/math/random.ts';
import { COLOUR_BYTES, perceptualDistance } from '../../src/vision/fingerprint.ts';
import { temporaryFolder } from '../world.ts';

const random = seededRandom(11);
const word = (): number => Math.floor(random.next() * 2 ** 32);
const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

function print(pinIndex: number, changes: Partial<Fingerprint> = {}): Fingerprint {
  const code = Uint32Array.from([word(), word()]);
  return {
    pinIndex,
    signature: hex(word()).repeat(4),
    phash: hex(word()) + hex(word()),
    colours: new Uint8Array(COLOUR_BYTES).fill(100),
    code,
    ...changes,
  };
}

/** The same with some bits of hash and code turned over. */
function copyOf(original: Fingerprint, pinIndex: number, hashBits: number, codeBits: number): Fingerprint {
  let hash = BigInt(`0x${original.phash}`);
  for (const bit of random.shuffled(Array.from({ length: 64 }, (_, i) => i)).slice(0, hashBits)) hash ^= 1n << BigInt(bit);
  const code = original.code.slice();
  for (let bit = 0; bit < codeBits; bit++) code[0] ^= 1 << bit;
  return print(pinIndex, { phash: hash.toString(16).padStart(16, '0'), code, colours: original.colours });
}

const rules = { hashBits: 10, codeShare: 0.1, difference: 1 };

describe('near-duplicates', () => {
  it('are grouped under the smallest pin by signature or hash, code and what is left when laid over, all together', () => {
    const a = print(2);
    const prints = [
      a,
      copyOf(a, 5, 10, 6),
      copyOf(a, 6, 12, 0),
      { ...copyOf(a, 7, 0, 0), code: Uint32Array.from([a.code[0], a.code[1] ^ 0x1fff]) },
      { ...copyOf(a, 8, 0, 0), colours: new Uint8Array(COLOUR_BYTES).fill(130) },
      { ...copyOf(a, 9, 30, 0), signature: a.signature },
      print(10),
      // Equal signatures of pictures that the net tells apart, or that differ when laid over: two greens, stripes and checks.
      print(11, { signature: a.signature }),
      { ...copyOf(a, 12, 0, 0), signature: a.signature, colours: new Uint8Array(COLOUR_BYTES).fill(170) },
    ];
    expect([...nearDuplicateGroups(prints, 13, 64, rules)]).toEqual([0, 1, 2, 3, 4, 2, 6, 7, 8, 2, 10, 11, 12]);
  });

  it('are the same pairs when blocks of prints are compared by many, in any order, each block with itself and every other', () => {
    const originals = Array.from({ length: 60 }, (_, i) => print(i));
    const copies = originals.slice(0, 40).map((original, i) => copyOf(original, 60 + i, i % 12, i % 7));
    const alike = originals.slice(40, 50).map((original, i) => print(100 + i, { signature: original.signature, code: original.code }));
    const prints = random.shuffled([...originals, ...copies, ...alike]);
    const text = (pairs: Iterable<{ readonly a: number; readonly b: number }>) => Array.from(pairs, ({ a, b }) => `${a} ${b}`).sort();
    const local = text(closePairs(prints, 64, rules));
    expect(local.length).toBeGreaterThan(40);
    for (const [parts, pieces] of [
      [1, 1],
      [3, 3],
      [10, 10],
    ]) {
      const folder = temporaryFolder();
      const plan = writePairPlan(folder, prints, { bits: 64, rules, parts });
      expect(plan.pieces).toBe(pieces);
      for (let piece = plan.pieces - 1; piece >= 0; piece--)
        expect(findPairs(folder, readPairPlan(folder), piece)).toMatchObject({ written: true });
      expect(text(foundPairs(folder, plan))).toEqual(local);
      expect(findPairs(folder, writePairPlan(folder, prints, { bits: 64, rules, parts }), 0)).toMatchObject({ written: false });
      const stricter = writePairPlan(folder, prints, { bits: 64, rules: { ...rules, hashBits: 3 }, parts });
      expect(() => [...foundPairs(folder, stricter)]).toThrow('other input or settings');
    }
  });

  it('are joined through others, whatever the order', () => {
    const a = print(4);
    const b = copyOf(a, 3, 8, 0);
    const c = { ...copyOf(b, 1, 8, 0) };
    expect([...nearDuplicateGroups([c, b, a], 5, 64, rules)]).toEqual([0, 1, 2, 1, 1]);
  });

  it('are found by bands exactly where comparing all pairs finds them', () => {
    const originals = Array.from({ length: 150 }, (_, i) => print(i));
    const prints = [...originals, ...originals.map((original, i) => copyOf(original, 150 + i, i % 18, 0))];
    for (const hashBits of [0, 3, 4, 7, 8, 11, 14]) {
      const banded = [...closePairs(prints, 64, { hashBits, codeShare: 1, difference: 255 })].map(({ a, b }) => `${a} ${b}`).sort();
      const plain: string[] = [];
      for (let b = 0; b < prints.length; b++)
        for (let a = 0; a < b; a++)
          if (perceptualDistance(prints[a].phash, prints[b].phash) <= hashBits && hamming(prints[a].code, prints[b].code) <= 64)
            plain.push(`${a} ${b}`);
      expect(banded).toEqual(plain.sort());
    }
  });

  it('have thresholds that known groups fit', () => {
    const originals = Array.from({ length: 60 }, (_, i) => print(i));
    const prints = [
      ...originals,
      ...originals.map((original, i) => copyOf(original, 60 + i, i % 8, i % 5)),
      ...originals.map((original, i) => copyOf(original, 120 + i, 4, 20)),
    ];
    const pairs = judgedPairs(prints, 64, (pinIndex) => (pinIndex < 120 ? pinIndex % 60 : -1));
    const fit = fitDuplicateRules(pairs, 0.99);
    expect([fit.precision, fit.recall]).toEqual([1, 1]);
    expect(fit.rules).toEqual({ hashBits: 7, codeShare: 0.07, difference: 0, edges: 5 });
    expect(() => fitDuplicateRules(pairs.filter((pair) => !pair.duplicate))).toThrow(/at least one duplicate pair/);
  });
});
