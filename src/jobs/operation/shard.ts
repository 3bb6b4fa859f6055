/** One piece of a job that is dealt to many machines: any scheduler can call it, in any order within a step, as often as it likes. */
import { resolve } from 'node:path';
import { countPart, splitSaves } from '../../candidates/cooccurrence/counting-shards.ts';
import { readCountingPlan } from '../../candidates/cooccurrence/counting-plan.ts';
import { ServiceError } from '../../errors.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  { flag: '--folder <path>', meaning: 'the folder of the job, on a path that all tasks can reach', required: true },
  { flag: '--part <n>', meaning: 'which piece, from 0', kind: 'integer', range: [0, 1e9], required: true },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

/** What each step does with a piece. */
const STEPS: Readonly<Record<string, (folder: string, part: number, input: Input) => Promise<object>>> = {
  split: async (folder, part) => {
    const plan = readCountingPlan(folder);
    return splitSaves(folder, plan, within(part, plan.files, 'files of saves'));
  },
  count: async (folder, part, { signal }) => {
    const plan = readCountingPlan(folder);
    return countPart(folder, plan, within(part, plan.bounds.length - 1, 'parts'), signal);
  },
};

export const job = defineJob({
  name: 'shard',
  summary: 'does one piece of a job that was dealt to many machines',
  examples: ['related-pins shard split --folder /shared/counting --part 0', 'related-pins shard count --folder /shared/counting --part 3'],
  args: [{ form: '<step>', meaning: Object.keys(STEPS).join(' or ') }],
  options: FLAGS,
  help: `\`build-candidates --on spark\` writes the folder and has Spark call this. A piece that is there already is left as it is. Another scheduler
does the same with a loop: every piece of split, then every piece of count.`,
  run: shard,
});

async function shard(input: Input) {
  const [step] = input.args;
  if (!Object.hasOwn(STEPS, step))
    throw new ServiceError('JOB_USAGE', { reason: `The step must be ${Object.keys(STEPS).join(' or ')}, not ${step}.` });
  const receipt = await STEPS[step](resolve(input.options.folder), input.options.part, input);
  const { user, system } = process.cpuUsage();
  return { step, part: input.options.part, ...receipt, processorSeconds: (user + system) / 1e6 };
}

function within(part: number, parts: number, what: string): number {
  if (part < parts) return part;
  throw new ServiceError('JOB_USAGE', { reason: `There are ${parts} ${what}; --part ${part} is none of them.` });
}
