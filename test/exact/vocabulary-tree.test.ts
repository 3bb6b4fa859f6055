import { describe, expect, it } from 'vitest';
import { trainTree, type VocabularyTree, wordsIn } from '../../src/exact/vocabulary-tree.ts';
import { hammingAt } from '../../src/math/bits.ts';
import { flipped, randomDescriptors } from './drawn-features.ts';

/** The plain twin: one descriptor goes down by distances that are sorted. */
function plainWord({ centres, firstChild, childCount, wordOf }: VocabularyTree, descriptors: Uint32Array, i: number): number {
  let node = 0;
  while (firstChild[node] !== 0) {
    const children = Array.from({ length: childCount[node] }, (_, c) => firstChild[node] + c);
    const distance = (child: number): number => hammingAt(descriptors, 8 * i, centres, 8 * child, 8);
    [node] = children.sort((a, b) => distance(a) - distance(b) || a - b);
  }
  return wordOf[node];
}

describe('the vocabulary tree', () => {
  const places = randomDescriptors(100, 1);
  const seen = Uint32Array.from([20, 21, 22, 23, 24, 25].flatMap((seed) => [...flipped(places, 20, seed)]));
  const tree = trainTree(seen, { branching: 10, depth: 4, seed: 1 });

  it('gives every descriptor the word of the leaf that it comes to', () => {
    expect([...wordsIn(tree, seen)]).toEqual(Array.from({ length: 600 }, (_, i) => plainWord(tree, seen, i)));
    expect(tree.words).toBe(new Set(tree.wordOf.filter((_, node) => tree.firstChild[node] === 0)).size);
  });

  it('gives the same place seen again the same word, and other places other words', () => {
    const again = wordsIn(tree, flipped(places, 20, 99));
    const words = wordsIn(tree, seen.subarray(0, places.length));
    const same = again.filter((word, i) => word === words[i]).length;
    expect(same).toBeGreaterThan(70);
    const others = again.filter((word, i) => word === words[(i + 1) % 100]).length;
    expect(others).toBeLessThan(20);
  });

  it('is the same of the same seed, and another of another', () => {
    expect(trainTree(seen, { branching: 10, depth: 4, seed: 1 })).toEqual(tree);
    expect(trainTree(seen, { branching: 10, depth: 4, seed: 2 }).centres).not.toEqual(tree.centres);
  });

  it('of equal descriptors has one word', () => {
    const equal = trainTree(new Uint32Array(8 * 100).fill(7), { branching: 10, depth: 4, seed: 1 });
    expect(equal.words).toBe(1);
    expect([...wordsIn(equal, randomDescriptors(3, 1))]).toEqual([0, 0, 0]);
  });
});
