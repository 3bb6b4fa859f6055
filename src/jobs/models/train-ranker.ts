import { cpus } from 'node:os';
import { ServiceError } from '../../errors.ts';
import { chooseC } from '../../ranker/training/choose-c.ts';
import { type LetorData, readLetor } from '../../ranker/exchange/letor-reader.ts';
import { type TrainedModel, trainLinearModel } from '../../ranker/training/linear-trainer.ts';
import type { Judgement } from '../../ranker/judging/judgement.ts';
import type { Interval } from '../../ranker/registry/model-artifact.ts';
import { writeModelFile } from '../../ranker/registry/model-file.ts';
import { NORMALIZATION_KINDS } from '../../ranker/scoring/normalizer.ts';
import { codeVersion, distributionsOf } from '../../ranker/registry/model-provenance.ts';
import { listCount, rowCount } from '../../ranker/training/ranking-data.ts';
import type { Job, JobInput } from '../job.ts';
import { normalizationOf, positive } from './ranker-flags.ts';
import { judgementLines } from './model-given.ts';
import { trainFromLog } from './train-from-log.ts';

/** Learns a linear ranker: from the log into the registry, or from a LETOR file into a file. */
export const job: Job = {
  name: 'train-ranker',
  summary: 'Trains a Rank-SVM from the log of served lists, or from a LETOR file.',
  examples: [
    'related-pins train-ranker --data var',
    'related-pins train-ranker --data var --sets control,visual --name plain-visual --c 0.01',
    'related-pins train-ranker --letor train.txt --normalize query-min-max --choose-c --out model.json --json',
  ],
  options: [
    {
      flag: '--letor <file>',
      meaning: 'LETOR / SVMlight file (qid:, or group sizes in FILE.query) instead of the log',
    },
    { flag: '--out <file>', meaning: 'where the model of a LETOR file is written' },
    { flag: '--group-queries', meaning: 'gather rows of one query that lie apart in the file (refused otherwise)' },
    { flag: '--c <number>', meaning: 'weight of the pair loss (LETOR: 1 unless chosen; log: chosen)', kind: 'number' },
    { flag: '--choose-c', meaning: 'choose C by time-ordered folds (file order for LETOR)' },
    { flag: '--normalize <kind>', meaning: `${NORMALIZATION_KINDS.join(', ')} (LETOR: none; log: standard)` },
    { flag: '--allow-unconverged', meaning: 'with --letor: write the model also when training did not converge' },
    { flag: '--tolerance <share>', meaning: 'stop at this share of the first gradient', kind: 'number', default: 1e-5 },
    { flag: '--seed <number>', meaning: 'seed of intervals and shuffles', kind: 'integer', default: 1 },
    {
      flag: '--workers <count>',
      meaning: 'threads that choose C',
      kind: 'integer',
      default: Math.min(4, cpus().length),
    },
    { flag: '--from <time>', meaning: 'log from this time on (ISO 8601)' },
    { flag: '--to <time>', meaning: 'log before this time' },
    { flag: '--surface <name>', meaning: 'whose lists it learns from and then orders: closeup, home-feed, rank', default: 'closeup' },
    { flag: '--sets <names>', meaning: 'feature sets: control, visual, cross, object (all)', kind: 'list' },
    { flag: '--name <name>', meaning: 'name of the model in the registry (rank-svm-N)' },
    { flag: '--holdout <share>', meaning: 'share of the latest lists that judge', kind: 'number', default: 0.2 },
    { flag: '--warm <model>', meaning: 'start from the weights of this model' },
    { flag: '--prior <model>', meaning: 'draw the weights toward those of this model; none: toward 0 (the serving model, or the starter)' },
    { flag: '--no-signs', meaning: 'let weights of likeness and co-occurrence become negative' },
    {
      flag: '--propensity <kind>',
      meaning: 'weigh pairs by inverse examination: none, randomized (shuffled lists), harvested (pairs met at several positions)',
      default: 'none',
    },
    { flag: '--clip <number>', meaning: 'greatest inverse propensity', kind: 'number', default: 10 },
    { flag: '--ladder', meaning: 'also train and measure the steps: control, + visual, + cross, + object' },
    { flag: '--report <file>', meaning: 'write the training report as one HTML file' },
  ],
  alone: (options) => options.letor === undefined,
  run: (input) => (input.options.letor === undefined ? trainFromLog(input) : trainFromLetor(input)),
  describe: (receipt) => (receipt.model === undefined ? fileRunLines(receipt) : logRunLines(receipt)),
};

