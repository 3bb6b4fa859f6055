import { expect, test } from 'vitest';
import { allocateCodeTable, SCAN_SLOT_BYTES } from '../../src/features/code-table.ts';
import { ResidentScores } from '../../src/features/resident-scores.ts';
import { scoreBytes, type ScoreBytes } from '../../src/features/score-bytes.ts';
import { ownSlot, scratchOfReader } from '../../src/features/scratch-slots.ts';
import { similaritiesTo } from '../../src/features/code-similarity.ts';
import { ExactIndex } from '../../src/candidates/visual/exact-index.ts';
import { seededRandom } from '../../src/math/random.ts';

const random = seededRandom(5);
const ROWS = 40;
const CODES = 256;
const SCORES = 20;

const table = allocateCodeTable(CODES, ROWS);
for (let i = 0; i < table.codes.length; i++) table.codes[i] = random.integer(2 ** 32);
table.has.fill(1);
const scores = new ResidentScores(ROWS, SCORES);
const rowOf = (): ScoreBytes => scoreBytes(Float32Array.from({ length: SCORES }, () => random.integer(200) - 100)) as ScoreBytes;
for (let row = 0; row < ROWS; row++) scores.set(row, rowOf());
const query = table.codes.slice(0, table.words);
const { bytes } = rowOf();
const rows = Int32Array.from({ length: ROWS }, (_, row) => row);

function asked(of: ResidentScores) {
  const similarities = new Float32Array(ROWS);
  similaritiesTo([query], { ...table }, rows, [similarities]);
  const dots = new Int32Array(2 * ROWS);
  of.dots(bytes, rows, ROWS, dots);
  return { similarities, dots, nearest: new ExactIndex(table).search(query, 5) };
}

// Two threads that wrote to one place would find what the other one asked.
test('a reader computes what the main thread does, in a place of its own', () => {
  expect(ownSlot()).toBe(0);
  const before = asked(scores);
  expect(before.similarities[0]).toBe(1);
  const main = new Uint8Array(table.memory.buffer, 0, SCAN_SLOT_BYTES);
  main.fill(170);
  scratchOfReader(3);
  expect(ownSlot()).toBe(11);
  const own = new Uint8Array(table.memory.buffer, 11 * SCAN_SLOT_BYTES, SCAN_SLOT_BYTES);
  expect(own.some((byte) => byte !== 0)).toBe(false);
  const shared = new ResidentScores(ROWS, SCORES, scores.memory);
  expect(asked(shared)).toEqual(before);
  expect(main.every((byte) => byte === 170)).toBe(true);
  expect(own.some((byte) => byte !== 0)).toBe(true);
  // What a thread takes in is there for the others.
  const late = rowOf();
  shared.set(7, late);
  expect(scores.row(7)).toEqual(late.bytes.slice(0, SCORES));
  expect(() => scratchOfReader(256)).toThrow(RangeError);
});
