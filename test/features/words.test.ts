import { describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { loadPinColumns } from '../../src/catalog/pins/pin-columns.ts';
import { readPin } from '../../src/catalog/pins/records.ts';
import type { PinRecord } from '../../src/catalog/pins/records.ts';
import { alongCurve, namingOf, seenWords, wordScores } from '../../src/features/words.ts';
import { namedNet } from '../../src/vision/net-folder.ts';
import { readNet } from '../../src/vision/net-manifest.ts';

const curve = [
  [0.2, 0.1],
  [0.6, 0.5],
  [1, 0.9],
] as const;

describe('words', () => {
  it('sum over the classes that share one, by softmax at the temperature', () => {
    const fc8 = Float32Array.from([0, Math.log(2), 0]);
    const words = ['dog', 'cat', 'dog'];
    expect(wordScores(fc8, words, 1)).toEqual([
      { word: 'cat', score: expect.closeTo(0.5, 6) },
      { word: 'dog', score: expect.closeTo(0.5, 6) },
    ]);
    // At temperature 1/2 two becomes four: 4 / (4 + 1 + 1).
    expect(wordScores(fc8, words, 0.5)[0]).toEqual({ word: 'cat', score: expect.closeTo(2 / 3, 6) });
    expect(() => wordScores(fc8, ['dog'], 1)).toThrow(/expected one for each of 3 classes, got 1/);
  });

  it('are spoken with the share that was right at such a score, from a third on', () => {
    expect([0, 0.4, 0.6, 0.9, 1.1].map((score) => alongCurve(score, curve))).toEqual([
      0.1,
      expect.closeTo(0.3, 9),
      0.5,
      expect.closeTo(0.8, 9),
      0.9,
    ]);
    const naming = { words: ['dog', 'cat'], confidence: { temperature: 1, curve } };
    // softmax(2, 0) = 0.881, 0.119: the cat is too unsure to be spoken of.
    expect(seenWords(Float32Array.from([2, 0]), naming)).toEqual([{ word: 'dog', confidence: 0.781 }]);
    expect(seenWords(Float32Array.from([0, 0]), naming).map(({ confidence }) => confidence)).toEqual([0.4, 0.4]);
  });

  it('come with the net that ships: plain, lower case, one for each class; the net before it does not speak', () => {
    const { manifest } = readNet(namedNet('', 'bundled'));
    const naming = namingOf(manifest);
    expect(naming?.words).toHaveLength(manifest.outputs.fc8.length as number);
    expect(naming?.words.filter((word) => word !== word.toLowerCase() || word !== word.trim() || word === '')).toEqual([]);
    const shares = naming?.confidence.curve.map(([, share]) => share) ?? [];
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(namingOf(readNet(namedNet('', 'visual-1')).manifest)).toBeNull();
  });
});

describe('words of a picture in the catalogue', () => {
  const seen = { sofa: 0.8 };
  const catalogWith = (pin: Readonly<Record<string, unknown>>) => {
    const catalog = openCatalog(':memory:');
    catalog.pins.upsert([readPin({ id: 'a', image: 'a.jpg', title: 'nice', ...pin }, 1) as PinRecord]);
    const [image] = catalog.pins.images();
    catalog.pins.noteImages([{ ...image, failure: null, words: seen }]);
    return catalog;
  };
  const termsOf = (catalog: ReturnType<typeof openCatalog>): readonly string[] => {
    const { annotations, annotationTerms } = loadPinColumns(catalog);
    return [...annotations.ordinals.subarray(0, annotations.length[0])].map((ordinal) => annotationTerms[ordinal]);
  };

  it('stand for its annotations where there are none, and are found by search', () => {
    const catalog = catalogWith({});
    expect(catalog.pins.get(0)?.seen).toEqual(seen);
    expect(termsOf(catalog)).toEqual(['sofa']);
    expect(catalog.text.search('sofa', 5).map(({ pinIndex }) => pinIndex)).toEqual([0]);
    // A new title leaves them; annotations that are given take their place.
    catalog.pins.upsert([readPin({ id: 'a', title: 'nicer' }, 2) as PinRecord]);
    expect(catalog.text.search('sofa', 5)).toHaveLength(1);
    catalog.pins.upsert([readPin({ id: 'a', annotations: { couch: 1 } }, 3) as PinRecord]);
    expect(termsOf(catalog)).toEqual(['couch']);
    expect(catalog.text.search('sofa', 5)).toEqual([]);
  });

  it('leave annotations that are given alone', () => {
    const catalog = catalogWith({ annotations: { couch: 1 } });
    expect(catalog.pins.get(0)?.seen).toEqual(seen);
    expect(termsOf(catalog)).toEqual(['couch']);
    expect(catalog.text.search('sofa', 5)).toEqual([]);
  });
});
