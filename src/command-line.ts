/**
 * The command line of a table of jobs: job name -> one function. Progress goes to standard error, the receipt to standard
 * output; with --json the last line of standard output is one JSON object. Exit 0 done, 1 failed, 2 refused, 130 stopped by hand.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { SingleBar } from 'cli-progress';
import { readConfig, strangeSettings } from './config.ts';
import { exitOf, reasonOf, ServiceError } from './errors.ts';
import type { Job, JobOption } from './jobs/job.ts';
import { lockJob } from './jobs/job-lock.ts';
import type { JobGroup, JobRow } from './jobs/table.ts';
import { messageProgress } from './jobs/progress-messages.ts';
import { whenParentIsGone } from './node-launcher.mjs';
import type { Progress } from './progress.ts';
import { projectRoot } from './worker-url.ts';

export interface Program {
  /** As a person types it. */
  readonly command: string;
  readonly title: string;
  readonly groups: readonly JobGroup[];
  /** For a name that is no job here: a sentence that says where it is, or undefined. */
  elsewhere?(name: string): string | undefined;
}

/** A second signal within this time is the first one again. */
const SAME_SIGNAL_MS = 1000;

/** Runs the job that `argv` (of the process) names, and resolves to the exit status. */
export async function runCommandLine(program: Program, argv: readonly string[]): Promise<number> {
  // What people did is nobody else's business on a machine of several users: files 0600, folders 0700.
  process.umask(0o077);
  const name = argv[2];
  const known = jobsOf(program).find(([job]) => job === name);
  if (!known) return overview(program, name);
  const { job } = await known[2]();
  return runJob(program, job, argv.slice(3));
}

function jobsOf(program: Program): readonly JobRow[] {
  return program.groups.flatMap(({ jobs }) => jobs);
}

function overview(program: Program, name: string | undefined): number {
  const { version } = JSON.parse(readFileSync(new URL('package.json', projectRoot()), 'utf8')) as { version: string };
  if (name === '--version' || name === '-V') {
    console.log(version);
    return 0;
  }
  const asked = name === undefined || name === '--help' || name === '-h' || name === 'help';
  if (!asked) {
    const elsewhere = program.elsewhere?.(name) ?? nearest(program, name);
    console.error(`There is no job "${name}".${elsewhere}\n\`${program.command} --help\` lists the jobs.`);
    return 2;
  }
  const lines = [program.title, '', `Usage: ${program.command} <job> [flags]      ${program.command} <job> --help`, ''];
  for (const { title, jobs } of program.groups) lines.push(title, ...jobs.map(([job, summary]) => `  ${job.padEnd(24)}${summary}`), '');
  (name === undefined ? console.error : console.log)(lines.join('\n'));
  return name === undefined ? 2 : 0;
}

function nearest(program: Program, name: string): string {
  const near = jobsOf(program)
    .map(([job]) => job)
    .filter((job) => job.startsWith(name) || job.split('-').some((part) => name.includes(part)));
  return near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : '';
}

