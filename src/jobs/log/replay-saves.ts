/**
 * A first training log for a catalogue without traffic. Some saves are held out by hash and candidates are built without
 * them; then lists are served through the spine, and where a held-out save is on a list, that person saved it.
 *
 * A closeup: a pin that stayed on a board is looked at, the pins held out from that board are what gets saved next.
 * A home feed: what is held out of all boards of a user. Lists on which nothing is found stay in the log as seen.
 */
import { type Context, openContext } from '../../service/context.ts';
import { ServiceError } from '../../errors.ts';
import { seededRandom } from '../../math/random.ts';
import { homeFeed, relatedPins } from '../../related-pins.ts';
import type { RankedList } from '../../lists/ranked-list.ts';
import { logList, plainOptions } from '../../lists/serve-list.ts';
import type { ServingParts } from '../../lists/serving-parts.ts';
import { type HeldOutCatalog, type HeldOutSave, holdOutSaves } from './held-out-catalog.ts';
import type { Job, JobInput } from '../job.ts';

export const job: Job = {
  name: 'replay-saves',
  summary: 'serves lists from a catalogue with saves held out, and logs those saves as engagement: a first training log',
  examples: ['related-pins replay-saves', 'related-pins replay-saves --share 0.3 --lists 5000 --json'],
  options: [
    { flag: '--share <share>', meaning: 'share of the saves that is held out', kind: 'number', default: 0.2 },
    { flag: '--lists <n>', meaning: 'closeups served at most', kind: 'integer', default: 20_000 },
    { flag: '--feeds <n>', meaning: 'home feeds served at most', kind: 'integer', default: 2000 },
    { flag: '--per-board <n>', meaning: 'closeups per board at most', kind: 'integer', default: 4 },
    { flag: '--limit <n>', meaning: 'items per list', kind: 'integer', default: 25 },
    { flag: '--seed <n>', meaning: 'which saves and pins are drawn', kind: 'integer', default: 1 },
  ],
  alone: () => true,
  run: replaySaves,
};

/** One list to serve, and the pins that will be saved if they are on it. */
interface Scene {
  readonly queryPin: number;
  readonly userId: string | null;
  readonly wanted: ReadonlySet<number>;
}

interface Tally {
  closeups: number;
  homeFeeds: number;
  listsWithSaves: number;
  saves: number;
  skipped: number;
}

async function replaySaves(input: JobInput): Promise<Readonly<Record<string, unknown>>> {
  const startedAt = performance.now();
  const { share, seed } = input.options as { share: number; seed: number };
  if (!(share > 0 && share < 1)) throw new ServiceError('JOB_USAGE', { reason: `--share lies within 0..1, it is ${share}` });
  const heldOut = await holdOutSaves(input, share, seed);
  if (heldOut.saves.length === 0 || heldOut.kept === 0) {
    throw new ServiceError('NOTHING_TO_DO', { reason: 'There are too few saves to hold some out; import-catalog comes first.' });
  }
  const context = await openContext(input.config, input.dataFolder, { lock: true, catalogFolder: heldOut.folder });
  try {
    const tally = await replay(input, context, heldOut);
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    return { heldOut: heldOut.saves.length, kept: heldOut.kept, ...tally, seconds };
  } finally {
    await context.close();
  }
}

async function replay(input: JobInput, context: Context, { saves }: HeldOutCatalog): Promise<Tally> {
  const { lists, feeds, perBoard, limit, seed } = input.options as Record<string, number>;
  const random = seededRandom(seed);
  const closeups = random.shuffled(closeupScenes(context, saves, perBoard, seed)).slice(0, lists);
  const scenes = random.shuffled([...closeups, ...random.shuffled(feedScenes(context, saves)).slice(0, feeds)]);
  const tally: Tally = { closeups: 0, homeFeeds: 0, listsWithSaves: 0, saves: 0, skipped: 0 };
  // Engagement learned from an earlier replay would give the answers away.
  const parts: ServingParts = { ...context.parts, engagement: null };
  const firstAt = Date.now() - scenes.length;
  input.progress.start('serving lists', scenes.length);
  for (let i = 0; i < scenes.length; i++) {
    if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
    await play(context, parts, scenes[i], { recommendationId: `replay-${seed}-${i}`, now: firstAt + i, limit }, tally);
    if (i % 50 === 0) input.progress.update(i);
  }
  input.progress.stop();
  return tally;
}

