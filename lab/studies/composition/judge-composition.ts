/**
 * Does a composed page win, and when? People who tire of sameness, a planted trait, take part in A/B tests of composed lists
 * against lists by score, through the public API of a real server. The report's lift by days since the first list says what
 * pure relevance is worth on the first day and in the second week. Beside it: what each composition costs in relevance.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExperimentReport } from '../../../src/experiments/report/experiment-report.ts';
import { percent } from '../../../src/experiments/statistics/verdict.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../../src/jobs/job.ts';
import { lineChart } from '../../../src/ranker/measures/report-charts.ts';
import { startServer } from '../../../src/server.ts';
import { openContext } from '../../../src/service/context.ts';
import type { Composition } from '../../../src/treatment.ts';
import { TIRING } from '../../world/tiring.ts';
import { freshPaperFolder } from '../paper/paper-folder.ts';
import { requireTrueWorld, type TrueWorld } from '../world-truth.ts';
import { compositionCosts, type CompositionCost } from './composition-cost.ts';
import { TiringVisitors, VISITS, withMovedClock } from './tiring-visitors.ts';

const FOLDER = 'judge-composition';

const FLAGS = flags([
  {
    flag: '--people <n>',
    meaning: 'people, one in five of them in the experiment of the light composition',
    kind: 'integer',
    range: [40, 200_000],
    default: 1400,
  },
  { flag: '--light <weight>', meaning: 'weight of the light composition', kind: 'number', range: [0, 100], default: 3 },
  { flag: '--strong <weight>', meaning: 'weight of the strong composition', kind: 'number', range: [0, 100], default: 6 },
  { flag: '--no-tire', meaning: 'the trait is off: people who do not mind sameness' },
  { flag: '--costs-only', meaning: 'stop when the cost in relevance is measured' },
  { flag: '--seed <n>', meaning: 'other people and chances', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

const composed = (method: Composition['method'], weight: number, window = 8): Composition => ({ method, weight, window, limits: {} });
const BY_SCORE = composed('none', 0);

export const job = defineJob({
  name: 'judge-composition',
  summary: 'Whether composed pages win with people who tire of sameness, by days since their first list, and what they cost in relevance.',
  examples: ['npm run lab -- judge-composition --data demo --json', 'npm run lab -- judge-composition --data demo --no-tire'],
  options: FLAGS,
  async run(input) {
    const { dataFolder, options } = input;
    const startedAt = performance.now();
    const world = requireTrueWorld(dataFolder);
    const costs = await costsOf(input, world);
    const truth = { trait: 'tires of sameness', on: options.tire !== false, ...TIRING };
    if (options.costsOnly) return { truth, costs, experiments: [], plot: null, seconds: (performance.now() - startedAt) / 1000 };
    const { experiments, lists, events, weariness } = await actOut(input, world);
    const plot = join(dataFolder, FOLDER, 'lift-by-age.svg');
    writeFileSync(plot, plotOf(experiments));
    input.progress.stop();
    return { truth, costs, experiments, lists, events, weariness, plot, seconds: (performance.now() - startedAt) / 1000 };
  },
  describe: ({ truth, costs, experiments, seconds, plot }) => [
    `The planted trait is ${truth.on ? 'on' : 'off'}: ${JSON.stringify(TIRING)}`,
    ...costs.map(costLine),
    ...experiments.flatMap(experimentLines),
    `${seconds.toFixed(0)} s${plot ? `; ${plot}` : ''}`,
  ],
});

async function costsOf({ config, dataFolder, options, progress }: Input, world: TrueWorld): Promise<readonly CompositionCost[]> {
  progress.start('costs of compositions', 0);
  const context = await openContext(config, dataFolder);
  try {
    const weights = [...new Set([1.5, options.light, options.strong, 8])];
    const compositions = [
      BY_SCORE,
      ...weights.map((weight) => composed('ssd', weight)),
      ...weights.slice(0, 3).map((weight) => composed('mmr', weight)),
    ];
    return await compositionCosts(context, world, compositions);
  } finally {
    await context.close();
  }
}

interface JudgedComposition {
  readonly key: string;
  readonly verdict: string;
  readonly reason: string;
  /** Engagement of lists by score over that of composed ones, over all days. */
  readonly lift: Lift;
  /** The same by days since a person's first list. */
  readonly byAge: readonly (Lift & { readonly daysSinceFirst: number; readonly users: number })[];
}

