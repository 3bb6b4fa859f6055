import { counted } from '../../counted.ts';
import { type Interval, intervalText } from '../../math/bootstrap.ts';
import { ServiceError } from '../../errors.ts';
import { chooseC } from '../../ranker/training/choose-c.ts';
import { type LetorData, readLetor } from '../../ranker/exchange/letor-reader.ts';
import { curveLines } from '../../ranker/training/learning-curve.ts';
import { type TrainedModel, trainLinearModel } from '../../ranker/training/linear-trainer.ts';
import { writeModelFile } from '../../ranker/registry/model-file.ts';
import { codeVersion, distributionsOf } from '../../ranker/registry/model-provenance.ts';
import { listCount, rowCount } from '../../ranker/training/ranking-data.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import { isOnSpark } from '../spark.ts';
import { judgementLines } from './model-given.ts';
import { trainFromLog } from './train-from-log.ts';
import { LOG_TRAINING_FLAGS } from './training-setting.ts';

const FLAGS = flags([
  { flag: '--letor <file>', meaning: 'LETOR / SVMlight file (qid:, or group sizes in FILE.query) instead of the log' },
  { flag: '--out <file>', meaning: 'where the model of a LETOR file is written' },
  { flag: '--group-queries', meaning: 'gather rows of one query that lie apart in the file (refused otherwise)' },
  { flag: '--choose-c', meaning: 'choose C by time-ordered folds (file order for LETOR)' },
  { flag: '--allow-unconverged', meaning: 'with --letor: write the model also when training did not converge' },
  { flag: '--tolerance <share>', meaning: 'stop at this share of the first gradient', kind: 'number', default: 1e-5 },
  ...LOG_TRAINING_FLAGS,
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

/** Learns a linear ranker: from the log into the registry, or from a LETOR file into a file. */
export const job = defineJob({
  name: 'train-ranker',
  summary: 'Trains a Rank-SVM from the log of served lists, or from a LETOR file.',
  examples: [
    'related-pins train-ranker --data var',
    'related-pins train-ranker --data var --sets control,visual --name plain-visual --c 0.01',
    'related-pins train-ranker --data var --learning-curve',
    'related-pins train-ranker --data var --on spark --master spark://head:7077 --shared /shared/pins',
    'related-pins train-ranker --letor train.txt --normalize query-min-max --choose-c --out model.json --json',
  ],
  options: FLAGS,
  help: `--learning-curve learns again from 1/8, 1/4 and 1/2 of the lists, each as from all of them (C and normalizations included), and measures
every model on the same later lists. Shares are drawn by --seed, whole queries at a time. A prior that has learned from lists itself lifts
the small shares: --prior none takes the curve without it.`,
  alone: (options) => options.letor === undefined,
  run: async (input) => (input.options.letor === undefined ? await trainFromLog(input) : await trainFromLetor(input)),
  describe: (receipt) => ('model' in receipt ? logRunLines(receipt) : fileRunLines(receipt)),
});

type LogReceipt = Awaited<ReturnType<typeof trainFromLog>>;
type FileReceipt = Awaited<ReturnType<typeof trainFromLetor>>;

const learned = ({ objective, iterations, pairs, rows, queries, c, seconds }: LogReceipt | FileReceipt): string =>
  `${counted(pairs, 'pair')} of ${counted(rows, 'row')} in ${counted(queries, 'list')}, C ${c}: objective ${objective.toPrecision(8)} after ${counted(iterations, 'iteration')}, ${seconds.toFixed(1)} s`;

function fileRunLines(receipt: FileReceipt): string[] {
  return [learned(receipt), `${receipt.out} is written${receipt.converged ? '' : '; it did not converge'}`];
}

function logRunLines(receipt: LogReceipt): string[] {
  const { model, ndcg10, judgement, learningCurve: curve } = receipt;
  return [
    `${model}: ${learned(receipt)}`,
    ...measuredLines(ndcg10),
    ...(curve ? curveLines(curve) : []),
    ...judgementLines(judgement),
    `It does not serve yet: related-pins promote-model ${model}`,
  ];
}

/** A mean over no list is no figure. */
export function measuredLines(ndcg10: Readonly<Record<string, Interval>>): string[] {
  const measured = Object.entries(ndcg10).filter(([, { queries }]) => queries > 0);
  if (measured.length === 0) return ['  no later list: there is nothing to judge by'];
  return measured.map(([name, interval]) => `  NDCG@10 ${name.padEnd(12)} ${interval.mean.toFixed(4)} ${intervalText(interval)}`);
}

async function trainFromLetor(input: Input) {
  const { options, progress, signal } = input;
  const { letor: path = '', out, normalize = 'none', tolerance } = options;
  if (isOnSpark(options)) throw new ServiceError('JOB_USAGE', { reason: '--on spark learns from the log; a LETOR file is read here' });
  if (out === undefined) throw new ServiceError('JOB_USAGE', { reason: 'With --letor, --out says where the model goes.' });
  if (options.learningCurve)
    throw new ServiceError('JOB_USAGE', { reason: '--learning-curve needs lists held out by time: a LETOR file holds out none' });
  progress.start('reading', 0);
  const data = await readLetor(path, { apart: options.groupQueries ? 'group' : 'refuse', signal });
  const startedAt = performance.now();
  progress.start('choosing C', 0);
  const choice = options.chooseC ? await chooseC(data, { normalize, signal, workers: options.workers }) : null;
  const c = choice?.c ?? options.c ?? 1;
  progress.start('training', 0);
  const result = trainLinearModel(data, { c, normalize, tolerance });
  progress.stop();
  const seconds = (performance.now() - startedAt) / 1000;
  const { objective, iterations, gradientNorm, converged, pairs } = result;
  if (options.allowUnconverged !== true) refuseUnconverged(path, data, result);
  if (result.features.every(({ weight }) => weight === 0))
    throw new ServiceError('RANKER_NO_PAIRS', { reason: `no column of ${path} tells rows of different labels apart` });
  const training = { objective, iterations, gradientNorm, converged, seconds, tolerance };
  writeModelFile(out, {
    features: result.features,
    lineage: {
      source: 'letor',
      window: null,
      codeVersion: codeVersion(),
      seed: options.seed,
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
    out,
    ...(choice ? { cCurve: choice.curve } : {}),
  };
}

/** Nothing is written that is no minimum: columns of very different sizes are the usual cause. */
function refuseUnconverged(path: string, data: LetorData, { converged, objective, iterations }: TrainedModel): void {
  if (converged && Number.isFinite(objective)) return;
  const largest = largestColumn(data);
  const reason =
    `training on ${path} did not converge in ${counted(iterations, 'iteration')} (objective ${objective}); the largest values stand in column ` +
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
