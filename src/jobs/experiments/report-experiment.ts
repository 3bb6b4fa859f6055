/** Counts what the log has gained and reports: verdict, lifts with intervals, health, the table of the paper's shape. */
import { isDeepStrictEqual } from 'node:util';
import { reportCsv } from '../../experiments/report/dashboard.ts';
import { BURN_IN } from '../../experiments/statistics/confidence-sequence.ts';
import type { ExperimentReport, ReportRow } from '../../experiments/report/experiment-report.ts';
import { pText, percent } from '../../experiments/statistics/verdict.ts';
import { openExperimentFolder } from './experiment-folder.ts';
import { defineJob } from '../job.ts';

export const job = defineJob({
  name: 'report-experiment',
  summary: 'report an experiment: verdict, lifts, intervals, health',
  examples: [
    'related-pins report-experiment crosses',
    'related-pins report-experiment crosses --rebuild --json',
    'related-pins report-experiment crosses --csv > crosses.csv',
  ],
  args: [{ form: '<key>', meaning: 'the key of the experiment' }],
  options: [
    { flag: '--fixed-horizon', meaning: 'fixed-horizon intervals, valid for one look at the planned end' },
    { flag: '--rebuild', meaning: 'count everything again from the raw log and say whether it agrees' },
    { flag: '--csv', meaning: 'print the rows as CSV' },
  ],
  async run({ args, options, dataFolder, config }) {
    const folder = openExperimentFolder(dataFolder, config);
    try {
      const kind = options.fixedHorizon === true ? 'fixed-horizon' : 'always-valid';
      const report = folder.experiments.report(args[0], kind);
      const csv = options.csv ? { csv: reportCsv(report) } : {};
      const rebuilt = options.rebuild ? folder.experiments.report(args[0], kind, true) : report;
      return { ...rebuilt, ...csv, ...(options.rebuild ? { rebuildAgrees: isDeepStrictEqual(report, rebuilt) } : {}) };
    } finally {
      folder.close();
    }
  },
  describe: (receipt) => (receipt.csv === undefined ? lines(receipt) : [receipt.csv]),
});

function lines(report: ExperimentReport & { readonly rebuildAgrees?: boolean }): string[] {
  const { key, state, verdict, reason, restsOn, sampleRatio, arms, rows, guardrails } = report;
  return [
    `${key} (${state}): ${verdict.toUpperCase()}. ${reason}`,
    ...restsOn.map((line) => `  rests on ${line}`),
    `  sample ratio p = ${sampleRatio.p.toPrecision(3)}${sampleRatio.alarm ? '  ALARM' : ''}; users ${arms.map((arm) => `${arm.arm} ${arm.users}`).join(', ')}`,
    ...table(report),
    ...guardrails.map((each) => `  guardrail ${each.metric} in ${each.arm}: ${each.state}`),
    ...rows.filter((row) => row.segment === 'all').map((row) => `  ${row.label} in ${row.arm}: ${liftText(row)}`),
    ...(report.rebuildAgrees === undefined ? [] : [`  counted again from the raw log: ${report.rebuildAgrees ? 'agrees' : 'DIFFERS'}`]),
  ];
}

function liftText({ lift, low, high, p, value, controlValue }: ReportRow): string {
  if (lift === null) return value === 0 && controlValue === 0 ? 'none in either arm' : 'unknown';
  if (low === null || high === null || p === null) return `${percent(lift)} (no interval before ${BURN_IN} users)`;
  return `${percent(lift)} (${percent(low)} to ${percent(high)}, ${pText(p)})`;
}

function table({ table4 }: ExperimentReport): string[] {
  const width = Math.max(...table4.map((row) => row.features.length));
  return [
    `  ${'Features'.padEnd(width)}  ${'Engagement'.padEnd(12)}${'Interval'.padEnd(24)}${'Users'.padEnd(12)}Queries`,
    ...table4.map(
      (row) =>
        `  ${row.features.padEnd(width)}  ${row.engagement.padEnd(12)}${row.interval.padEnd(24)}${String(row.users).padEnd(12)}${row.queries}`,
    ),
  ];
}