interface Lift {
  readonly lift: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Two experiments on people of their own: lists by score against a light, and against a strong composition. */
async function actOut(input: Input, world: TrueWorld) {
  const { config, dataFolder, options } = input;
  const folder = freshPaperFolder(dataFolder, FOLDER);
  const { people, seed } = options;
  return withMovedClock(async (moveTo) => {
    const server = await startServer({ ...config, host: '127.0.0.1', port: 0, logLevel: 'silent', keys: [], workers: 1 }, folder);
    const visitors = new TiringVisitors(server.address, world, { people, tires: options.tire !== false, seed });
    try {
      const weights = { light: options.light, strong: options.strong };
      const keys = Object.keys(weights) as (keyof typeof weights)[];
      for (const name of keys) await define(visitors, `${name}-composition`, weights[name], SLOTS[name], people);
      for (const [day, lists] of VISITS) {
        moveTo(day);
        await visitors.day(day, lists, input);
      }
      const experiments: JudgedComposition[] = [];
      for (const name of keys) experiments.push(judgedOf(await visitors.report(`${name}-composition`)));
      const weariness = Object.fromEntries(
        [...visitors.weariness].map(([arm, values]) => [arm, values.reduce((sum, value) => sum + value, 0) / values.length]),
      );
      return { experiments, lists: visitors.lists, events: visitors.events, weariness };
    } finally {
      await server.close();
    }
  });
}

/** The strong composition gets most people: of it, single days are judged. */
const SLOTS = { light: [0, 0.2], strong: [0.2, 1] } as const;

async function define(
  visitors: TiringVisitors,
  key: string,
  weight: number,
  slots: readonly [number, number],
  people: number,
): Promise<void> {
  const definition = {
    key,
    layer: { name: 'composition', slots },
    arms: [
      { key: `ssd ${weight}`, weight: 0.5, treatment: { composition: composed('ssd', weight) } },
      { key: 'by score', weight: 0.5, treatment: { composition: BY_SCORE } },
    ],
    metrics: ['engagement-rate'],
    expectedUnits: Math.max(100, people * (slots[1] - slots[0])),
  };
  const send = (path: string, body: object): Promise<unknown> =>
    visitors.get(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  await send('/v1/experiments', definition);
  await send(`/v1/experiments/${key}/start`, {});
}

function judgedOf({ key, verdict, reason, rows, novelty }: ExperimentReport): JudgedComposition {
  const all = rows.find(({ segment, metric }) => segment === 'all' && metric === 'engagement-rate');
  const byAge = novelty.map(({ daysSinceFirst, users, lift, low, high }) => ({ daysSinceFirst, users, lift, low, high }));
  return { key, verdict, reason, lift: { lift: all?.lift ?? null, low: all?.low ?? null, high: all?.high ?? null }, byAge };
}

const cell = (value: number | null): string => (value === null ? 'unknown' : percent(value));
const wordOf = ({ low, high }: Lift): string => ((low ?? -1) > 0 ? 'gain' : (high ?? 1) < 0 ? 'loss' : 'not resolved');

function costLine({ composition, ndcg, loss, sameness, orderMs }: CompositionCost): string {
  const name = `${composition.method} ${composition.weight}`.padEnd(10);
  const lost = `${percent(-loss.mean)} (${percent(-loss.high)} to ${percent(-loss.low)})`;
  return `  ${name} NDCG@25 ${ndcg.toFixed(4)}, ${lost.padEnd(28)} sameness ${sameness.toFixed(3)}, ordered in ${orderMs.toFixed(1)} ms`;
}

function experimentLines({ key, verdict, lift, byAge }: JudgedComposition): string[] {
  const row = (of: Lift): string => `${cell(of.lift).padEnd(9)} ${`${cell(of.low)} to ${cell(of.high)}`.padEnd(22)} ${wordOf(of)}`;
  return [
    `${key}: engagement of lists by score over composed ones: ${row(lift)} (verdict: ${verdict})`,
    ...byAge.map((age) => `  day ${String(age.daysSinceFirst).padEnd(3)} ${row(age)}, ${age.users} people`),
  ];
}

const STYLE =
  'text{font:12px sans-serif;fill:#777}.rule{stroke:#9996;stroke-width:1}.line{fill:none;stroke:#1f6f8b;stroke-width:2}.band{fill:#1f6f8b33}.up{fill:#1f6f8b}.other{fill:none;stroke:#b33;stroke-dasharray:4 3}';

/** The lift of lists by score over strongly composed ones, by days since the first list, and where it is zero. */
function plotOf(experiments: readonly JudgedComposition[]): string {
  const { byAge } = experiments[experiments.length - 1];
  const points = byAge.map(({ daysSinceFirst, lift }) => [daysSinceFirst, 100 * (lift ?? 0)] as const);
  const band = byAge.map(({ low, high }) => [100 * (low ?? 0), 100 * (high ?? 0)] as const);
  const chart = lineChart({
    points,
    band,
    other: points.map(() => 0),
    xLabel: 'days since the first list',
    yLabel: 'engagement of lists by score over composed ones, percent',
  });
  return `${chart.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ').replace('>', `><style>${STYLE}</style>`)}\n`;
}
