/**
 * A first training log for a catalog without traffic: one board is left out at a time, lists are served through the spine
 * as if it did not exist, and its other pins are what people save. The lists lie in a log of their own, `replay/log.sqlite`:
 * nobody has seen them, so they are in no history, count and report. `train-ranker` reads both logs.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { counted } from '../../counted.ts';
import { type LogDatabase, openLog } from '../../catalog/log/log-database.ts';
import { replayedId, replayFolder } from '../../catalog/log/replayed-list.ts';
import { ServiceError } from '../../errors.ts';
import { logList } from '../../lists/serve-list.ts';
import { type Context, openContext } from '../../service/context.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import { BOARDS_MIN, leftOutCatalog, type ReplayedList, replayScene } from './replay-lists.ts';
import { drawScenes, type Scene } from './replay-scenes.ts';

const FLAGS = flags([
  { flag: '--lists <n>', meaning: 'closeups served at most', kind: 'integer', default: 5000 },
  { flag: '--feeds <n>', meaning: 'home feeds served at most', kind: 'integer', default: 1000 },
  { flag: '--per-board <n>', meaning: 'closeups per board at most', kind: 'integer', default: 20 },
  { flag: '--limit <n>', meaning: 'items per list', kind: 'integer', default: 25 },
  { flag: '--seed <n>', meaning: 'which boards and pins are drawn', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'replay-saves',
  summary: 'leaves one board out at a time and logs what lists would have shown of it: a first training log without traffic',
  examples: ['related-pins replay-saves', 'related-pins replay-saves --lists 2000 --feeds 0 --json'],
  options: FLAGS,
  alone: () => true,
  run: replaySaves,
  describe: (receipt) => {
    const { closeups, homeFeeds, lists, saves, notes } = receipt;
    return [
      `${counted(closeups, 'closeup')} and ${counted(homeFeeds, 'home feed')} gave ${counted(lists, 'list')} with ${counted(saves, 'save')}`,
      ...notes,
    ];
  },
});

interface Tally {
  closeups: number;
  homeFeeds: number;
  lists: number;
  /** Lists whose pins all share another board with the query. */
  listsWithBoards: number;
  saves: number;
}

async function replaySaves(input: Input) {
  const startedAt = performance.now();
  const context = await openContext(input.config, input.dataFolder, { lock: true });
  const folder = replayFolder(input.dataFolder);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const log = openLog(folder);
  try {
    const tally = await replay(input, context, log);
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    return { ...tally, notes: notesOf(tally), seconds };
  } finally {
    log.close();
    await context.close();
  }
}

/** What the log cannot teach, said so that nobody takes it for learned. */
function notesOf({ lists, listsWithBoards }: Tally): readonly string[] {
  if (lists === 0)
    return ['No list holds a right answer: the boards left out have no pins that look or read alike, or share other boards.'];
  if (listsWithBoards > 0) return [];
  return [
    `No right answer is on ${BOARDS_MIN} other boards, so nothing says how much sharing a board should count. Those weights stay as they are.`,
  ];
}

async function replay(input: Input, context: Context, log: LogDatabase): Promise<Tally> {
  const { lists, feeds, perBoard, limit, seed } = input.options;
  const left = leftOutCatalog(context);
  const scenes = drawScenes(left.table, left.ownerOf, { closeups: lists, homeFeeds: feeds, closeupsPerBoard: perBoard, seed });
  if (scenes.length === 0) throw new ServiceError('NOTHING_TO_DO', { reason: 'No board holds two pins; import-catalog comes first.' });
  const tally: Tally = { closeups: 0, homeFeeds: 0, lists: 0, listsWithBoards: 0, saves: 0 };
  const firstAt = Date.now() - scenes.length;
  const waiting: Promise<unknown>[] = [];
  input.progress.start('leaving boards out', scenes.length);
  for (const [i, scene] of scenes.entries()) {
    if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
    const recommendationId = replayedId(scene.group, String(i));
    const replayed = await replayScene(left, scene, { limit, now: firstAt + i, recommendationId });
    waiting.push(...replayed.map((each) => write(log, each)));
    count(tally, scene, replayed);
    if (i % 50 === 0) input.progress.update(i);
    if (i % 200 === 0) await Promise.all(waiting.splice(0));
  }
  await Promise.all(waiting);
  input.progress.stop();
  return tally;
}

function count(tally: Tally, { surface }: Scene, replayed: readonly ReplayedList[]): void {
  tally[surface === 'closeup' ? 'closeups' : 'homeFeeds']++;
  tally.lists += replayed.length;
  tally.listsWithBoards += replayed.filter(({ sharesBoards }) => sharesBoards).length;
  tally.saves += replayed.reduce((sum, { right }) => sum + right.length, 0);
}

async function write(log: LogDatabase, { list, right }: ReplayedList): Promise<unknown> {
  const { recommendationId, now } = list.options;
  const logged = logList(log, list);
  const saved = log.events.append(
    right.map((row) => {
      const pinIndex = list.candidates.pinIndexes[row];
      const position = list.page.indexOf(row) + 1;
      return {
        eventId: `${recommendationId}-${pinIndex}`,
        type: 'save',
        recommendationId,
        pinIndex,
        position,
        userId: null,
        at: now,
      } as const;
    }),
  );
  return Promise.all([logged, saved]);
}
