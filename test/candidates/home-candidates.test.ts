import { describe, expect, it } from 'vitest';
import { cooccurrenceRows, DEFAULT_COOCCURRENCE } from '../../src/candidates/board-cooccurrence.ts';
import { boardPinsOf } from '../../src/candidates/board-pins.ts';
import { CountedLists } from '../../src/candidates/counted-lists.ts';
import { DEFAULT_HOME, HomeVotes } from '../../src/candidates/home-candidates.ts';
import { Names, readInteractions } from '../../src/candidates/interactions.ts';
import { sharedData } from '../shared-data.ts';

const DAY = 86_400_000;

describe('home votes', () => {
  // Pins 0..3 are of one taste, 4..7 of the other.
  const boards = [[0, 1, 2], [0, 1, 3], [4, 5, 6], [4, 5, 7]];
  const table = boardPinsOf(Uint32Array.from(boards.flatMap((b, i) => b.map(() => i))), Uint32Array.from(boards.flat()), 4, 8);
  const lists = new CountedLists('board-cooccurrence', cooccurrenceRows(table, { ...DEFAULT_COOCCURRENCE, method: 'count' }));
  const votes = new HomeVotes(lists);

  it('proposes the taste of the history, not what is in it', async () => {
    const found = await votes.propose([{ pinIndex: 0, at: 0, strength: 1 }], 0, 10);
    expect([...found.pinIndexes]).toEqual([1, 2, 3]);
    expect([...found.scores]).toEqual([2, 1, 1]);
    expect([...found.because]).toEqual([0, 0, 0]);
  });

  it('weighs recent and strong actions more', async () => {
    const history = [
      { pinIndex: 0, at: 0, strength: 1 },
      { pinIndex: 4, at: 90 * DAY, strength: 1 },
    ];
    const found = await votes.propose(history, 90 * DAY, 10);
    expect([...found.pinIndexes]).toEqual([5, 1, 6, 7, 2, 3]);
    expect([...found.scores]).toEqual([2, 1, 1, 1, 0.5, 0.5]);
    const weak = await votes.propose([history[0], { ...history[1], strength: 0.25 }], 90 * DAY, 1);
    expect([...weak.pinIndexes]).toEqual([1]);
  });

  it('has nothing to say without a history', async () => {
    expect((await votes.propose([], 0, 10)).pinIndexes.length).toBe(0);
  });
});

const train = sharedData('datasets/pinterest-pins/train.txt');
const test = sharedData('datasets/pinterest-pins/test.txt');

describe.skipIf(!train || !test)(`home votes on real saves${train ? '' : ' (skipped: pinterest-pins is not beside the checkout)'}`, () => {
  it('reach recall@20 of cosine votes over the whole history, 0.149', async () => {
    const users = new Names();
    const items = new Names();
    const seen = await readInteractions(train as string, 'lists', users, items);
    const held = await readInteractions(test as string, 'lists', users, items);
    const table = boardPinsOf(seen.users.view(), seen.items.view(), users.list.length, items.list.length);
    const hidden = boardPinsOf(held.users.view(), held.items.view(), users.list.length, items.list.length);
    const lists = cooccurrenceRows(table, { ...DEFAULT_COOCCURRENCE, method: 'cosine', neighbors: 200 });
    const votes = new HomeVotes(new CountedLists('board-cooccurrence', lists), DEFAULT_HOME);
    let [sum, counted] = [0, 0];
    for (let user = 0; user < users.list.length; user++) {
      const history = [...table.boardPins.subarray(table.boardStart[user], table.boardStart[user + 1])];
      const own = new Set(history);
      const wanted = [...hidden.boardPins.subarray(hidden.boardStart[user], hidden.boardStart[user + 1])];
      const fresh = wanted.filter((item) => !own.has(item));
      if (fresh.length === 0) continue;
      const found = await votes.propose(history.map((pinIndex) => ({ pinIndex, at: 0, strength: 1 })), 0, 20);
      const top = new Set(found.pinIndexes);
      sum += fresh.filter((item) => top.has(item)).length / fresh.length;
      counted++;
    }
    expect(counted).toBe(37_499);
    expect(sum / counted).toBeGreaterThanOrEqual(0.149);
    expect(sum / counted).toBeCloseTo(0.1496, 3);
  });
});