const learned = ({ objective, iterations, pairs, rows, queries, c, seconds }: Readonly<Record<string, unknown>>): string =>
  `${String(pairs)} pairs of ${String(rows)} rows in ${String(queries)} lists, C ${String(c)}: objective ${Number(objective).toPrecision(8)} after ${String(iterations)} iterations, ${Number(seconds).toFixed(1)} s`;

function fileRunLines(receipt: Readonly<Record<string, unknown>>): string[] {
  return [learned(receipt), `${String(receipt.out)} is written${receipt.converged ? '' : '; it did not converge'}`];
}

function logRunLines(receipt: Readonly<Record<string, unknown>>): string[] {
  const { model, ndcg10, judgement } = receipt as { model: string; ndcg10: Record<string, Interval>; judgement: Judgement };
  return [
    `${model}: ${learned(receipt)}`,
    ...measuredLines(ndcg10),
    ...judgementLines(judgement),
    `It does not serve yet: related-pins promote-model ${model}`,
  ];
}

/** A mean over no list is no figure. */
export function measuredLines(ndcg10: Readonly<Record<string, Interval>>): string[] {
  const measured = Object.entries(ndcg10).filter(([, { queries }]) => queries > 0);
  if (measured.length === 0) return ['  no later list: there is nothing to judge by'];
  return measured.map(
    ([name, { mean, low, high }]) => `  NDCG@10 ${name.padEnd(12)} ${mean.toFixed(4)} (${low.toFixed(4)} .. ${high.toFixed(4)})`,
  );
}

async function trainFromLetor(input: JobInput): Promise<Readonly<Record<string, unknown>>> {
  const { options, progress, signal } = input;
  const path = String(options.letor);
  if (options.out === undefined) throw new ServiceError('JOB_USAGE', { reason: 'With --letor, --out says where the model goes.' });
  const normalize = normalizationOf(options.normalize, 'none');
  progress.start('reading', 0);
  const data = await readLetor(path, { apart: options.groupQueries ? 'group' : 'refuse', signal });
  const startedAt = performance.now();
  progress.start('choosing C', 0);
  const choice = options.chooseC ? await chooseC(data, { normalize, signal, workers: Number(options.workers) }) : null;
  const c = choice?.c ?? positive(options.c, '--c') ?? 1;
  progress.start('training', 0);
  const result = trainLinearModel(data, { c, normalize, tolerance: Number(options.tolerance ?? 1e-5) });
  progress.stop();
  const seconds = (performance.now() - startedAt) / 1000;
  const { objective, iterations, gradientNorm, converged, pairs } = result;
  if (options.allowUnconverged !== true) refuseUnconverged(path, data, result);
  if (result.features.every(({ weight }) => weight === 0))
    throw new ServiceError('RANKER_NO_PAIRS', { reason: `no column of ${path} tells rows of different labels apart` });
  const training = { objective, iterations, gradientNorm, converged, seconds, tolerance: options.tolerance };
  writeModelFile(String(options.out), {
    features: result.features,
    lineage: {
      source: 'letor',
      window: null,
      codeVersion: codeVersion(),
      seed: Number(options.seed ?? 1),
      c,
      settings: { normalize, cCurve: choice?.curve ?? null },
      netDigest: null,
      previous: null,
    },
    counts: { lists: listCount(data), rows: rowCount(data), pairs },
    training,
    distributions: distributionsOf(data),
  });
  return {
    objective,
    iterations,
    seconds,
    pairs,
    rows: rowCount(data),
    queries: listCount(data),
    c,
    gradientNorm,
    converged,
    columns: data.names.length,
    normalize,
    out: options.out,
    ...(choice ? { cCurve: choice.curve } : {}),
  };
}

/** Nothing is written that is no minimum: columns of very different sizes are the usual cause. */
function refuseUnconverged(path: string, data: LetorData, { converged, objective, iterations }: TrainedModel): void {
  if (converged && Number.isFinite(objective)) return;
  const largest = largestColumn(data);
  const reason =
    `training on ${path} did not converge in ${iterations} iterations (objective ${objective}); the largest values stand in column ` +
    `${largest.name} (up to ${largest.value}): --normalize standard is the usual way out, --allow-unconverged writes the model all the same`;
  throw new ServiceError('RANKER_NOT_CONVERGED', { reason });
}

function largestColumn({ names, rows }: LetorData): { readonly name: string; readonly value: number } {
  let [at, value] = [0, 0];
  const values = rows.kind === 'dense' ? rows.data : rows.values;
  for (let k = 0; k < values.length; k++) {
    if (Math.abs(values[k]) <= value) continue;
    value = Math.abs(values[k]);
    at = rows.kind === 'dense' ? k % names.length : rows.indexes[k];
  }
  return { name: names[at], value };
}
