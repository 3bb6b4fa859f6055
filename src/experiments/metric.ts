/**
 * The metrics, each declared once. A metric is a numerator and a denominator of one unit's totals; its value is the sum
 * of numerators over the sum of denominators. A mean has denominator 1; a proportion has 0 or 1 in both places.
 */

/** What one unit did and met in one slice of an experiment. Whole numbers, so that sums are exact and may be undone. */
export interface UnitTotals {
  lists: number;
  impressions: number;
  /** Items served, whether they were seen or not. */
  shown: number;
  closeups: number;
  clicks: number;
  longClicks: number;
  saves: number;
  /** Items clicked or saved. */
  engaged: number;
  /** Items hidden, and not taken back. */
  hides: number;
  /** Items shown to get to know them, and those of them that were clicked or saved. */
  explored: number;
  exploredEngaged: number;
  emptyLists: number;
  degradedLists: number;
  latencyMs: number;
  searchImpressions: number;
  searchSaves: number;
  /** From the first list to the first save; -1 none. */
  firstSaveSeconds: number;
  /** Of the metrics in `metrics.json`; `own-metrics.ts` says what stands where. */
  own: number[];
}

/** ratio: sums of counts; proportion: 0 or 1 per unit; mean: per unit; quantile: read from the latency histogram. */
export type MetricKind = 'ratio' | 'proportion' | 'mean' | 'quantile';

export interface Metric {
  readonly name: string;
  readonly label: string;
  readonly kind: MetricKind;
  /** The direction people want. */
  readonly better: 'up' | 'down';
  readonly meaning: string;
  /** Of a quantile metric: which one; it is read from the latency histogram. */
  readonly quantile?: number;
  /** The numerator is counted in steps of which so many make one; absent: 1. */
  readonly steps?: number;
  numerator(totals: UnitTotals): number;
  denominator(totals: UnitTotals): number;
}

const one = (): number => 1;
const impressions = (totals: UnitTotals): number => totals.impressions;
const lists = (totals: UnitTotals): number => totals.lists;
/** Results of visual search have a propensity of their own. */
const sawRelated = (totals: UnitTotals): boolean => totals.impressions > totals.searchImpressions;

/** Stored cells hold the metrics in this order: another order, or a new metric, makes a rebuild of all counts necessary. */
export const METRICS: readonly Metric[] = [
  {
    name: 'engagement-rate',
    label: 'Engagement rate',
    kind: 'ratio',
    better: 'up',
    meaning: 'Items clicked or saved over items seen.',
    numerator: (totals) => totals.engaged,
    denominator: impressions,
  },
  {
    name: 'save-propensity',
    label: 'Related Pins save propensity',
    kind: 'proportion',
    better: 'up',
    meaning: 'Users who saved a recommended pin over users who saw one.',
    numerator: (totals) => (totals.saves > totals.searchSaves && sawRelated(totals) ? 1 : 0),
    denominator: (totals) => (sawRelated(totals) ? 1 : 0),
  },
  {
    name: 'click-rate',
    label: 'Click rate',
    kind: 'ratio',
    better: 'up',
    meaning: 'Items clicked over items seen.',
    numerator: (totals) => totals.clicks,
    denominator: impressions,
  },
  {
    name: 'long-click-rate',
    label: 'Long click rate',
    kind: 'ratio',
    better: 'up',
    meaning: 'Items with a long click over items seen.',
    numerator: (totals) => totals.longClicks,
    denominator: impressions,
  },
  {
    name: 'save-rate',
    label: 'Save rate',
    kind: 'ratio',
    better: 'up',
    meaning: 'Items saved over items seen.',
    numerator: (totals) => totals.saves,
    denominator: impressions,
  },
  {
    name: 'flashlight-save-propensity',
    label: 'Flashlight save propensity',
    kind: 'proportion',
    better: 'up',
    meaning: 'Users who saved a result of visual search over users who saw one.',
    numerator: (totals) => (totals.searchSaves > 0 && totals.searchImpressions > 0 ? 1 : 0),
    denominator: (totals) => (totals.searchImpressions > 0 ? 1 : 0),
  },
  {
    name: 'impressions-per-user',
    label: 'Impressions per user',
    kind: 'mean',
    better: 'up',
    meaning: 'Items seen per user.',
    numerator: impressions,
    denominator: one,
  },
  {
    name: 'saves-per-user',
    label: 'Saves per user',
    kind: 'mean',
    better: 'up',
    meaning: 'Items saved per user.',
    numerator: (totals) => totals.saves,
    denominator: one,
  },
  {
    name: 'seconds-to-first-save',
    label: 'Seconds to first save',
    kind: 'ratio',
    better: 'down',
    meaning: 'From the first list to the first save, over users who saved.',
    numerator: (totals) => Math.max(0, totals.firstSaveSeconds),
    denominator: (totals) => (totals.firstSaveSeconds >= 0 ? 1 : 0),
  },
  {
    name: 'latency-ms',
    label: 'Mean latency',
    kind: 'ratio',
    better: 'down',
    meaning: 'Milliseconds per list.',
    numerator: (totals) => totals.latencyMs,
    denominator: lists,
  },
  {
    name: 'latency-p95',
    label: 'Latency, 95th percentile',
    kind: 'quantile',
    better: 'down',
    meaning: 'Milliseconds that 95 % of lists stay within.',
    quantile: 0.95,
    numerator: (totals) => totals.latencyMs,
    denominator: lists,
  },
  {
    name: 'empty-lists',
    label: 'Share of empty lists',
    kind: 'ratio',
    better: 'down',
    meaning: 'Lists without an item over lists.',
    numerator: (totals) => totals.emptyLists,
    denominator: lists,
  },
  {
    name: 'degraded-lists',
    label: 'Share of degraded lists',
    kind: 'ratio',
    better: 'down',
    meaning: 'Lists that fell back (model or source missing) over lists.',
    numerator: (totals) => totals.degradedLists,
    denominator: lists,
  },
  {
    name: 'hide-rate',
    label: 'Hide rate',
    kind: 'ratio',
    better: 'down',
    meaning: 'Items hidden, and not taken back, over items seen.',
    numerator: (totals) => totals.hides,
    denominator: impressions,
  },
  {
    name: 'exploration-share',
    label: 'Exploration, share of items',
    kind: 'ratio',
    better: 'up',
    meaning: 'Items shown to get to know them over items served.',
    numerator: (totals) => totals.explored,
    denominator: (totals) => totals.shown,
  },
  {
    name: 'exploration-engagement',
    label: 'Exploration, engagement rate',
    kind: 'ratio',
    better: 'up',
    meaning: 'Items clicked or saved over items served, of those shown to get to know them.',
    numerator: (totals) => totals.exploredEngaged,
    denominator: (totals) => totals.explored,
  },
];

/** The index of a metric by name; -1 unknown. Spaces, underscores and camel case are read as dashes. */
export function metricIndex(name: string, metrics: readonly Metric[] = METRICS): number {
  const dashed = name
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .replace(/[\s_]+/g, '-')
    .toLowerCase();
  return metrics.findIndex((metric) => metric.name === dashed);
}
