import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULT_COOCCURRENCE } from '../../src/candidates/cooccurrence/board-cooccurrence.ts';
import { buildCooccurrence } from '../../src/candidates/list-builds.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { leftOutCatalog, type ReplayedList, replayScene } from '../../src/jobs/log/replay-lists.ts';
import { drawScenes, type Scene } from '../../src/jobs/log/replay-scenes.ts';
import type { RankedList } from '../../src/lists/ranked-list.ts';
import { logList, plainOptions } from '../../src/lists/serve-list.ts';
import type { ServingParts } from '../../src/lists/serving-parts.ts';
import { seededRandom } from '../../src/math/random.ts';
import { SILENT } from '../../src/progress.ts';
import { homeFeed, relatedPins } from '../../src/related-pins.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { temporaryFolder, testConfig } from '../world.ts';

const NOW = Date.UTC(2026, 5, 1);
const THEMES = ['art', 'tattoos', 'gardening'];
const [PINS, BOARDS] = [90, 36];
/** What only counts how a pin fares by itself: the same for every pin, because it would tell who lost a save. */
const COUNTED = ['log-saves', 'freshness'];

/** Boards of three themes with a stray each; pins have words of their own, and categories by their boards alone. */
function records(withoutBoard: number) {
  const random = seededRandom(3);
  const pins = Array.from({ length: PINS }, (_, i) => ({
    id: `pin-${i}`,
    title: `thing ${i % 7}`,
    annotations: { [THEMES[i % 3]]: 1, [`word ${random.integer(12)}`]: 0.7 },
  }));
  const boards = Array.from({ length: BOARDS }, (_, b) => ({ id: `board-${b}`, ownerId: `user-${b % 9}`, category: THEMES[b % 3] }));
  const saves = boards.flatMap(({ id }, b) =>
    Array.from({ length: 12 }, (_, s) => ({
      boardId: id,
      pinId: `pin-${s === 0 ? random.integer(PINS) : random.integer(PINS / 3) * 3 + (b % 3)}`,
      at: Date.UTC(2026, 4, 1 + random.integer(28)),
    })),
  );
  const kept = ({ id }: { readonly id: string }): boolean => id !== `board-${withoutBoard}`;
  return { pins, boards: boards.filter(kept), saves: saves.filter(({ boardId }) => kept({ id: boardId })) };
}

async function contextOf(withoutBoard = -1): Promise<Context> {
  const folder = temporaryFolder();
  const catalog = openCatalog(folder);
  const all = records(withoutBoard);
  for (const kind of ['pins', 'boards', 'saves'] as const)
    upsertBatch(catalog, kind, all[kind], { now: NOW, folders: { images: folder, data: folder } });
  catalog.deriveCategories();
  const setting = { artifacts: join(folder, 'artifacts'), threads: 1, progress: SILENT, signal: new AbortController().signal };
  await buildCooccurrence(catalog, DEFAULT_COOCCURRENCE, setting);
  catalog.close();
  return openContext(testConfig(folder), folder, { lock: true });
}

/** Everybody saves every pin of a board from lists of the others: whatever reads the log knows the answers. */
async function giveAwayAnswers({ parts, log, pins, catalog }: Context): Promise<void> {
  for (let query = 0; query < PINS; query++) {
    const userId = `user-${query % 9}`;
    const list = await relatedPins(parts, query, plainOptions({ recommendationId: `r${query}`, now: NOW - 1000, userId }));
    await logList(log, list);
    const boards = catalog.saves.boardsOf(query);
    const answers = boards.length === 0 ? [] : [...catalog.saves.pinsOf(boards[0])].filter((pin) => pin < pins.count);
    await log.events.append(
      answers.map((pinIndex, at) => ({
        eventId: `e${query}-${at}`,
        type: 'save' as const,
        recommendationId: `r${query}`,
        pinIndex,
        position: at + 1,
        userId,
        at: NOW - 500,
      })),
    );
  }
}

type Row = Readonly<Record<string, number>>;

function rowsOf({ candidates, rows }: Pick<RankedList, 'candidates' | 'rows'>, order: ArrayLike<number>): ReadonlyMap<number, Row> {
  const { names, columns, data } = rows as NonNullable<RankedList['rows']>;
  const rowAt = (at: number): Row => Object.fromEntries(names.map((name, c) => [name, data[at * columns + c]]));
  return new Map(Array.from(order, (row, at) => [candidates.pinIndexes[row], rowAt(at)] as const));
}

/** Every candidate of the scene as a service answers whose catalog never held the board, and whose log is empty. */
async function servedWithout({ parts }: Context, scene: Scene, names: readonly string[]): Promise<ReadonlyMap<number, Row>> {
  const sources = names.map((name) => parts.sources.find((source) => source.name === name) as ServingParts['sources'][number]);
  const options = { ...plainOptions({ recommendationId: 'without', now: NOW, limit: PINS }), keepInputs: true };
  const known = { pinIndexes: Int32Array.from(scene.known), weights: new Float64Array(scene.known.length).fill(1) };
  const bare = { ...parts, sources, historyOf: () => known, seenBy: () => new Set(scene.known) };
  const list = scene.surface === 'closeup' ? await relatedPins(bare, scene.known[0], options) : await homeFeed(bare, 'the owner', options);
  const inputs = list.inputs as NonNullable<RankedList['inputs']>;
  return rowsOf(
    { candidates: list.candidates, rows: inputs.rows },
    Array.from({ length: inputs.candidates.count }, (_, row) => row),
  );
}

test('a replayed list is what a catalog without the board and without a log would serve: no answer stands in what scores it', async () => {
  const whole = await contextOf();
  await giveAwayAnswers(whole);
  const left = leftOutCatalog(whole);
  const names = left.parts.sources.map(({ name }) => name);
  const counts = { closeups: 3, homeFeeds: 3, closeupsPerBoard: 1, seed: 2 };
  let [positives, compared] = [0, 0];
  for (const scene of drawScenes(left.table, left.ownerOf, counts)) {
    const lists: readonly ReplayedList[] = await replayScene(left, scene, {
      limit: 40,
      now: NOW,
      recommendationId: `replay-0-${scene.board}`,
    });
    const without = await contextOf(scene.board);
    const expected = await servedWithout(without, scene, names);
    for (const { list, right } of lists) {
      positives += right.length;
      for (const [pin, row] of rowsOf(list, list.page)) {
        const clean = expected.get(pin) as Row;
        expect(clean, `pin ${pin} is a candidate without board ${scene.board}`).toBeDefined();
        for (const [name, value] of Object.entries(row)) {
          if (COUNTED.includes(name)) expect(value, name).toBe(list.rows?.data[list.rows.names.indexOf(name)]);
          else expect(value, `${name} of pin ${pin} without board ${scene.board}`).toBeCloseTo(clean[name], 5);
        }
        compared++;
      }
    }
    await without.close();
  }
  await whole.close();
  expect(positives).toBeGreaterThanOrEqual(10);
  expect(compared).toBeGreaterThan(30);
}, 60_000);
