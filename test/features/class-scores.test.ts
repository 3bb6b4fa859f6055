import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ArtifactFolder } from '../../src/catalog/artifacts/artifact-folder.ts';
import { ClassScores } from '../../src/features/class-scores.ts';
import { ABSENT, ResidentScores } from '../../src/features/resident-scores.ts';
import { byteCosine, byteDot, type ScoreBytes, scoreBytes } from '../../src/features/score-bytes.ts';
import { seededRandom } from '../../src/math/random.ts';
import { cosine, norm } from '../../src/math/vector.ts';

const folder = mkdtempSync(join(tmpdir(), 'class-scores-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function drawn(rows: number, length: number): Float32Array<ArrayBuffer> {
  const random = seededRandom(rows);
  return Float32Array.from({ length: rows * length }, () => random.normal());
}

const bytesOf = (scores: Float32Array): ScoreBytes => scoreBytes(scores) as ScoreBytes;

describe('class scores as bytes', () => {
  it('keep cosines within a hundredth of those of the scores', () => {
    const scores = drawn(100, 210);
    for (let row = 1; row < 100; row++) {
      const [a, b] = [scores.subarray((row - 1) * 210, row * 210), scores.subarray(row * 210, (row + 1) * 210)];
      const [left, right] = [bytesOf(a), bytesOf(b)];
      expect(Math.abs(byteCosine(byteDot(left.bytes, right.bytes), left.squares, right.squares) - cosine(a, b))).toBeLessThan(0.01);
    }
  });

  it('do not change when they are rounded again, nor with the scale', () => {
    const scores = drawn(7, 30).subarray(0, 30);
    const { bytes } = bytesOf(scores);
    expect(bytesOf(Float32Array.from(bytes)).bytes).toEqual(bytes);
    expect(bytesOf(scores.map((score) => score * 0.125)).bytes).toEqual(bytes);
    expect(Math.max(...Array.from(bytes, Math.abs))).toBe(127);
  });

  it('of nothing but zeros have cosine 0; a row with what is no number counts as missing', () => {
    const { bytes, squares } = bytesOf(new Float32Array(5));
    expect(byteCosine(byteDot(bytes, bytes), squares, squares)).toBe(0);
    expect(scoreBytes(Float32Array.of(1, Number.NaN))).toBeNull();
  });
});

describe('dot products with class scores', () => {
  it.each([1, 16, 21, 60, 61, 210])('of length %i are those of the plain twin', (length) => {
    const rows = 300;
    const scores = drawn(rows, length);
    const resident = new ResidentScores(rows, length);
    const rowOf = (row: number) => bytesOf(scores.subarray(row * length, (row + 1) * length));
    for (let row = 0; row < rows; row++) if (row % 9 !== 4) resident.set(row, rowOf(row));
    const query = bytesOf(drawn(1, length));
    const asked = Int32Array.from({ length: 5000 }, (_, i) => (i * 7) % rows);
    const out = new Int32Array(10_000);
    resident.dots(query.bytes, asked, asked.length, out);
    for (let i = 0; i < asked.length; i += 13) {
      const { bytes, squares } = rowOf(asked[i]);
      expect(out[2 * i + 1]).toBe(asked[i] % 9 === 4 ? ABSENT : squares);
      if (asked[i] % 9 !== 4) expect(out[2 * i]).toBe(byteDot(query.bytes, bytes));
    }
  });
});

describe('class scores', () => {
  const [pins, length] = [50, 21];
  const scores = drawn(pins, length);
  const of = (pin: number): Float32Array => scores.subarray(pin * length, (pin + 1) * length);
  const artifacts = new ArtifactFolder(folder, 'features', 1);
  const scoreNorms = Float32Array.from({ length: pins }, (_, pin) => (pin === 9 ? Number.NaN : norm(of(pin))));
  artifacts.write({}, { scores, scoreNorms });

  it.each([
    ['resident', 1 << 20],
    ['read on demand', 0],
  ])('%s: cosines with rows of the artifact, later rows and absent ones', (_, byteLimit) => {
    const file = artifacts.open();
    const table = new ClassScores(length, file, byteLimit);
    const later = drawn(60, length).subarray(0, length);
    table.put(3, later);
    table.put(70, later);
    table.put(5, null);
    const asked = Int32Array.of(0, 3, 5, 9, 49, 60, 70, 1000);
    const out = new Float32Array(asked.length);
    table.cosines(of(1), asked, asked.length, out);
    const expected = [cosine(of(1), of(0)), cosine(of(1), later), NaN, NaN, cosine(of(1), of(49)), NaN, cosine(of(1), later), NaN];
    expected.forEach((value, i) => (Number.isNaN(value) ? expect(out[i]).toBeNaN() : expect(Math.abs(out[i] - value)).toBeLessThan(0.01)));
    expect(table.scoresOf(49)).toEqual(Float32Array.from(bytesOf(of(49)).bytes));
    expect([table.scoresOf(9), table.scoresOf(5), table.scoresOf(-1), table.scoresOf(1000)]).toEqual([null, null, null, null]);
    const self = new Float32Array(1);
    table.cosines(table.scoresOf(49) ?? later, Int32Array.of(49), 1, self);
    expect(self[0]).toBe(1);
    file?.close();
  });
});
