import { describe, expect, it } from 'vitest';
import { ExactIndex } from '../../src/candidates/visual/exact-index.ts';
import { plainNeighbors } from './plain-neighbors.ts';
import { ExactIndexPool } from '../../src/candidates/visual/exact-index-pool.ts';
import { allocateCodeTable, SCAN_SLOT_BYTES } from '../../src/features/code-table.ts';
import { SCAN_SLOTS } from '../../src/features/scratch-slots.ts';
import type { CodeTable } from '../../src/features/visual-features.ts';
import { seededRandom } from '../../src/math/random.ts';

/** Codes with few distinct values, so that distances tie often. */
function randomTable(bits: number, rows: number, seed: number, has = 0.95): { table: CodeTable; query: Uint32Array } {
  const random = seededRandom(seed);
  const table = allocateCodeTable(bits, rows);
  const words = Array.from({ length: 6 }, () => Uint32Array.from({ length: table.words }, () => random.integer(2 ** 32)));
  for (let row = 0; row < rows; row++) {
    const pattern = words[random.integer(6)];
    for (let w = 0; w < table.words; w++) table.codes[row * table.words + w] = pattern[w] ^ (1 << random.integer(32));
    table.has[row] = random.next() < has ? 1 : 0;
  }
  return { table, query: words[0].map((word) => word ^ 5) };
}

describe('exact Hamming scan', () => {
  it.each([32, 64, 96, 128, 160, 256, 512, 1024, 2048, 4096, 4128, 7968, 8192, 16384])('equals the plain scan with %i bits', (bits) => {
    const { table, query } = randomTable(bits, 1500, bits);
    const index = new ExactIndex(table);
    for (const k of [1, 7, 100, 2000]) expect(index.search(query, k)).toEqual(plainNeighbors(table, query, k));
  });

  it('counts every bit: all ones against all zeros', () => {
    for (const bits of [32, 4096, 20_000 - (20_000 % 32)]) {
      const table = allocateCodeTable(bits, 3);
      table.has.fill(1);
      table.codes.fill(0xffffffff, table.words, 2 * table.words);
      const found = new ExactIndex(table).search(new Uint32Array(table.words), 3);
      expect([...found.pinIndexes]).toEqual([0, 2, 1]);
      expect([...found.distances]).toEqual([0, 0, bits]);
    }
  });

  it('breaks ties by ascending pin', () => {
    const table = allocateCodeTable(64, 2000);
    table.has.fill(1);
    const found = new ExactIndex(table).search(new Uint32Array(2), 5);
    expect([...found.pinIndexes]).toEqual([0, 1, 2, 3, 4]);
  });

  it('leaves out what is not accepted or has no code', () => {
    const { table, query } = randomTable(256, 3000, 4, 0.5);
    const even = (pin: number): boolean => pin % 2 === 0;
    const found = new ExactIndex(table).search(query, 50, even);
    expect(found).toEqual(plainNeighbors(table, query, 50, even));
    expect([...found.pinIndexes].every((pin) => even(pin) && table.has[pin] === 1)).toBe(true);
  });

  it('answers a batch as one by one', () => {
    const { table, query } = randomTable(4096, 1200, 6);
    const queries = Array.from({ length: 150 }, (_, q) => query.map((word) => word ^ (q * 77)));
    const index = new ExactIndex(table);
    expect(index.searchBatch(queries, 20)).toEqual(queries.map((one) => index.search(one, 20)));
  });

  it('finds nothing in an empty table or with k 0', () => {
    const table = allocateCodeTable(64, 10);
    expect(new ExactIndex(table).search(new Uint32Array(2), 5).pinIndexes.length).toBe(0);
    table.has.fill(1);
    expect(new ExactIndex(table).search(new Uint32Array(2), 0).pinIndexes.length).toBe(0);
  });

  it('refuses a query of another length', () => {
    expect(() => new ExactIndex(allocateCodeTable(64, 10)).search(new Uint32Array(3), 5)).toThrow('expected 2 words');
  });

  it('needs the codes and two per cent', () => {
    const { memory, byteOffset, capacity, words, has } = allocateCodeTable(4096, 100_000);
    const codes = capacity * words * 4;
    // Scratch space of threads that are not there is never touched, and takes no memory.
    const used = memory.buffer.byteLength - byteOffset + SCAN_SLOTS * SCAN_SLOT_BYTES;
    expect((used + has.byteLength) / codes).toBeLessThan(1.02);
  });

  it.each([1, 2, 3])('gives the same answer on %i threads', async (threads) => {
    const { table, query } = randomTable(512, 5000, 8);
    const pool = new ExactIndexPool(table, threads);
    const queries = Array.from({ length: 5 }, (_, q) => query.map((word) => word ^ q));
    const found = await pool.searchBatch(queries, 60);
    expect(found).toEqual(queries.map((one) => plainNeighbors(table, one, 60)));
    await pool.close();
  });
});
