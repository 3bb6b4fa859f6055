/**
 * Can a replay of saves cheat? Catalogs of words alone, drawn again for every seed:
 *   random boards   pins are on boards by chance, some pins on more than others: no model may beat its prior beyond its interval
 *   planted taste   two pins are on one board by a known utility of words and titles: its weights come back
 *   counts          in both, neither what counts a pin nor how often it shares boards tells right answers from wrong ones
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { ServiceError } from '../../src/errors.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../src/jobs/job.ts';
import { job as replaySaves } from '../../src/jobs/log/replay-saves.ts';
import { readLog } from '../../src/jobs/models/training-log.ts';
import { mixedSeed, type Random, seededRandom } from '../../src/math/random.ts';
import { bootstrapMean, type Interval } from '../../src/math/bootstrap.ts';
import { ndcgPerList } from '../../src/ranker/measures/ranking-evaluation.ts';
import { STARTER, starterModel } from '../../src/ranker/registry/starter-model.ts';
import { chooseC } from '../../src/ranker/training/choose-c.ts';
import { listScorer, trainLinearModel } from '../../src/ranker/training/linear-trainer.ts';
import { type LogData, sliceLog, splitLog } from '../../src/ranker/training/log-data.ts';
import { priorOf } from '../../src/ranker/training/model-prior.ts';
import { replayGroupOf } from '../../src/catalog/log/replayed-list.ts';

const FLAGS = flags([
  { flag: '--seeds <n>', meaning: 'catalogs of each kind', kind: 'integer', default: 20 },
  { flag: '--pins <n>', meaning: 'pins of a catalog', kind: 'integer', default: 240 },
  { flag: '--closeups <n>', meaning: 'closeups replayed on each', kind: 'integer', default: 400 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'prove-replay',
  summary: 'whether a replay of saves can cheat: random boards, planted taste, counts',
  examples: ['npm run lab -- prove-replay --data /tmp/proof --json', 'npm run lab -- prove-replay --seeds 40 --data /tmp/proof'],
  options: FLAGS,
  run: proveReplay,
  exitCode: ({ checks }) => ((checks as readonly { passed: boolean }[]).every(({ passed }) => passed) ? 0 : 1),
});

/** Of the cosine of words and of titles, in the planted taste. */
const PLANTED = { 'annotation-cosine': 4, 'title-similarity': 2 } as const;
const WORDS = 24;
const BOARDS_PER_PIN = 16;

async function proveReplay(input: Input): Promise<Readonly<Record<string, unknown>>> {
  const seeds = input.options.seeds;
  const random: Proof[] = [];
  const planted: Proof[] = [];
  input.progress.start('catalogs', 2 * seeds);
  for (let seed = 1; seed <= seeds; seed++) {
    if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
    random.push(await proofOf(input, 'random', seed));
    planted.push(await proofOf(input, 'planted', seed));
    input.progress.update(2 * seed);
  }
  input.progress.stop();
  const beating = random.filter(({ gain }) => gain.low > 0).length;
  const cosine = bootstrapMean(
    planted.map((proof) => proof.cosine),
    1,
  );
  const counts = bootstrapMean(
    [...random, ...planted].map(({ countAuc }) => countAuc),
    1,
  );
  const shared = bootstrapMean(
    random.map(({ sharedAuc }) => sharedAuc),
    1,
  );
  const checks = [
    // A one-sided 2.5 % interval lets one in forty through by chance; three standard deviations more is no chance.
    {
      name: 'random boards: models that beat their prior',
      passed: beating <= seeds / 40 + 3 * Math.sqrt(seeds / 40),
      count: beating,
      of: seeds,
    },
    { name: 'planted taste: cosine of learned and planted weights', passed: cosine.low > 0.9, ...cosine },
    { name: 'counts: AUC of log-saves', passed: Math.abs(counts.mean - 0.5) < 1e-9, ...counts },
    { name: 'random boards: AUC of co-occurrence', passed: shared.low <= 0.5 && shared.high >= 0.5, ...shared },
  ];
  return {
    checks,
    randomGain: bootstrapMean(
      random.map(({ gain }) => gain.mean),
      1,
    ),
    plantedGain: bootstrapMean(
      planted.map(({ gain }) => gain.mean),
      1,
    ),
  };
}

interface Proof {
  /** NDCG@10 of the trained model less that of the prior, on later groups. */
  readonly gain: Interval;
  readonly cosine: number;
  readonly countAuc: number;
  readonly sharedAuc: number;
}

async function proofOf(input: Input, kind: 'random' | 'planted', seed: number): Promise<Proof> {
  const folder = join(input.dataFolder, 'prove-replay');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  drawCatalog(folder, kind, input.options.pins, seededRandom(mixedSeed(seed, kind)));
  const options = { lists: input.options.closeups, feeds: 0, perBoard: 2, limit: 25, seed };
  await replaySaves.run({ ...input, dataFolder: folder, args: [], options });
  const data = readLog(folder, {});
  const { train, holdout } = splitLog(data, 0.3);
  const [early, late] = [sliceLog(data, train.from, train.to), sliceLog(data, holdout.from, holdout.to)];
  const prior = priorOf(STARTER, starterModel().features);
  const groupOf = (list: number): string | number => replayGroupOf(early.lists[list].recommendationId) ?? list;
  const { c, fixed } = await chooseC(early, { normalize: 'standard', prior, signs: true, groupOf, signal: input.signal });
  const { features } = trainLinearModel(early, { c, normalize: 'standard', prior, signs: true, fixed });
  const free = trainLinearModel(early, { c: 1, normalize: 'standard', signs: false });
  return {
    gain: gainOf(
      late,
      features,
      starterModel().features.filter(({ name }) => data.names.includes(name)),
    ),
    cosine: cosineToPlanted(free.features),
    countAuc: aucOf(data, 'log-saves'),
    sharedAuc: aucOf(data, 'cooccurrence-score'),
  };
}

