import { ServiceError } from '../../errors.ts';
import { nextRunOf, readSchedule, type Schedule, SCHEDULABLE_JOBS, setScheduled } from '../../schedule/schedule-file.ts';
import { defineJob } from '../job.ts';

/** When the service runs a job by itself. */
export const job = defineJob({
  name: 'schedule-job',
  summary: `Lets a running service run a job by a cron expression (UTC), one job at a time: ${SCHEDULABLE_JOBS.join(', ')}.`,
  examples: [
    'related-pins schedule-job',
    'related-pins schedule-job build-candidates --cron "30 2 * * *"',
    'related-pins schedule-job train-ranker --cron "0 3 * * *" --flags "--holdout 0.1 --choose-c"',
    'related-pins schedule-job train-ranker --never',
  ],
  args: [{ form: '[job]', meaning: 'the job; without one the schedule is shown' }],
  options: [
    { flag: '--cron <expression>', meaning: 'minute hour day month weekday, in UTC' },
    { flag: '--flags <text>', meaning: 'flags of the job, separated by spaces' },
    { flag: '--never', meaning: 'take it from the schedule' },
  ],
  async run({ args, options, dataFolder }) {
    const [name] = args;
    if (name === undefined) return told(readSchedule(dataFolder));
    if (options.never) return told(setScheduled(dataFolder, name, null));
    if (options.cron === undefined) throw new ServiceError('JOB_USAGE', { reason: 'Say when with --cron, or --never.' });
    const known = readSchedule(dataFolder)[name]?.flags ?? [];
    const flags = options.flags === undefined ? known : options.flags.split(/\s+/).filter((flag) => flag !== '');
    return told(setScheduled(dataFolder, name, { cron: options.cron, flags }));
  },
  describe({ jobs }) {
    const lines = Object.entries(jobs).map(
      ([name, { cron, flags, nextRunAt }]) => `${name.padEnd(20)} ${cron.padEnd(16)} next ${nextRunAt}  ${flags.join(' ')}`,
    );
    return lines.length > 0 ? lines : ['nothing is scheduled'];
  },
});

type Line = Schedule[string] & { readonly nextRunAt: string };

function told(schedule: Schedule) {
  const now = Date.now();
  const lines = Object.entries(schedule).map(([name, line]) => [
    name,
    { ...line, nextRunAt: new Date(nextRunOf(line.cron, now)).toISOString() },
  ]);
  return { jobs: Object.fromEntries(lines) as Record<string, Line> };
}
