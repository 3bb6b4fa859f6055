/**
 * How much of what people saved later their home feeds would have shown: feeds served through the spine from a catalogue
 * that holds the earlier saves, as of the moment after each user's newest one, beside the most saved pins that a user has not seen.
 *
 *   recall@k = held-out pins of a user within the first k / held-out pins of that user, averaged over users
 */
import { type Context, openContext } from '../../service/context.ts';
import { type InteractionForm, Names, readInteractions } from '../../candidates/cooccurrence/interactions.ts';
import { ServiceError } from '../../errors.ts';
import { seededRandom } from '../../math/random.ts';
import { homeFeed } from '../../related-pins.ts';
import { withoutLog } from '../../lists/serving-parts.ts';
import { plainOptions } from '../../lists/serve-list.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  { flag: '--test <file>', meaning: 'what users saved later: ids as in the catalogue', required: true },
  { flag: '--format <form>', meaning: 'pairs (user, tab, pin) or lists (user pin pin ...)', choices: ['pairs', 'lists'], default: 'lists' },
  { flag: '--limit <k>', meaning: 'pins of a feed that count', kind: 'integer', default: 20 },
  { flag: '--users <n>', meaning: 'users drawn at random; 0 for all', kind: 'integer', default: 0 },
  { flag: '--seed <n>', meaning: 'which users are drawn', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'evaluate-home-feed',
  summary: 'serves home feeds from the saves in the catalogue and measures recall@k on saves that were held out',
  examples: [
    'related-pins evaluate-home-feed --test test.txt --json',
    'related-pins evaluate-home-feed --test later-saves.tsv --format pairs --users 2000',
  ],
  options: FLAGS,
  run: evaluateHomeFeed,
});

/** A user and the pins that are wanted. */
interface HeldOutUser {
  readonly userId: string;
  readonly wanted: ReadonlySet<number>;
}

interface Sums {
  users: number;
  recall: number;
  ndcg: number;
  popularRecall: number;
  milliseconds: number;
  readonly missing: Map<string, number>;
}

async function evaluateHomeFeed(input: Input) {
  const { format, limit, users: most, seed, test } = input.options;
  const context = await openContext(input.config, input.dataFolder, { lock: true });
  try {
    const held = await heldOutUsers(context, test, format);
    const drawn = most > 0 ? seededRandom(seed).shuffled(held.users).slice(0, most) : held.users;
    if (drawn.length === 0)
      throw new ServiceError('NOTHING_TO_DO', { reason: 'No user of the test file has saves in the catalogue and new pins in the file.' });
    const sums = await serveAll(input, context, drawn, limit);
    const mean = (sum: number): number => sum / sums.users;
    return {
      [`recall${limit}`]: mean(sums.recall),
      [`ndcg${limit}`]: mean(sums.ndcg),
      popular: { [`recall${limit}`]: mean(sums.popularRecall) },
      users: sums.users,
      ignored: held.ignored,
      missing: Object.fromEntries(sums.missing),
      millisecondsPerFeed: mean(sums.milliseconds),
    };
  } finally {
    await context.close();
  }
}

/** Users of the file who saved something before; pins they already had, and unknown ones, are left out and counted. */
async function heldOutUsers(
  { catalog, pins }: Context,
  file: string,
  format: InteractionForm,
): Promise<{ users: HeldOutUser[]; ignored: Record<string, number> }> {
  const [users, items] = [new Names(), new Names()];
  const read = await readInteractions(file, format, users, items);
  const [ofUser, ofItem] = [read.users.view(), read.items.view()];
  const wanted = new Map<number, Set<number>>();
  const ignored = { unknownPin: 0, unknownUser: 0, alreadySaved: 0 };
  for (let i = 0; i < ofUser.length; i++) {
    const pinIndex = pins.indexOf(items.list[ofItem[i]]);
    if (pinIndex < 0) ignored.unknownPin++;
    else wanted.set(ofUser[i], (wanted.get(ofUser[i]) ?? new Set()).add(pinIndex));
  }
  const found: HeldOutUser[] = [];
  for (const [user, all] of wanted) {
    const userId = users.list[user];
    const userIndex = catalog.users.indexOf(userId);
    const saved = new Set(userIndex < 0 ? [] : catalog.saves.ofUser(userIndex).map(({ pinIndex }) => pinIndex));
    const fresh = new Set([...all].filter((pin) => !saved.has(pin)));
    ignored.alreadySaved += all.size - fresh.size;
    if (saved.size === 0) ignored.unknownUser++;
    else if (fresh.size > 0) found.push({ userId, wanted: fresh });
  }
  return { users: found, ignored };
}

async function serveAll(input: Input, context: Context, users: readonly HeldOutUser[], limit: number): Promise<Sums> {
  const sums: Sums = { users: 0, recall: 0, ndcg: 0, popularRecall: 0, milliseconds: 0, missing: new Map() };
  const popular = mostSaved(context);
  // What people did with lists may be the very saves that are wanted.
  const parts = withoutLog(context.parts);
  input.progress.start('serving home feeds', users.length);
  for (const { userId, wanted } of users) {
    if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
    const now = afterSaves(context, userId);
    const startedAt = performance.now();
    const list = await homeFeed(parts, userId, plainOptions({ recommendationId: `evaluated-${sums.users}`, now, userId, limit }));
    sums.milliseconds += performance.now() - startedAt;
    const shown = Array.from(list.page, (row) => list.candidates.pinIndexes[row]);
    const seen = parts.seenBy(userId, now);
    sums.recall += recallOf(shown, wanted);
    sums.ndcg += ndcgOf(shown, wanted, limit);
    sums.popularRecall += recallOf(firstUnseen(popular, seen, limit), wanted);
    for (const part of list.missing) sums.missing.set(part, (sums.missing.get(part) ?? 0) + 1);
    if (++sums.users % 100 === 0) input.progress.update(sums.users);
  }
  input.progress.stop();
  return sums;
}

/** The moment after a user's newest save of the catalog: what the log says of them later is not their past. */
function afterSaves({ catalog }: Context, userId: string): number {
  return catalog.saves.ofUser(catalog.users.indexOf(userId), 1)[0].at + 1;
}

function mostSaved({ pins }: Context): number[] {
  const order = Array.from({ length: pins.count }, (_, pin) => pin);
  return order.sort((a, b) => pins.saves[b] - pins.saves[a] || a - b);
}

function firstUnseen(order: readonly number[], seen: ReadonlySet<number>, limit: number): number[] {
  const first: number[] = [];
  for (const pin of order) {
    if (first.length === limit) break;
    if (!seen.has(pin)) first.push(pin);
  }
  return first;
}

function recallOf(shown: readonly number[], wanted: ReadonlySet<number>): number {
  return shown.filter((pin) => wanted.has(pin)).length / wanted.size;
}

/** Gain 1 for a held-out pin, discount 1 / log2(1 + rank), over the best list possible. */
function ndcgOf(shown: readonly number[], wanted: ReadonlySet<number>, limit: number): number {
  let [gained, possible] = [0, 0];
  shown.forEach((pin, i) => {
    if (wanted.has(pin)) gained += 1 / Math.log2(i + 2);
  });
  for (let i = 0; i < Math.min(wanted.size, limit); i++) possible += 1 / Math.log2(i + 2);
  return gained / possible;
}
