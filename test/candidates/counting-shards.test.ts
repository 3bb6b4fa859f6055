import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cooccurrenceRows, type CooccurrenceOptions, DEFAULT_COOCCURRENCE } from '../../src/candidates/cooccurrence/board-cooccurrence.ts';
import type { BoardPins } from '../../src/candidates/cooccurrence/board-pins.ts';
import { readCountingPlan, writeCountingPlan } from '../../src/candidates/cooccurrence/counting-plan.ts';
import { countedLists, countPart, splitSaves } from '../../src/candidates/cooccurrence/counting-shards.ts';
import { temporaryFolder } from '../world.ts';
import { skewedBoards, tableOf } from './board-cooccurrence.test.ts';

function* rowsOf(table: BoardPins) {
  for (let boardIndex = 0; boardIndex < table.boards; boardIndex++)
    yield { boardIndex, pinIndexes: table.boardPins.subarray(table.boardStart[boardIndex], table.boardStart[boardIndex + 1]) };
}

/** All pieces, the last first: their order within a step is nobody's. */
async function runAll(folder: string): Promise<boolean[]> {
  const plan = readCountingPlan(folder);
  const written: boolean[] = [];
  for (let file = plan.files - 1; file >= 0; file--) written.push((await splitSaves(folder, plan, file)).written);
  for (let part = plan.bounds.length - 2; part >= 0; part--) written.push((await countPart(folder, plan, part)).written);
  return written;
}

async function listsOf(folder: string, from = 0) {
  const lists = [];
  for await (const block of countedLists(folder, readCountingPlan(folder), from)) lists.push(block);
  return {
    lengths: lists.flatMap(({ start, rows }) => Array.from({ length: rows }, (_, r) => start[r + 1] - start[r])),
    pinIndexes: lists.flatMap(({ pinIndexes }) => [...pinIndexes]),
    scores: lists.flatMap(({ scores }) => [...scores]),
  };
}

const VARIANTS: readonly Partial<CooccurrenceOptions>[] = [
  {},
  { method: 'count' },
  { method: 'cosine', weighting: 'tfidf', damping: 'log', boardCap: 30 },
  { method: 'jaccard', weighting: 'tfidf', shrink: 2 },
];

it.each(VARIANTS)('lists counted in parts are those of one machine to the bit: %o', async (given) => {
  const options = { ...DEFAULT_COOCCURRENCE, neighbors: 40, ...given };
  const table = tableOf([...skewedBoards(7, 300, 120, 30), []], 123);
  const whole = cooccurrenceRows(table, options);
  const { start, rows } = whole;
  const expected = {
    lengths: Array.from({ length: rows }, (_, r) => start[r + 1] - start[r]),
    pinIndexes: [...whole.pinIndexes],
    scores: [...whole.scores],
  };
  for (const parts of [1, 7, 130]) {
    const folder = temporaryFolder();
    const plan = writeCountingPlan(folder, rowsOf(table), table, options, parts);
    expect(plan.bounds).toHaveLength(parts + 1);
    expect(await runAll(folder)).not.toContain(false);
    expect(await listsOf(folder)).toEqual(expected);
    const skipped = expected.lengths.slice(0, 51).reduce((sum, length) => sum + length, 0);
    expect((await listsOf(folder, 51)).scores).toEqual(expected.scores.slice(skipped));
  }
});

it('pieces that are there are left alone, a damaged one is made again, and other settings make all again', async () => {
  const folder = temporaryFolder();
  const table = tableOf(skewedBoards(3, 300, 200, 20), 200);
  const plan = () => writeCountingPlan(folder, rowsOf(table), table, DEFAULT_COOCCURRENCE, 5);
  plan();
  await runAll(folder);
  const before = await listsOf(folder);
  plan();
  expect(await runAll(folder)).not.toContain(true);
  writeFileSync(join(folder, 'count', '00003.bin'), 'cut short');
  expect((await runAll(folder)).filter(Boolean)).toHaveLength(1);
  expect(await listsOf(folder)).toEqual(before);
  expect(readdirSync(join(folder, 'count')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  writeCountingPlan(folder, rowsOf(table), table, { ...DEFAULT_COOCCURRENCE, alpha: 0.5 }, 5);
  await expect(listsOf(folder)).rejects.toMatchObject({ code: 'ARTIFACT_REFUSED' });
  expect(await runAll(folder)).not.toContain(false);
  expect(await listsOf(folder)).not.toEqual(before);
});

it('a board is sent once to each part that owns one of its pins, never more', async () => {
  const folder = temporaryFolder();
  const boards = skewedBoards(5, 200, 300, 25);
  const table = tableOf(boards, 300);
  const plan = writeCountingPlan(folder, rowsOf(table), table, DEFAULT_COOCCURRENCE, 6);
  const { copies } = await splitSaves(folder, readCountingPlan(folder), 0);
  const partOf = (pin: number) => plan.bounds.findLastIndex((bound) => bound <= pin);
  const sets = boards.map((board) => new Set(board));
  expect(copies).toBe(sets.reduce((sum, set) => sum + set.size * new Set([...set].map(partOf)).size, 0));
  expect(plan.copiesMost).toBe(sets.reduce((sum, set) => sum + set.size * Math.min(set.size, 6), 0));
  expect(plan.visits).toBe(sets.reduce((sum, set) => sum + set.size ** 2, 0));
  expect(statSync(join(folder, 'split', '00000.bin')).size).toBeGreaterThan(copies * 4);
});

it('a file of saves that is none is refused by name', async () => {
  const folder = temporaryFolder();
  const table = tableOf([[0, 1, 2]], 3);
  const plan = writeCountingPlan(folder, rowsOf(table), table, DEFAULT_COOCCURRENCE, 2);
  writeFileSync(join(folder, 'saves', '00000.parquet'), 'nothing of the kind');
  await expect(splitSaves(folder, plan, 0)).rejects.toMatchObject({ code: 'CATALOG_FILE_UNREADABLE' });
  await expect(countPart(folder, plan, 0)).rejects.toMatchObject({ code: 'ARTIFACT_REFUSED' });
});
