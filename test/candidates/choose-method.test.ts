/** The choice among ways to count co-occurrence: on planted boards it finds what was planted, and says nothing of too few. */
import { expect, test } from 'vitest';
import { type BoardPins, boardPinsOf } from '../../src/candidates/cooccurrence/board-pins.ts';
import { METHODS } from '../../src/candidates/cooccurrence/board-cooccurrence.ts';
import { chooseMethod } from '../../src/candidates/cooccurrence/choose-method.ts';
import { seededRandom } from '../../src/math/random.ts';

const TOPICS = 40;
const PINS_OF_TOPIC = 12;
const POPULAR = 40;

/** Boards of four pins of one topic among four of the forty pins that everybody saves: raw counts propose the popular ones. */
function planted(boards: number, seed: number): BoardPins {
  const random = seededRandom(seed);
  const [boardOf, pinOf]: [number[], number[]] = [[], []];
  for (let board = 0; board < boards; board++) {
    const topic = random.integer(TOPICS);
    const own = random.shuffled(Array.from({ length: PINS_OF_TOPIC }, (_, i) => POPULAR + topic * PINS_OF_TOPIC + i)).slice(0, 4);
    const popular = random.shuffled(Array.from({ length: POPULAR }, (_, i) => i)).slice(0, 4);
    for (const pin of [...own, ...popular]) {
      boardOf.push(board);
      pinOf.push(pin);
    }
  }
  return boardPinsOf(Uint32Array.from(boardOf), Uint32Array.from(pinOf), boards, POPULAR + TOPICS * PINS_OF_TOPIC);
}

test('what divides by popularity wins where everybody saves the same; every method is tried, and the same seed says the same', async () => {
  const choice = await chooseMethod(planted(300, 3), seededRandom(1), 1);
  const again = await chooseMethod(planted(300, 3), seededRandom(1), 1);
  expect(again).toEqual(choice);
  expect(choice?.heldOut).toMatchObject({ saves: 300, seed: 1 });
  expect(new Set(choice?.trials.map(({ options }) => options.method))).toEqual(new Set(METHODS));
  const count = choice?.trials.find(({ options }) => options.method === 'count' && options.damping === 'none');
  expect(choice?.chosen.options.method).not.toBe('count');
  expect(choice?.chosen.recall20).toBeGreaterThan((count?.recall20 ?? 1) + 0.1);
  expect(choice?.chosen.recall20).toBeGreaterThanOrEqual(choice?.usual.recall20 ?? 1);
  expect(choice?.chosen).toBe(choice?.trials[0]);
});

test('too few boards say nothing, and a board of two pins loses none', async () => {
  expect(await chooseMethod(planted(49, 3), seededRandom(1), 1)).toBeNull();
  const pairs = boardPinsOf(
    Uint32Array.from({ length: 400 }, (_, i) => i >> 1),
    Uint32Array.from({ length: 400 }, (_, i) => i),
    200,
    400,
  );
  expect(await chooseMethod(pairs, seededRandom(1), 1)).toBeNull();
});
