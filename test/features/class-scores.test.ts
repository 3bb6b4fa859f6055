import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ArtifactFolder } from '../../src/catalog/artifact-folder.ts';
import { ClassScores } from '../../src/features/class-scores.ts';
import { plainDot, ResidentScores } from '../../src/features/resident-scores.ts';
import { seededRandom } from '../../src/math/random.ts';
import { cosine, norm } from '../../src/math/vector.ts';

const folder = mkdtempSync(join(tmpdir(), 'class-scores-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function drawn(rows: number, length: number): Float32Array<ArrayBuffer> {
  const random = seededRandom(rows);
  return Float32Array.from({ length: rows * length }, () => random.normal());
}

describe('dot products with class scores', () => {
  it.each([1, 16, 21, 210])('of length %i have the bits of the plain twin', (length) => {
    const rows = 300;
    const scores = drawn(rows, length);
    const resident = new ResidentScores(rows, length);
    resident.set(0, scores);
    const query = drawn(1, length);
    const asked = Int32Array.from({ length: 5000 }, (_, i) => (i * 7) % rows);
    const out = new Float32Array(5000);
    resident.dots(query, asked, asked.length, out);
    const padded = (values: Float32Array): Float32Array => {
      const long = new Float32Array(Math.ceil(length / 16) * 16);
      long.set(values);
      return long;
    };
    for (let i = 0; i < asked.length; i += 13) expect(out[i]).toBe(plainDot(padded(query), padded(resident.row(asked[i])), 0));
  });
});

describe('class scores', () => {
  const [pins, length] = [50, 21];
  const scores = drawn(pins, length);
  const of = (pin: number): Float32Array => scores.subarray(pin * length, (pin + 1) * length);
  const artifacts = new ArtifactFolder(folder, 'features', 1);
  const scoreNorms = Float32Array.from({ length: pins }, (_, pin) => (pin === 9 ? Number.NaN : norm(of(pin))));
  artifacts.write({}, { scores, scoreNorms });

  it.each([['resident', 1 << 20], ['read on demand', 0]])('%s: cosines with rows of the artifact, later rows and absent ones', (_, byteLimit) => {
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
    expected.forEach((value, i) => (Number.isNaN(value) ? expect(out[i]).toBeNaN() : expect(out[i]).toBeCloseTo(value, 5)));
    expect(table.scoresOf(49)).toEqual(of(49));
    table.close();
  });
});
