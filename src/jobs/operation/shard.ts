/** One piece of a job that is dealt to many machines: any scheduler can call it, in any order within a step, as often as it likes. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { countPart, splitSaves } from '../../candidates/cooccurrence/counting-shards.ts';
import { readCountingPlan } from '../../candidates/cooccurrence/counting-plan.ts';
import { diskFullError } from '../../catalog/database.ts';
import { ServiceError } from '../../errors.ts';
import { type ConvNet, openConvNet } from '../../features/convnet.ts';
import { findPairs, readPairPlan } from '../../features/duplicate-shards.ts';
import { type ExtractionPlan, extractPiece, netOfPlan, readExtractionPlan } from '../../features/extraction-shards.ts';
import { answerForPiece, type QuestionKind, readTrainingPlan, writeRows } from '../../ranker/training/training-shards.ts';
import { InferencePool } from '../../vision/inference-pool.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  { flag: '--folder <path>', meaning: 'the folder of the job, on a path that all tasks can reach', required: true },
  { flag: '--part <n>', meaning: 'which piece, from 0', kind: 'integer', range: [0, 1e9] },
  { flag: '--question <name>', meaning: 'of facts, gradient, spread and ndcg: the file NAME.json among the questions of the folder' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

interface Tools {
  readonly signal: AbortSignal;
  readonly question?: string;
  /** The net of an extraction, loaded once for all pieces. */
  reader(folder: string, plan: ExtractionPlan): Promise<OpenReader>;
}

/** What each step does with a piece. */
const STEPS: Readonly<Record<string, (folder: string, part: number, tools: Tools) => Promise<object>>> = {
  split: async (folder, part) => {
    const plan = readCountingPlan(folder);
    return splitSaves(folder, plan, within(part, plan.files, 'files of saves'));
  },
  count: async (folder, part, { signal }) => {
    const plan = readCountingPlan(folder);
    return countPart(folder, plan, within(part, plan.bounds.length - 1, 'parts'), signal);
  },
  extract: async (folder, part, { signal, reader }) => {
    const plan = readExtractionPlan(folder);
    return extractPiece(folder, plan, within(part, plan.pieces, 'pieces of images'), { ...(await reader(folder, plan)), signal });
  },
  pairs: async (folder, part) => {
    const plan = readPairPlan(folder);
    return findPairs(folder, plan, within(part, plan.pieces, 'pairs of blocks'));
  },
  rows: async (folder, part) => {
    const plan = readTrainingPlan(folder);
    return writeRows(folder, plan, within(part, plan.keys.length, 'segments of the log'));
  },
  ...Object.fromEntries((['facts', 'gradient', 'spread', 'ndcg'] as const).map((kind) => [kind, answering(kind)])),
};

/** A step that answers a question about the rows of a piece. */
function answering(kind: QuestionKind): (folder: string, part: number, tools: Tools) => Promise<object> {
  return async (folder, part, { question }) => {
    if (question === undefined) throw new ServiceError('JOB_USAGE', { reason: `${kind} needs a question` });
    const plan = readTrainingPlan(folder);
    return answerForPiece(folder, plan, within(part, plan.keys.length, 'segments of the log'), kind, question);
  };
}

/** Pieces come over standard input. */
const EACH = 'each';

export const job = defineJob({
  name: 'shard',
  summary: 'does one piece of a job that was dealt to many machines',
  examples: [
    'related-pins shard split --folder /shared/counting --part 0',
    'related-pins shard count --folder /shared/counting --part 3',
    'related-pins shard extract --folder /shared/extraction --part 12',
    'related-pins shard gradient --folder /shared/training --part 4 --question 93f0a6c1d2e4b587',
  ],
  args: [{ form: '<step>', meaning: `${Object.keys(STEPS).join(', ')}, or ${EACH}` }],
  options: FLAGS,
  help: `\`build-candidates --on spark\`, \`extract-features --on spark\` and \`train-ranker --on spark\` write the folder and have Spark call this. A piece that is there already
is left as it is. Another scheduler does the same with a loop: every piece of split, then every piece of count; every piece of extract, of pairs, or of rows. \`shard each\`
reads pieces from standard input, a line each (count 3, or gradient 3 QUESTION), does one after the other, and answers each with a line of JSON: Node starts once for many.`,
  run: shard,
});