type Features = Parameters<typeof listScorer>[1];

function gainOf(data: LogData, model: Features, prior: Features): Interval {
  const [a, b] = [model, prior].map((features) => ndcgPerList(data, 10, listScorer(data, features)));
  return bootstrapMean(
    a.map((value, list) => value - b[list]).filter((value) => !Number.isNaN(value)),
    1,
  );
}

/** Of the slopes on raw features. */
function cosineToPlanted(features: Features): number {
  let [dot, squares, planted] = [0, 0, 0];
  for (const [name, weight] of Object.entries(PLANTED)) {
    const feature = features.find((each) => each.name === name);
    const scale = feature?.normalization.kind === 'standard' ? 1 / feature.normalization.deviation : 1;
    const slope = (feature?.weight ?? 0) * scale;
    dot += slope * weight;
    squares += slope * slope;
    planted += weight * weight;
  }
  return squares === 0 ? 0 : dot / Math.sqrt(squares * planted);
}

/** Share of the pairs of a list whose right answer has more of a column; equal ones count half. */
function aucOf(data: LogData, name: string): number {
  const column = data.names.indexOf(name);
  if (data.rows.kind !== 'dense') throw new TypeError('rows of the log are dense');
  const value = (row: number): number => (data.rows.kind === 'dense' ? data.rows.data[row * data.names.length + column] : 0);
  let [above, pairs] = [0, 0];
  for (let list = 0; list + 1 < data.listStart.length; list++) {
    for (let i = data.listStart[list]; i < data.listStart[list + 1]; i++) {
      for (let j = data.listStart[list]; j < data.listStart[list + 1]; j++) {
        if (data.grades[i] <= data.grades[j]) continue;
        above += value(i) > value(j) ? 1 : value(i) === value(j) ? 0.5 : 0;
        pairs++;
      }
    }
  }
  return pairs === 0 ? 0.5 : above / pairs;
}

interface DrawnPin {
  readonly annotations: readonly number[];
  readonly title: readonly number[];
}

function drawCatalog(folder: string, kind: 'random' | 'planted', count: number, random: Random): void {
  const some = (most: number): number[] => random.shuffled(Array.from({ length: WORDS }, (_, word) => word)).slice(0, most);
  const pins: DrawnPin[] = Array.from({ length: count }, () => ({ annotations: some(4), title: some(4) }));
  const boards = kind === 'random' ? randomBoards(count, random) : plantedBoards(pins, random);
  const catalog = openCatalog(folder);
  const options = { now: Date.UTC(2026, 0, 1), folders: { images: folder, data: folder } };
  const records = {
    pins: pins.map(({ annotations, title }, p) => ({
      id: `pin ${p}`,
      title: title.map((word) => `title${word}`).join(' '),
      annotations: Object.fromEntries(annotations.map((word) => [`word ${word}`, 1])),
    })),
    boards: boards.map((_, b) => ({ id: `board ${b}`, ownerId: `owner ${b}` })),
    saves: boards.flatMap((on, b) => on.map((pin) => ({ pinId: `pin ${pin}`, boardId: `board ${b}`, at: options.now }))),
  };
  for (const rows of ['pins', 'boards', 'saves'] as const) upsertBatch(catalog, rows, records[rows], options);
  catalog.close();
}

/** Twelve pins a board; a pin is drawn up to four times as often as another. */
function randomBoards(count: number, random: Random): number[][] {
  const often = Array.from({ length: count }, () => 1 + 3 * random.next() ** 3);
  return Array.from({ length: Math.round((count * BOARDS_PER_PIN) / 12) }, () => {
    const on = new Set<number>();
    while (on.size < 12) on.add(drawn(often, random));
    return [...on];
  });
}

/** Boards of two: any pin, and one drawn by exp(utility) of the two. */
function plantedBoards(pins: readonly DrawnPin[], random: Random): number[][] {
  const share = (a: readonly number[], b: readonly number[]): number => a.filter((word) => b.includes(word)).length / 4;
  return Array.from({ length: Math.round((pins.length * BOARDS_PER_PIN) / 2) }, () => {
    const first = random.integer(pins.length);
    const chances = pins.map(({ annotations, title }, pin) => {
      const utility =
        PLANTED['annotation-cosine'] * share(annotations, pins[first].annotations) +
        PLANTED['title-similarity'] * share(title, pins[first].title);
      return pin === first ? 0 : Math.exp(utility);
    });
    return [first, drawn(chances, random)];
  });
}

function drawn(chances: readonly number[], random: Random): number {
  let left = random.next() * chances.reduce((sum, chance) => sum + chance, 0);
  for (let at = 0; at < chances.length; at++) {
    left -= chances[at];
    if (left < 0) return at;
  }
  return chances.length - 1;
}