async function runJob(program: Program, job: Job, argv: readonly string[]): Promise<number> {
  const command = commandOf(program, job);
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
  let stoppedAt = 0;
  const onSignal = (): void => {
    if (stop.signal.aborted) {
      // One Ctrl-C may come twice: from the terminal, and from what started this process.
      if (Date.now() - stoppedAt > SAME_SIGNAL_MS) process.exit(130);
      return;
    }
    stoppedAt = Date.now();
    stop.abort();
    console.error('\nstopping at the next safe point (press Ctrl-C again to stop at once) ...');
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // The terminal was closed: that asks for an end as well.
  process.on('SIGHUP', onSignal);
  const progress = process.send ? messageProgress((message) => process.send?.(message)) : terminalProgress();
  stopWithParent(stop);
  let lock: ReturnType<typeof lockJob> | null = null;
  for (const name of strangeSettings(process.env)) console.error(`${name} is no setting and changes nothing; docs/SETTINGS.md has all.`);
  try {
    const config = readConfig(process.env, typeof options.data === 'string' ? { data: options.data } : {});
    lock = job.alone?.(options) ? lockJob(config.data, job.name) : null;
    await keepEyes(config.data);
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
    process.off('SIGHUP', onSignal);
  }
}

/** A folder of an earlier version goes on with the net that its features are of. */
async function keepEyes(dataFolder: string): Promise<void> {
  if (!existsSync(join(dataFolder, 'features.sqlite')) || existsSync(join(dataFolder, 'nets', 'visual.json'))) return;
  const { keepFormerNet } = await import('./service/eyes.ts');
  keepFormerNet(dataFolder);
}

/** A job stops at its next safe point when the service that started it is gone, or the npm or the launcher that did. */
function stopWithParent(stop: AbortController): void {
  whenParentIsGone(() => stop.abort());
  if (!process.channel) return;
  process.once('disconnect', () => stop.abort());
  process.channel.unref();
}

function commandOf(program: Program, job: Job): Command {
  const command = new Command(`${program.command} ${job.name}`).description(job.summary).exitOverride();
  command.showHelpAfterError(`(${program.command} ${job.name} --help shows flags and examples)`);
  for (const arg of job.args ?? []) command.argument(arg.form, arg.meaning, argParserOf(arg.form));
  for (const option of job.options) command.addOption(optionOf(option));
  command.option('--data <folder>', `the data folder (default: ${job.dataDefault ?? 'RELATED_PINS_DATA, then ./var'})`);
  command.option('--json', 'print one JSON object as the last line');
  command.addHelpText('after', `\nExamples:\n${job.examples.map((example) => `  $ ${example}`).join('\n')}`);
  if (job.help) command.addHelpText('after', `\n${job.help}`);
  return command;
}

function optionOf(row: JobOption): Option {
  const option = new Option(row.flag, row.meaning);
  if (row.default !== undefined) option.default(row.default);
  if (row.required) option.makeOptionMandatory();
  if (row.repeatable) option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), notBlank(text)]);
  else if (row.kind === 'list') option.argParser((text: string) => text.split(',').map((item) => chosen(item.trim(), row)));
  else if (row.kind === 'time') option.argParser(timeOf);
  else if (row.kind) option.argParser((text: string) => numberOf(text, row));
  else if (row.choices) option.argParser((text: string) => chosen(text, row));
  else if (row.flag.includes(' ') && row.default !== '') option.argParser(notBlank);
  return option;
}

function argParserOf(form: string): (text: string, before: unknown) => unknown {
  return form.includes('...') ? (text, before) => [...((before as string[] | undefined) ?? []), notBlank(text)] : notBlank;
}

/** An empty text is a name that got lost on the way: `--user "$ID"`. */
function notBlank(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It is empty.');
  return text;
}

function chosen(text: string, { choices }: JobOption): string {
  if (!choices || choices.includes(text)) return text;
  throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}.`);
}

/** Epoch milliseconds. */
function timeOf(text: string): number {
  const at = /^\d{11,}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(at)) throw new InvalidArgumentError('A time is needed (ISO 8601).');
  return at;
}

function numberOf(text: string, row: JobOption): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || (row.kind === 'integer' && !Number.isInteger(value))) {
    throw new InvalidArgumentError(row.kind === 'integer' ? 'A whole number is needed.' : 'A number is needed.');
  }
  if (row.range && (value < row.range[0] || value > row.range[1]))
    throw new InvalidArgumentError(`It must lie within ${row.range[0]}..${row.range[1]}.`);
  if (row.above !== undefined && value <= row.above) throw new InvalidArgumentError(`It must be above ${row.above}.`);
  return value;
}

function failed(error: unknown, json: boolean, job: string): number {
  const code = error instanceof ServiceError ? error.code : 'SERVER_ERROR';
  console.error(`${job}: ${code}: ${reasonOf(error)}`);
  if (!(error instanceof ServiceError) && error instanceof Error) console.error(error.stack);
  const field = error instanceof ServiceError ? error.fields.field : undefined;
  if (json) console.log(JSON.stringify({ error: { code, message: reasonOf(error), field } }));
  return exitOf(error);
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
