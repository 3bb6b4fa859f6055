import { describe, expect, it } from 'vitest';
import { InvertedFile, plainScore } from '../../src/exact/inverted-file.ts';
import { seededRandom } from '../../src/math/random.ts';

const WORDS = 40;
const random = seededRandom(1);
/** Words of low numbers are frequent. */
const pictureOf = (): Uint32Array => Uint32Array.from({ length: 30 }, () => Math.floor(WORDS * random.next() ** 2));
const pictures = Array.from({ length: 60 }, pictureOf);

function fileOf(given: readonly Uint32Array[]): InvertedFile {
  const file = new InvertedFile(WORDS);
  given.forEach((words, pinIndex) => file.set(pinIndex, words));
  file.weigh();
  return file;
}

/** ln(N / N_i), counted one by one. */
function weightsOf(given: readonly Uint32Array[]): Float32Array {
  return Float32Array.from({ length: WORDS }, (_, word) =>
    Math.log(given.length / Math.max(1, given.filter((words) => words.includes(word)).length)),
  );
}

describe('the inverted file', () => {
  it('scores as the plain twin does, all pictures, best first', () => {
    const [file, weights, query] = [fileOf(pictures), weightsOf(pictures), pictureOf()];
    const hits = file.query(query, 60);
    const plain = pictures
      .map((words, pinIndex) => ({ pinIndex, score: plainScore(weights, query, words) }))
      .filter(({ score }) => score > 0);
    expect(hits).toHaveLength(plain.length);
    for (const { pinIndex, score } of hits) expect(score).toBeCloseTo(plain.find((one) => one.pinIndex === pinIndex)?.score as number, 5);
    expect(hits.map(({ score }) => score)).toEqual(hits.map(({ score }) => score).sort((a, b) => b - a));
    expect(file.query(pictures[7], 1)[0]).toMatchObject({ pinIndex: 7, score: expect.closeTo(1, 5) });
  });

  it('takes pictures in as they come, replaces and forgets them, and keeps its weights', () => {
    const file = fileOf(pictures.slice(0, 50));
    const weights = weightsOf(pictures.slice(0, 50));
    pictures.slice(50).forEach((words, i) => file.set(50 + i, words));
    file.set(3, pictures[55]);
    file.delete(4);
    const hits = file.query(pictures[55], 60);
    expect(hits.slice(0, 2).map(({ pinIndex }) => pinIndex)).toEqual([3, 55]);
    expect(hits.map(({ pinIndex }) => pinIndex)).not.toContain(4);
    expect(file.size).toBe(59);
    for (const { pinIndex, score } of hits.slice(2, 10)) {
      expect(score).toBeCloseTo(plainScore(weights, pictures[55], pictures[pinIndex]), 5);
    }
  });

  it('is the same after it was saved', () => {
    const file = fileOf(pictures);
    file.delete(9);
    const again = InvertedFile.from(file.saved());
    expect(again.query(pictures[7], 60)).toEqual(file.query(pictures[7], 60));
    expect(again.size).toBe(59);
  });

  it('has nothing to say of a picture without words', () => {
    const file = fileOf(pictures);
    file.set(3, new Uint32Array(0));
    expect(file.size).toBe(59);
    expect(file.query(new Uint32Array(0), 5)).toEqual([]);
  });

  it('has no score for a picture all of whose words are in every picture', () => {
    const file = new InvertedFile(WORDS);
    [[1], [1, 2], [1, 2, 3]].forEach((words, pinIndex) => file.set(pinIndex, Uint32Array.from(words)));
    file.weigh();
    expect(file.query(Uint32Array.of(1, 2), 5).map(({ pinIndex }) => pinIndex)).toEqual([1, 2]);
  });
});
