#!/usr/bin/env node
/**
 * The command line: job name -> one function in jobs/. Progress goes to standard error, the receipt to standard output;
 * with --json the last line of standard output is one JSON object. Exit 0 done, 1 failed, 2 refused, 130 stopped by hand.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { SingleBar } from 'cli-progress';
import { readConfig } from './config.ts';
import { reasonOf, ServiceError } from './errors.ts';
import type { Job, JobOption } from './jobs/job.ts';
import { lockJob } from './jobs/job-lock.ts';
import { toldProgress } from './jobs/told-progress.ts';
import type { Progress } from './progress.ts';
import { projectRoot } from './worker-url.ts';

/** Jobs in the order a catalogue meets them. A line each; loaded only when called. */
const JOBS: readonly (readonly [string, string, () => Promise<{ job: Job }>])[] = [
  ['demo', 'make a world whose truth is known, learn from its people, prove the gain, serve it', () => import('./jobs/demo.ts')],
  [
    'evaluate-world',
    'near-duplicates, dominant objects and boxes of a demo world against its truth',
    () => import('./jobs/evaluate-world.ts'),
  ],
  ['import-catalog', 'read pins, boards and saves into the catalogue', () => import('./jobs/import-catalog.ts')],
  ['import-net', 'turn a stock ONNX network into a net folder', () => import('./jobs/import-net.ts')],
  ['evaluate-features', 'precision at k of nets, layers and codes on labelled images', () => import('./jobs/evaluate-features.ts')],
  [
    'make-evaluation-set',
    'write a balanced set of labelled images from frequent annotations',
    () => import('./jobs/make-evaluation-set.ts'),
  ],
  ['tune-net', 'learn from the catalogue’s own boards what looks alike, without Python', () => import('./jobs/tune-net.ts')],
  ['extract-features', 'compute codes, class scores and fingerprints of new images', () => import('./jobs/extract-features.ts')],
  ['switch-net', 'make another net serve, with its features, lists and model', () => import('./jobs/switch-net.ts')],
  ['roll-back-net', 'take the last switch of nets back', () => import('./jobs/roll-back-net.ts')],
  ['drop-features', 'drop the features of a net that no longer serves', () => import('./jobs/drop-features.ts')],
  ['build-candidates', 'count co-occurrence and visual neighbour lists, and swap them in', () => import('./jobs/build-candidates.ts')],
  ['evaluate-candidates', 'measure co-occurrence lists on held-out saves', () => import('./jobs/evaluate-candidates.ts')],
  ['detect-objects', 'find the objects in every image, and describe the dominant ones', () => import('./jobs/detect-objects.ts')],
  ['index-objects', 'describe every object’s crop for object search and dots', () => import('./jobs/index-objects.ts')],
  ['replay-flashlight', 'replay the paper’s section 7: box, dots, dots under thresholds', () => import('./jobs/replay-flashlight.ts')],
  ['fit-search', 'fit the thresholds of object dots and the exact-product distance', () => import('./jobs/fit-search.ts')],
  ['evaluate-visual-search', 'measure crops, scenes and dots on photos with true boxes', () => import('./jobs/evaluate-visual-search.ts')],
  ['evaluate-detector', 'measure a detector on photos with true boxes', () => import('./jobs/evaluate-detector.ts')],
  ['evaluate-home-feed', 'measure home feeds on saves that were held out', () => import('./jobs/evaluate-home-feed.ts')],
  ['replay-saves', 'make a first training log from saves that are held out', () => import('./jobs/replay-saves.ts')],
  ['serve', 'answer over HTTP: closeups, home feeds, events, upserts, the pages', () => import('./jobs/serve.ts')],
  ['train-ranker', 'learn a ranking model from the log, or from a LETOR file', () => import('./jobs/train-ranker.ts')],
  ['evaluate-ranker', 'measure a ranking model beside its baselines', () => import('./jobs/evaluate-ranker.ts')],
  [
    'climb-ladder',
    'what each set of ranking features gains, on the log and against a demo world’s truth',
    () => import('./jobs/climb-ladder.ts'),
  ],
  ['prove-position-bias', 'undo the planted position bias of a demo world, and prove it', () => import('./jobs/prove-position-bias.ts')],
  ['list-models', 'the models, which one serves, the promotions so far', () => import('./jobs/list-models.ts')],
  ['diff-models', 'two models, feature by feature', () => import('./jobs/diff-models.ts')],
  ['promote-model', 'make a model serve, try it on a share, or let it score in the dark', () => import('./jobs/promote-model.ts')],
  ['roll-back-model', 'take the last promotion back', () => import('./jobs/roll-back-model.ts')],
  ['prune-log', 'delete old lists and events, reports stay', () => import('./jobs/prune-log.ts')],
  ['report-log', 'what was served and done, by day', () => import('./jobs/report-log.ts')],
  ['report-dark-reads', 'how lists would differ under a model in the dark', () => import('./jobs/report-dark-reads.ts')],
  ['schedule-job', 'when the service runs a job by itself', () => import('./jobs/schedule-job.ts')],
  ['export-rows', 'the training rows of the log as a LETOR file', () => import('./jobs/export-rows.ts')],
  ['export-model', 'a linear model as flat JSON, for Solr or for OpenSearch', () => import('./jobs/export-model.ts')],
  ['import-model', 'a linear model of this or another engine', () => import('./jobs/import-model.ts')],
  ['back-up', 'copy the data folder, whole and with digests, while the service runs', () => import('./jobs/back-up.ts')],
  ['restore', 'check a backup and lay it out as a new data folder', () => import('./jobs/restore.ts')],
  ['erase-user', "erase one user's data everywhere, and prove it", () => import('./jobs/erase-user.ts')],
  ['doctor', 'look at an installation and say what is wrong', () => import('./jobs/doctor.ts')],
  ['create-key', 'make an access key and show it once', () => import('./jobs/create-key.ts')],
  ['list-keys', 'list the access keys and what they may do', () => import('./jobs/list-keys.ts')],
  ['revoke-key', 'take an access key back, at once', () => import('./jobs/revoke-key.ts')],
  ['define-experiment', 'check an experiment definition and keep it as a draft', () => import('./jobs/define-experiment.ts')],
  ['start-experiment', 'start an experiment', () => import('./jobs/start-experiment.ts')],
  ['stop-experiment', 'stop an experiment', () => import('./jobs/stop-experiment.ts')],
  ['ramp-experiment', 'widen the share of units that take part', () => import('./jobs/ramp-experiment.ts')],
  ['archive-experiment', 'put a draft or a stopped experiment away', () => import('./jobs/archive-experiment.ts')],
  ['list-experiments', 'the experiments, their state, verdict and health', () => import('./jobs/list-experiments.ts')],
  ['forecast-experiment', 'what an experiment could find before it starts', () => import('./jobs/forecast-experiment.ts')],
  [
    'replay-treatment',
    'what a treatment that never served would have earned, by the shuffled share of the log',
    () => import('./jobs/replay-treatment.ts'),
  ],
  ['start-study', "make a blind study of two treatments' lists, judged on the page /judge", () => import('./jobs/start-study.ts')],
  ['report-experiment', 'report an experiment: verdict, lifts, intervals, health', () => import('./jobs/report-experiment.ts')],
  ['replay-paper', "replay the paper's experiment on the demo world, against its planted truth", () => import('./jobs/replay-paper.ts')],
  ['simulate-experiments', 'prove the experiment statistics by simulation', () => import('./jobs/simulate-experiments.ts')],
];

