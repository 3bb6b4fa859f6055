/** What the demo says at its end: the figures a person reads, where the page is, what to try. */
import type { Interval } from '../../../src/math/bootstrap.ts';
import { join } from 'node:path';
import { CONTENDERS, type Contender, type Measurement } from './demo-measure.ts';
import type { JobInput } from '../../../src/jobs/job.ts';

/** Whether the trained model came into service, and if not, what the guardrail said. */
export interface Promotion {
  readonly promoted: boolean;
  readonly reason: string | null;
}

const CONTENDER_NAMES: Readonly<Record<Contender, string>> = {
  asServed: 'as served',
  asRetrieved: 'as retrieved',
  shuffled: 'shuffled',
  control: 'control set',
  trained: 'full set',
};

const interval = ({ mean, low, high }: Interval): string => `${mean.toFixed(3)} (${low.toFixed(3)} .. ${high.toFixed(3)})`;
const percent = (share: number): string => `${share >= 0 ? '+' : ''}${(100 * share).toFixed(1)} %`;

export function demoLines(receipt: Readonly<Record<string, unknown>>): string[] {
  const { pins, boards, users, seconds, ndcg10Intervals, loggedEngagement, promotion, liftByCategory } = receipt as {
    pins: number;
    boards: number;
    users: number;
    seconds: { total: number } & Readonly<Record<string, number>>;
    ndcg10Intervals: Measurement['intervals'];
    loggedEngagement: { ndcg10: Measurement['intervals']; holdoutQueries: number };
    promotion: Promotion;
    liftByCategory: Measurement['liftByCategory'];
  };
  const { total, ...stages } = seconds;
  return [
    `${pins} pins, ${boards} boards, ${users} people in ${total.toFixed(0)} s`,
    `  ${Object.entries(stages)
      .map(([stage, each]) => `${stage} ${each.toFixed(1)}`)
      .join(', ')}`,
    'NDCG@10 on held-out queries by the planted grades, and on held-out lists by what people did:',
    ...CONTENDERS.map(
      (name) =>
        `  ${CONTENDER_NAMES[name].padEnd(14)} ${interval(ndcg10Intervals[name])}   logged ${interval(loggedEngagement.ndcg10[name])}`,
    ),
    ...(promotion.promoted ? [] : [`The trained model was not promoted: ${promotion.reason}`]),
    'Lift of the trained model over the control set, by category:',
    ...liftByCategory.map(
      ({ category, lift, low, high, queries }) =>
        `  ${category.padEnd(18)} ${percent(lift).padStart(8)}   (${percent(low)} .. ${percent(high)}, ${queries} queries)`,
    ),
  ];
}

export function provedLines(receipt: Readonly<Record<string, unknown>>): string[] {
  const { checks } = receipt as { checks: readonly { name: string; passed: boolean; detail: string }[] };
  return checks.map(({ name, passed, detail }) => `${passed ? 'holds ' : 'FAILS '} ${name}: ${detail}`);
}

export function closingLines({ dataFolder }: JobInput, receipt: Readonly<Record<string, unknown>>, address: string): string[] {
  return [
    ...demoLines(receipt),
    '',
    `The page: ${address}/`,
    `Before and after training, side by side: ${address}/pin/p000001?treatment=as-retrieved&against=full`,
    'Three things to try:',
    `  curl '${address}/v1/pins/p000001/related?limit=5&explain=true'`,
    `  curl '${address}/v1/users/u000001/home-feed?limit=5'`,
    `  curl '${address}/v1/pins/p000001/related?limit=5&treatment=as-retrieved'`,
    `Ctrl-C stops; the same command starts again at once. The truth lies in ${join(dataFolder, 'world')}.`,
    '',
  ];
}
