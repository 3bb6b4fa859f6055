/**
 * The weights of the starter model: what puts most pins of the query's class among the first twelve, over photos in class
 * folders under several structures of boards. Each folder is also judged by weights that were fitted on the others.
 *
 * From weights written by hand each weight in turn is tried at 0, half, one and two times its value, and the best is kept,
 * until nothing gains any more. A change must gain a thousandth: weights that do not matter stay where they are.
 */
import { join } from 'node:path';
import { ServiceError } from '../../../src/errors.ts';
import type { Job, JobInput } from '../../../src/jobs/job.ts';
import { writeModelFile } from '../../../src/ranker/registry/model-file.ts';
import { codeVersion } from '../../../src/ranker/registry/model-provenance.ts';
import { FEATURE_COLUMNS } from '../../../src/ranker/scoring/feature-table.ts';
import { labeledLists, type LabeledList, lookAtPhotos, STRUCTURES } from './labeled-catalogs.ts';

export const job: Job = {
  name: 'fit-starter',
  summary: 'fits the starter model on labeled photos under several structures of boards, and judges it on photos it was not fitted on',
  examples: ['npm run lab -- fit-starter --photos shoes --photos chairs --data /tmp/starter --out data/starter-model.json --json'],
  options: [
    { flag: '--photos <folder>', meaning: 'photos in class folders', required: true, repeatable: true },
    { flag: '--per-kind <n>', meaning: 'photos of a class at most', kind: 'integer', default: 60 },
    { flag: '--queries <n>', meaning: 'queries of a catalog', kind: 'integer', default: 60 },
    { flag: '--seed <n>', meaning: 'which boards are drawn', kind: 'integer', default: 1 },
    { flag: '--out <file>', meaning: 'where the model is written (default: it is only reported)' },
  ],
  run: fitStarter,
};

type Weights = Readonly<Record<string, number>>;

/** By hand: boards first, then looks, then words. The last two order home feeds, where there is no query. */
const BY_HAND: Weights = {
  'cooccurrence-score': 1,
  'from-board-cooccurrence': 0.5,
  'annotation-cosine': 0.5,
  'title-similarity': 0.3,
  'category-cosine': 0.3,
  'user-category-affinity': 0.2,
  'fc6-similarity': 2,
  'fc8-similarity': 1,
  'user-visual-likeness': 0.5,
};
/** What the photos can say something about: they have no titles, categories and people. */
const FITTED = ['cooccurrence-score', 'from-board-cooccurrence', 'annotation-cosine', 'fc6-similarity', 'fc8-similarity'];
const FACTORS = [0, 0.5, 2];
const GAIN_MIN = 0.001;
const FIRST = 12;

interface LabeledCatalog {
  readonly photos: string;
  readonly boards: string;
  readonly lists: readonly LabeledList[];
}

async function fitStarter(input: JobInput): Promise<Readonly<Record<string, unknown>>> {
  const { perKind, queries, seed, out } = input.options as { perKind: number; queries: number; seed: number; out?: string };
  const startedAt = performance.now();
  const catalogs: LabeledCatalog[] = [];
  for (const folder of input.options.photos as readonly string[]) {
    const photos = await lookAtPhotos(input, folder, perKind);
    for (const structure of STRUCTURES) {
      if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
      catalogs.push({
        photos: photos.name,
        boards: structure.name,
        lists: await labeledLists(input, photos, structure, { queries, seed }),
      });
    }
  }
  const weights = fitted(catalogs);
  const figures = catalogs.map((catalog) => figuresOf(catalog, catalogs, weights));
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  if (out !== undefined) write(out, weights, { figures, seed, perKind, queries });
  return { weights, figures, seconds, ...(out === undefined ? {} : { out }) };
}

function figuresOf(catalog: LabeledCatalog, catalogs: readonly LabeledCatalog[], weights: Weights): Readonly<Record<string, unknown>> {
  const others = catalogs.filter(({ photos }) => photos !== catalog.photos);
  const { photos, boards } = catalog;
  const round = (given: Weights): number => Math.round(1000 * shareOf(catalog, given)) / 1000;
  return {
    photos,
    boards,
    starter: round(weights),
    fittedOnOthers: others.length === 0 ? null : round(fitted(others)),
    byHand: round(BY_HAND),
    boardsAlone: round({ 'cooccurrence-score': 1 }),
    looksAlone: Math.max(round({ 'fc6-similarity': 1 }), round({ 'fc8-similarity': 1 })),
    chance: Math.round(1000 * chanceOf(catalog)) / 1000,
  };
}

function fitted(catalogs: readonly LabeledCatalog[]): Weights {
  let best = BY_HAND;
  let reached = meanShare(catalogs, best);
  for (let gained = true; gained;) {
    gained = false;
    for (const name of FITTED) {
      for (const factor of FACTORS) {
        const tried = { ...best, [name]: best[name] * factor };
        const share = meanShare(catalogs, tried);
        if (share < reached + GAIN_MIN) continue;
        [best, reached, gained] = [tried, share, true];
      }
    }
  }
  return best;
}

const meanShare = (catalogs: readonly LabeledCatalog[], weights: Weights): number =>
  catalogs.reduce((sum, catalog) => sum + shareOf(catalog, weights), 0) / catalogs.length;

/** Share of the first twelve that are of the query's class, over the lists. */
function shareOf({ lists }: LabeledCatalog, weights: Weights): number {
  let [right, places] = [0, 0];
  for (const list of lists) {
    const scores = scoresOf(list, weights);
    const order = Array.from(scores, (_, row) => row).sort((a, b) => scores[b] - scores[a] || a - b);
    for (const row of order.slice(0, FIRST)) {
      places++;
      right += list.right[row];
    }
  }
  return right / Math.max(1, places);
}

function scoresOf({ rows, right }: LabeledList, weights: Weights): Float64Array {
  const scores = new Float64Array(right.length);
  for (const [name, weight] of Object.entries(weights)) {
    const column = FEATURE_COLUMNS.indexOf(name);
    if (weight !== 0) for (let row = 0; row < scores.length; row++) scores[row] += weight * rows[row * FEATURE_COLUMNS.length + column];
  }
  return scores;
}

function chanceOf({ lists }: LabeledCatalog): number {
  const rows = lists.reduce((sum, { right }) => sum + right.length, 0);
  return lists.reduce((sum, { right }) => sum + right.reduce((a, b) => a + b, 0), 0) / Math.max(1, rows);
}

/** Raw features: the weights mean the same on every catalog. */
function write(out: string, weights: Weights, settings: Readonly<Record<string, unknown>>): void {
  const named = FEATURE_COLUMNS.filter((name) => weights[name]);
  writeModelFile(join(out), {
    features: named.map((name) => ({ name, weight: weights[name], normalization: { kind: 'none' } })),
    lineage: {
      source: 'starter',
      window: null,
      codeVersion: codeVersion(),
      seed: Number(settings.seed),
      c: null,
      settings: { recipe: 'npm run lab -- fit-starter', ...settings },
      netDigest: null,
      previous: null,
    },
    counts: { lists: 0, rows: 0, pairs: 0 },
    training: {},
    distributions: {},
  });
}