async function play(
  context: Context,
  parts: ServingParts,
  { queryPin, userId, wanted }: Scene,
  given: { readonly recommendationId: string; readonly now: number; readonly limit: number },
  tally: Tally,
): Promise<void> {
  const { log } = context;
  if (log.lists.find(given.recommendationId)) {
    tally.skipped++;
    return;
  }
  const options = plainOptions({ ...given, userId });
  const list = queryPin >= 0 ? await relatedPins(parts, queryPin, options) : await homeFeed(parts, userId ?? '', options);
  const logged = logList(log, list);
  const saved = savesOn(list, wanted);
  if (saved.length > 0) await log.events.append(saved);
  // Lists without saves wait for the next group commit; a stop between them is made good by the next start.
  else if ((tally.closeups + tally.homeFeeds) % 200 === 0) await logged;
  else logged.catch(() => undefined);
  tally[queryPin >= 0 ? 'closeups' : 'homeFeeds']++;
  tally.saves += saved.length;
  if (saved.length > 0) tally.listsWithSaves++;
}

function savesOn({ page, candidates, options, firstPosition }: RankedList, wanted: ReadonlySet<number>) {
  const { recommendationId, userId, now } = options;
  return Array.from(page, (row, i) => ({ pinIndex: candidates.pinIndexes[row], position: firstPosition + i }))
    .filter(({ pinIndex }) => wanted.has(pinIndex))
    .map(({ pinIndex, position }) => ({
      eventId: `${recommendationId}-${pinIndex}`,
      type: 'save' as const,
      recommendationId,
      pinIndex,
      position,
      userId,
      at: now,
    }));
}

/** For each board with held-out pins: some of the pins that stayed on it. */
function closeupScenes({ catalog }: Context, saves: readonly HeldOutSave[], perBoard: number, seed: number): Scene[] {
  const wantedOf = new Map<number, Set<number>>();
  const userOf = new Map<number, number>();
  for (const { boardIndex, pinIndex, userIndex } of saves) {
    wantedOf.set(boardIndex, (wantedOf.get(boardIndex) ?? new Set()).add(pinIndex));
    userOf.set(boardIndex, userIndex);
  }
  const random = seededRandom(seed);
  const scenes: Scene[] = [];
  for (const [boardIndex, wanted] of wantedOf) {
    const userIndex = userOf.get(boardIndex) ?? -1;
    const userId = userIndex < 0 ? null : catalog.users.idOf(userIndex);
    const stayed = random.shuffled([...catalog.saves.pinsOf(boardIndex)]).slice(0, perBoard);
    for (const queryPin of stayed) scenes.push({ queryPin, userId, wanted });
  }
  return scenes;
}

/** For each user with held-out pins and something left: their home feed. */
function feedScenes({ catalog }: Context, saves: readonly HeldOutSave[]): Scene[] {
  const wantedOf = new Map<number, Set<number>>();
  for (const { pinIndex, userIndex } of saves) {
    if (userIndex >= 0) wantedOf.set(userIndex, (wantedOf.get(userIndex) ?? new Set()).add(pinIndex));
  }
  const scenes: Scene[] = [];
  for (const [userIndex, wanted] of wantedOf) {
    const userId = catalog.users.idOf(userIndex);
    if (userId !== null && catalog.saves.ofUser(userIndex, 1).length > 0) scenes.push({ queryPin: -1, userId, wanted });
  }
  return scenes;
}