/** Codes that mean "refused": the command was wrong or there was nothing to do. */
const REFUSALS = new Set([
  'JOB_USAGE',
  'NOTHING_TO_DO',
  'RANKER_NO_PAIRS',
  'RANKER_GUARDRAIL',
  'JOB_RUNNING',
  'JOB_UNKNOWN',
  'CONFIG_INVALID',
  'DATA_FOLDER_LOCKED',
  'EXPERIMENT_INVALID',
  'EXPERIMENT_STATE',
  'EXPERIMENT_UNKNOWN',
]);

async function main(argv: readonly string[]): Promise<number> {
  const name = argv[2];
  const known = JOBS.find(([job]) => job === name);
  if (!known) return overview(name);
  const { job } = await known[2]();
  return runJob(job, argv.slice(3));
}

function overview(name: string | undefined): number {
  const { version } = JSON.parse(readFileSync(new URL('package.json', projectRoot()), 'utf8')) as { version: string };
  if (name === '--version' || name === '-V') {
    console.log(version);
    return 0;
  }
  const asked = name === undefined || name === '--help' || name === '-h' || name === 'help';
  if (!asked) {
    console.error(`There is no job "${name}".${nearest(name)}\n\`related-pins --help\` lists the jobs.`);
    return 2;
  }
  const lines = [
    'related-pins: given a pin, which pins do people want to see next?',
    '',
    'Usage: related-pins <job> [flags]      related-pins <job> --help',
    '',
  ];
  for (const [job, summary] of JOBS) lines.push(`  ${job.padEnd(24)}${summary}`);
  (name === undefined ? console.error : console.log)(lines.join('\n'));
  return name === undefined ? 2 : 0;
}

function nearest(name: string): string {
  const near = JOBS.map(([job]) => job).filter((job) => job.startsWith(name) || job.split('-').some((part) => name.includes(part)));
  return near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : '';
}