/** A piece and what came of it. */
type Receipt = Readonly<Record<string, unknown>>;

async function shard(input: Input): Promise<Receipt> {
  const { args, options, signal } = input;
  const folder = resolve(options.folder);
  if (!existsSync(folder))
    throw new ServiceError('JOB_USAGE', {
      reason: `there is no ${folder} on ${hostname()}: a job's folder lies where all machines reach it (--shared)`,
    });
  const nets = new OpenNets(input);
  const tools: Tools = { signal, question: options.question, reader: (at, plan) => nets.of(at, plan) };
  try {
    if (args[0] === EACH) return await eachAsked(folder, tools);
    if (options.part === undefined) throw new ServiceError('JOB_USAGE', { reason: '--part says which piece' });
    return await piece(folder, args[0], options.part, tools, 0);
  } finally {
    await nets.close();
  }
}

interface OpenReader {
  readonly convNet: ConvNet;
  readonly pool: InferencePool;
}

/** The net that pieces of images are read with: one worker, because the scheduler has a task for each core. */
class OpenNets {
  private opened: { readonly digest: string; readonly reader: Promise<OpenReader>; readonly pool: InferencePool } | null = null;
  private readonly input: Input;

  constructor(input: Input) {
    this.input = input;
  }

  async of(folder: string, { netDigest, limits }: ExtractionPlan): Promise<OpenReader> {
    if (this.opened?.digest !== netDigest) {
      await this.close();
      const pool = new InferencePool({ provider: this.input.config.executionProvider, limits });
      const reader = openConvNet(netOfPlan(folder), pool).then((convNet) => ({ convNet, pool }));
      this.opened = { digest: netDigest, reader, pool };
    }
    return this.opened.reader;
  }

  async close(): Promise<void> {
    await this.opened?.pool.close();
    this.opened = null;
  }
}

/** `since`: the processor time, in microseconds, that belongs to pieces before. */
async function piece(folder: string, step: string, part: number, tools: Tools, since: number): Promise<Receipt> {
  if (!Object.hasOwn(STEPS, step))
    throw new ServiceError('JOB_USAGE', { reason: `The step must be ${[...Object.keys(STEPS), EACH].join(' or ')}, not ${step}.` });
  try {
    const receipt = await STEPS[step](folder, part, tools);
    return { step, part, ...receipt, processorSeconds: (used() - since) / 1e6 };
  } catch (error) {
    throw diskFullError(error, folder);
  }
}

function used(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** A refusal is an answer, and the next piece may go well; any other error ends the program. */
async function eachAsked(folder: string, tools: Tools): Promise<Receipt> {
  let since = 0;
  let pieces = 0;
  try {
    for await (const line of createInterface({ input: process.stdin })) {
      const [step, number, question] = line.split(' ');
      const part = Number(number);
      if (!Number.isSafeInteger(part) || part < 0)
        throw new ServiceError('JOB_USAGE', { reason: `a line must be STEP N or STEP N QUESTION, not ${line}` });
      console.log(JSON.stringify(await answered(folder, step, part, { ...tools, question }, since)));
      since = used();
      pieces++;
    }
  } finally {
    // An open input would keep a program alive that has failed.
    process.stdin.destroy();
  }
  return { step: EACH, pieces };
}

async function answered(folder: string, step: string, part: number, tools: Tools, since: number): Promise<Receipt> {
  try {
    return await piece(folder, step, part, tools, since);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code === 'JOB_STOPPED') throw error;
    return { step, part, error: { code: error.code, message: error.message } };
  }
}

function within(part: number, parts: number, what: string): number {
  if (part < parts) return part;
  throw new ServiceError('JOB_USAGE', { reason: `There are ${parts} ${what}; --part ${part} is none of them.` });
}
