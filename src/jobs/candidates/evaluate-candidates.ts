import { type BoardPins, boardPinsOf } from '../../candidates/cooccurrence/board-pins.ts';
import { DEFAULT_COOCCURRENCE } from '../../candidates/cooccurrence/board-cooccurrence.ts';
import { flaggedOptions } from '../../candidates/cooccurrence/cooccurrence-options.ts';
import { FastRowCounter } from '../../candidates/cooccurrence/fast-row-counter.ts';
import { chooseCounting } from './choose-counting.ts';
import { COUNTING_FLAGS } from './cooccurrence-flags.ts';
import {
  Column,
  type InteractionForm,
  type Interactions,
  Names,
  readInteractions,
  readSampledLines,
  type SampledLines,
} from '../../candidates/cooccurrence/interactions.ts';
import { evaluateRanked, evaluateSampled, type HeldOut, type SampledTest, Votes } from '../../candidates/recommender-evaluation.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  { flag: '--train <file>', meaning: 'what users saved', required: true },
  { flag: '--test <file>', meaning: 'what they saved and we hide', required: true },
  {
    flag: '--format <form>',
    meaning: 'pairs (user, tab, item) or lists (user item item ...)',
    choices: ['pairs', 'lists'],
    required: true,
  },
  { flag: '--negatives', meaning: 'a test line is user, positive, negatives' },
  ...COUNTING_FLAGS,
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

/** Measures the co-occurrence lists as a recommender on held-out saves: users are boards, items are pins. */
export const job = defineJob({
  name: 'evaluate-candidates',
  summary: 'Measures co-occurrence lists on held-out saves: recall@20, or HR@10 with sampled negatives.',
  examples: [
    'related-pins evaluate-candidates --train train.tsv --test test.tsv --format pairs --negatives --method rp3beta --neighbors 764 --alpha 0.711 --beta 0.2297',
    'related-pins evaluate-candidates --train train.txt --test test.txt --format lists --method cosine --neighbors 200 --json',
    'related-pins evaluate-candidates --train train.txt --test test.txt --format lists --method auto --json',
  ],
  options: FLAGS,
  run,
});

async function run(input: Input) {
  const form = input.options.format;
  const sampled = input.options.negatives === true;
  const startedAt = performance.now();
  const world = await readWorld(input.options.train, input.options.test, form, sampled);
  const readAt = performance.now();
  const auto = input.options.method === 'auto';
  const choice = auto ? await chooseCounting(world.train, input.options, input.progress, input.signal) : null;
  const options = auto ? (choice?.chosen.options ?? DEFAULT_COOCCURRENCE) : flaggedOptions(input.options, DEFAULT_COOCCURRENCE);
  const chosenAt = performance.now();
  const lists = new FastRowCounter(world.train, options).rows(0, world.train.pins);
  const countedAt = performance.now();
  const votes = new Votes(world.train, lists);
  const quality = world.sampled
    ? named(evaluateSampled(votes, world.sampled, 10))
    : named(evaluateRanked(votes, world.heldOut as HeldOut, 20));
  return {
    ...quality,
    ties: 'pessimistic: what was held out stands behind everything of the same score',
    method: options,
    ...(choice ? { choice } : {}),
    train: { users: world.train.boards, items: world.train.pins, pairs: world.train.pairs, repeated: world.repeated },
    test: world.test,
    seconds: {
      read: seconds(readAt - startedAt),
      ...(auto ? { choose: seconds(chosenAt - readAt) } : {}),
      count: seconds(countedAt - chosenAt),
      evaluate: seconds(performance.now() - countedAt),
    },
  };
}

function named(quality: { hitRate?: number; recall?: number; ndcg: number }): Record<string, number> {
  return quality.hitRate === undefined
    ? { recall20: quality.recall as number, ndcg20: quality.ndcg }
    : { hr10: quality.hitRate, ndcg10: quality.ndcg };
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds) / 1000;
}

interface World {
  readonly train: BoardPins;
  readonly repeated: number;
  readonly heldOut: HeldOut | null;
  readonly sampled: SampledTest | null;
  readonly test: { readonly users: number; readonly pairs: number; readonly alsoInTrain: number };
}

/** Items stand in the order of their ids, so that ties by item are ties by id. */
async function readWorld(trainFile: string, testFile: string, form: InteractionForm, sampled: boolean): Promise<World> {
  const users = new Names();
  const items = new Names();
  const train = await readInteractions(trainFile, form, users, items);
  const lines = sampled ? await readSampledLines(testFile, users, items) : null;
  const pairs = sampled ? null : await readInteractions(testFile, form, users, items);
  const ranks = items.ranks();
  const saved = tableOf(train, ranks, users.list.length);
  const repeated = train.users.length - saved.pairs;
  if (lines) return { train: saved, repeated, heldOut: null, ...sampledTest(saved, lines, ranks) };
  const held = tableOf(pairs as Interactions, ranks, users.list.length);
  return { train: saved, repeated, sampled: null, ...heldOutOf(saved, held) };
}

function tableOf(read: Interactions, ranks: Uint32Array, users: number): BoardPins {
  const items = read.items.view().map((item) => ranks[item]);
  return boardPinsOf(read.users.view(), items, users, ranks.length);
}

/** Drops held-out pairs that are also in train. */
function heldOutOf(train: BoardPins, test: BoardPins): Pick<World, 'heldOut' | 'test'> {
  const start = new Uint32Array(test.boards + 1);
  const items = new Uint32Array(test.pairs);
  let kept = 0;
  let users = 0;
  for (let user = 0; user < test.boards; user++) {
    for (let at = test.boardStart[user]; at < test.boardStart[user + 1]; at++) {
      if (!has(train, user, test.boardPins[at])) items[kept++] = test.boardPins[at];
    }
    start[user + 1] = kept;
    if (kept > start[user]) users++;
  }
  return { heldOut: { start, items }, test: { users, pairs: kept, alsoInTrain: test.pairs - kept } };
}

/** Drops lines whose positive is also in train. */
function sampledTest(train: BoardPins, read: SampledLines, ranks: Uint32Array): Pick<World, 'sampled' | 'test'> {
  const users = new Column();
  const start = new Column();
  const items = new Column();
  const [lines, starts, all] = [read.users.view(), read.start.view(), read.items.view()];
  start.push(0);
  for (let line = 0; line < lines.length; line++) {
    if (has(train, lines[line], ranks[all[starts[line]]])) continue;
    users.push(lines[line]);
    for (let at = starts[line]; at < starts[line + 1]; at++) items.push(ranks[all[at]]);
    start.push(items.length);
  }
  return {
    sampled: { users: users.view(), start: start.view(), items: items.view() },
    test: { users: new Set(users.view()).size, pairs: users.length, alsoInTrain: lines.length - users.length },
  };
}

function has(table: BoardPins, user: number, item: number): boolean {
  return table.boardPins.subarray(table.boardStart[user], table.boardStart[user + 1]).includes(item);
}