async function runJob(job: Job, argv: readonly string[]): Promise<number> {
  const command = commandOf(job);
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    if (argv.includes('--json')) console.log(JSON.stringify({ error: { code: 'JOB_USAGE', message: error.message } }));
    return 2;
  }
  const options = command.opts<Record<string, unknown>>();
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
    console.error('\nstopping at the next safe point (press Ctrl-C again to stop at once) ...');
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const progress = process.send ? toldProgress((message) => process.send?.(message)) : terminalProgress();
  stopWithParent(stop);
  let lock: ReturnType<typeof lockJob> | null = null;
  try {
    const config = readConfig(process.env, typeof options.data === 'string' ? { data: options.data } : {});
    lock = job.alone?.(options) ? lockJob(config.data, job.name) : null;
    const receipt = await job.run({
      options,
      args: command.args,
      config,
      dataFolder: config.data,
      progress,
      signal: stop.signal,
    });
    progress.stop();
    if (options.json) console.log(JSON.stringify(receipt));
    else for (const line of job.describe?.(receipt) ?? lines(receipt)) console.log(line);
    return job.exitCode?.(receipt) ?? 0;
  } catch (error) {
    progress.stop();
    return failed(error, options.json === true, job.name);
  } finally {
    lock?.release();
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** A job that the service started stops at its next safe point when the service is gone. */
function stopWithParent(stop: AbortController): void {
  if (!process.channel) return;
  process.once('disconnect', () => stop.abort());
  process.channel.unref();
}

function commandOf(job: Job): Command {
  const command = new Command(`related-pins ${job.name}`).description(job.summary).exitOverride();
  command.showHelpAfterError(`(related-pins ${job.name} --help shows flags and examples)`);
  for (const arg of job.args ?? []) command.argument(arg.form, arg.meaning);
  for (const option of job.options) command.addOption(optionOf(option));
  command.option('--data <folder>', 'the data folder (default: RELATED_PINS_DATA, then ./var)');
  command.option('--json', 'print one JSON object as the last line');
  command.addHelpText('after', `\nExamples:\n${job.examples.map((example) => `  $ ${example}`).join('\n')}`);
  return command;
}

function optionOf(row: JobOption): Option {
  const option = new Option(row.flag, row.meaning);
  if (row.default !== undefined) option.default(row.default);
  if (row.required) option.makeOptionMandatory();
  if (row.repeatable) option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
  else if (row.kind === 'list') option.argParser((text: string) => text.split(',').map((item) => item.trim()));
  else if (row.kind) option.argParser((text: string) => numberOf(text, row));
  return option;
}

function numberOf(text: string, row: JobOption): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || (row.kind === 'integer' && !Number.isInteger(value))) {
    throw new InvalidArgumentError(row.kind === 'integer' ? 'A whole number is needed.' : 'A number is needed.');
  }
  return value;
}

function failed(error: unknown, json: boolean, job: string): number {
  const code = error instanceof ServiceError ? error.code : 'SERVER_ERROR';
  console.error(`${job}: ${code}: ${reasonOf(error)}`);
  if (!(error instanceof ServiceError) && error instanceof Error) console.error(error.stack);
  const field = error instanceof ServiceError ? error.fields.field : undefined;
  if (json) console.log(JSON.stringify({ error: { code, message: reasonOf(error), field } }));
  if (code === 'JOB_STOPPED') return 130;
  return REFUSALS.has(code) ? 2 : 1;
}

/** A line for each value, parts of parts by dotted names, a row of a table in one line. */
function lines(receipt: Readonly<Record<string, unknown>>, within = ''): string[] {
  return Object.entries(receipt).flatMap(([key, value]) => {
    const name = `${within}${key}`;
    if (Array.isArray(value))
      return value.every(isRecord) ? value.map((row) => `${name}: ${rowText(row)}`) : [`${name}: ${value.join(', ')}`];
    return isRecord(value) ? lines(value, `${name}.`) : [`${name}: ${String(value)}`];
  });
}

function rowText(row: Readonly<Record<string, unknown>>): string {
  return lines(row).join(', ');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A bar with rate and time left on a terminal; only notes when standard error is a file or a pipe. */
function terminalProgress(): Progress {
  let bar: SingleBar | null = null;
  let startedAt = 0;
  const terminal = process.stderr.isTTY;
  const stop = (): void => {
    bar?.stop();
    bar = null;
  };
  return {
    start(step, total) {
      stop();
      if (!terminal) return;
      startedAt = Date.now();
      const format =
        total > 0
          ? `${step.padEnd(22)} {bar} {percentage}% | {value}/{total} | {rate}/s | {eta_formatted} left`
          : `${step.padEnd(22)} {value} | {rate}/s`;
      bar = new SingleBar({
        format,
        barCompleteChar: '█',
        barIncompleteChar: '░',
        hideCursor: true,
        stream: process.stderr,
        barsize: 28,
      });
      bar.start(total, 0, { rate: 0 });
    },
    update(done) {
      bar?.update(done, { rate: Math.round((done * 1000) / Math.max(1, Date.now() - startedAt)) });
    },
    stop,
    note(line) {
      stop();
      console.error(line);
    },
  };
}

/** A reader that has seen enough (`| head`) is no failure: what is said from then on is said to nobody, and the work goes on. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
process.exitCode = await main(process.argv);
