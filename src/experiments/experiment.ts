/** What an experiment is, and the check every definition passes before anything else sees it. */
import { ServiceError } from '../errors.ts';
import { isTreatmentProblem, namedTreatment, readTreatmentPart, TREATMENT_NAMES, type TreatmentPart } from '../treatment.ts';
import { BUCKETS, HASH_VERSIONS } from './hash-version.ts';
import { metricIndex } from './metric.ts';
import { metricsOf as countedMetrics, NO_OWN_METRICS, type OwnMetric, type OwnMetrics } from './own-metrics.ts';

export interface Arm {
  readonly key: string;
  /** Share of the units. 0: nobody but those put there by hand. */
  readonly weight: number;
  /** Laid over what serves outside experiments. */
  readonly treatment: TreatmentPart;
}

/** Which served lists count. An absent field asks nothing. */
export interface Eligibility {
  readonly surfaces?: readonly string[];
  /** The N most saved pins, or a list. */
  readonly querySet?: { readonly popular: number } | { readonly pinIds: readonly string[] };
  readonly categories?: readonly string[];
  readonly dominantObject?: boolean;
}

interface Guardrail {
  readonly metric: string;
  /** Largest tolerated harm. Relative: 0.02 allows 2 % worse; absolute: in the metric's own unit, 5 allows 5 ms more. */
  readonly margin: number;
  /** Absent: relative. */
  readonly marginUnit?: 'absolute';
}

/** Actions that may have a window of their own. */
const ATTRIBUTED_ACTIONS = ['closeup', 'click', 'longClick', 'save', 'hide'] as const;
type AttributedAction = (typeof ATTRIBUTED_ACTIONS)[number];

const ATTRIBUTION_HOURS_MAX = 24 * 90;
/** Of a definition that names none, and of those that are older than the field. */
export const PLANNED_DAYS = 14;

export interface ExperimentDefinition {
  readonly key: string;
  readonly description: string;
  /** What is expected and why; stored for readers of the report. */
  readonly hypothesis: string;
  readonly owner: string;
  readonly tags: readonly string[];
  readonly unit: 'user' | 'session';
  /** split: a unit meets one arm. interleaved: all arms share each closeup page by team draft (Radlinski et al. 2008). */
  readonly design: 'split' | 'interleaved';
  /** Text that salts the hash; the key by default. */
  readonly seed: string;
  readonly hashVersion: number;
  /** Experiments with overlapping slots in one layer exclude each other. Slots are shares of the layer, [from, to). */
  readonly layer: { readonly name: string; readonly slots: readonly [number, number] };
  /** Share of the units in the slots that take part; may only grow while the experiment runs. */
  readonly traffic: number;
  /** The first arm is the control. Weights sum to one. */
  readonly arms: readonly Arm[];
  readonly eligibility: Eligibility;
  /** The first metric decides. */
  readonly metrics: readonly string[];
  /** Those of `metrics`, `guardrails` and `caps` that `metrics.json` defines, as it did then: the file may change under a report. */
  readonly ownMetrics: readonly OwnMetric[];
  /** Dimensions of `metrics.json` by whose labels the report is divided. */
  readonly dimensions: readonly string[];
  readonly guardrails: readonly Guardrail[];
  /** Per-unit totals above the cap count as the cap; choose it from history before the start. */
  readonly caps: Readonly<Record<string, number>>;
  /** How long after a list an action is still its doing. */
  readonly attributionHours: number;
  /** Hours for single kinds of action, and so for the metrics that count them: saves come later than clicks. */
  readonly attribution: Readonly<Partial<Record<AttributedAction, number>>>;
  /** How long it is meant to run; the report says when that was reached. The papers ran 7 or 14 days. */
  readonly plannedDays: number;
  /** Count an item as seen when it was served, or when an impression event says so. */
  readonly impressionsFrom: 'served' | 'events';
  /** Count the lift of the first day by the hour. Experiments that are older than the field do not. */
  readonly curveByHour: boolean;
  /** Share of exposed lists for which the control's list is computed as well, to mark lists that would have been the same. */
  readonly counterfactualShare: number;
  /** Days before the start whose engagement adjusts the estimates (CUPED); 0: none. */
  readonly prePeriodDays: number;
  /** Units at which the always-valid interval is tightest. */
  readonly expectedUnits: number;
  readonly alpha: number;
  /** Smallest relative lift worth shipping for; the report says when the experiment can no longer miss it. */
  readonly minimumLift: number;
  /** Units put into an arm by hand, for testing; never counted. */
  readonly forced: Readonly<Record<string, string>>;
}

/** What a definition may refer to; null skips that check. */
export interface KnownParts {
  readonly models: readonly string[] | null;
  readonly sources: readonly string[] | null;
  readonly categories: readonly string[] | null;
  readonly surfaces: readonly string[] | null;
  /** What `metrics.json` defines; absent: nothing. */
  readonly own?: OwnMetrics;
}

/** Skips every check: any name passes. */
export const NOTHING_KNOWN: KnownParts = { models: null, sources: null, categories: null, surfaces: null };

const FIELDS = [
  ...[
    'key',
    'description',
    'hypothesis',
    'owner',
    'tags',
    'curveByHour',
    'unit',
    'design',
    'seed',
    'hashVersion',
    'layer',
    'traffic',
    'arms',
    'eligibility',
    'metrics',
  ],
  ...['guardrails', 'caps', 'attributionHours', 'attribution', 'impressionsFrom', 'counterfactualShare', 'prePeriodDays'],
  ...['ownMetrics', 'dimensions'],
  ...['plannedDays', 'expectedUnits', 'alpha', 'minimumLift', 'forced'],
];

/** Reads a definition from JSON, fills in defaults. Throws EXPERIMENT_INVALID naming the field. */
export function readDefinition(input: unknown, known: KnownParts = NOTHING_KNOWN): ExperimentDefinition {
  const record = recordOf(input, 'definition');
  for (const field of Object.keys(record))
    if (!FIELDS.includes(field)) refuse(field, `there is no such field; there are: ${FIELDS.join(', ')}`);
  const key = textOf(record.key, 'key');
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(key)) refuse('key', 'use 1 to 64 lower-case letters, digits, dots, dashes or underscores');
  const design = oneOf(record.design ?? 'split', ['split', 'interleaved'] as const, 'design');
  const arms = armsOf(record.arms, known, design);
  const { own = NO_OWN_METRICS } = known;
  const metrics = metricsOf(record.metrics, own);
  const guardrails = guardrailsOf(record.guardrails ?? [], own);
  const caps = capsOf(record.caps ?? {}, own);
  const named = [...metrics, ...guardrails.map(({ metric }) => metric), ...Object.keys(caps)];
  return Object.freeze({
    key,
    description: record.description === undefined || record.description === '' ? '' : textOf(record.description, 'description'),
    hypothesis: record.hypothesis === undefined || record.hypothesis === '' ? '' : textOf(record.hypothesis, 'hypothesis'),
    owner: record.owner === undefined || record.owner === '' ? '' : textOf(record.owner, 'owner'),
    tags: record.tags === undefined ? [] : textsOf(record.tags, 'tags'),
    unit: oneOf(record.unit ?? 'user', ['user', 'session'] as const, 'unit'),
    design,
    seed: record.seed === undefined ? key : String(record.seed),
    hashVersion: hashVersionOf(record.hashVersion ?? 1),
    layer: layerOf(record.layer),
    traffic: within(record.traffic ?? 1, 0, 1, 'traffic'),
    arms,
    eligibility: eligibilityOf(record.eligibility ?? {}, known),
    metrics,
    // A definition that comes back with them gets those of now.
    ownMetrics: own.metrics.filter(({ name }) => named.includes(name)),
    dimensions: dimensionsOf(record.dimensions, own),
    guardrails,
    caps,
    attributionHours: within(record.attributionHours ?? 24, 0.01, ATTRIBUTION_HOURS_MAX, 'attributionHours'),
    attribution: attributionOf(record.attribution ?? {}),
    plannedDays: within(record.plannedDays ?? PLANNED_DAYS, 1, 365, 'plannedDays'),
    impressionsFrom: oneOf(record.impressionsFrom ?? 'served', ['served', 'events'] as const, 'impressionsFrom'),
    counterfactualShare: within(record.counterfactualShare ?? 0, 0, 1, 'counterfactualShare'),
    curveByHour: flagOf(record.curveByHour ?? true, 'curveByHour'),
    prePeriodDays: prePeriodOf(record),
    expectedUnits: within(record.expectedUnits ?? 10_000, 100, 1e12, 'expectedUnits'),
    alpha: within(record.alpha ?? 0.05, 1e-6, 0.5, 'alpha'),
    minimumLift: within(record.minimumLift ?? 0, 0, 10, 'minimumLift'),
    forced: forcedOf(record.forced ?? {}, arms),
  });
}

/** The arms that are compared with the control: those that get units, where the control gets some itself. */
export function comparedArms({ arms }: Pick<ExperimentDefinition, 'arms'>): readonly number[] {
  return arms[0].weight === 0 ? [] : arms.flatMap(({ weight }, arm) => (arm > 0 && weight > 0 ? [arm] : []));
}

/** Shares of the units that the control and an arm get of what the two get together. */
export function sharesOf({ arms }: Pick<ExperimentDefinition, 'arms'>, arm: number): readonly [number, number] {
  const [control, other] = [arms[0].weight, arms[arm].weight];
  return [control / (control + other), other / (control + other)];
}

/** A session is born after the start: it has no period before it. */
function prePeriodOf({ prePeriodDays = 0, unit }: Readonly<Record<string, unknown>>): number {
  const days = within(prePeriodDays, 0, 365, 'prePeriodDays');
  return days > 0 && unit === 'session' ? refuse('prePeriodDays', 'sessions have no period before the start') : days;
}

function armsOf(input: unknown, known: KnownParts, design: ExperimentDefinition['design']): readonly Arm[] {
  const list = listOf(input, 'arms');
  if (list.length < 2 || list.length > 20) refuse('arms', `between 2 and 20 arms are needed, got ${list.length}`);
  const arms = list.map((item, index) => armOf(item, `arms[${index}]`, known));
  arms.forEach((arm, index) => {
    if (arms.findIndex((other) => other.key === arm.key) !== index) refuse(`arms[${index}].key`, `two arms are called ${arm.key}`);
    for (const field of ['composition', 'exploration'] as const)
      if (design === 'interleaved' && arm.treatment[field] !== undefined)
        refuse(`arms[${index}].treatment.${field}`, 'the arms of an interleaved experiment share each page: nobody can compose it');
    if (design === 'interleaved' && arm.weight === 0)
      refuse(`arms[${index}].weight`, 'an interleaved page gives all its arms the same share: leave the arm out');
  });
  const sum = arms.reduce((total, arm) => total + arm.weight, 0);
  if (Math.abs(sum - 1) > 1e-6) refuse('arms', `the weights sum to ${Number(sum.toFixed(6))}, they must sum to 1`);
  return arms;
}

function armOf(input: unknown, field: string, known: KnownParts): Arm {
  const record = recordOf(input, field);
  const key = textOf(record.key, `${field}.key`);
  if (!/^[A-Za-z0-9+][A-Za-z0-9 ._+-]{0,63}$/.test(key)) refuse(`${field}.key`, 'use letters, digits, spaces and ._+-');
  const weight = within(record.weight, 0, 1, `${field}.weight`);
  if (weight > 0 && weight * BUCKETS < 1) refuse(`${field}.weight`, `must be 0 or at least ${1 / BUCKETS}`);
  return { key, weight, treatment: treatmentOf(record.treatment ?? {}, `${field}.treatment`, known) };
}

function treatmentOf(input: unknown, field: string, known: KnownParts): TreatmentPart {
  if (typeof input === 'string')
    return namedTreatment(input) ?? refuse(field, `there is no treatment "${input}"; there are: ${TREATMENT_NAMES.join(', ')}`);
  const read = readTreatmentPart(input);
  if (isTreatmentProblem(read)) return refuse([field, read.field].filter(Boolean).join('.'), read.problem);
  if (typeof read.model === 'string') member(read.model, known.models, `${field}.model`, 'model');
  for (const source of read.sources ?? []) member(source, known.sources, `${field}.sources`, 'source');
  return read;
}

function layerOf(input: unknown): ExperimentDefinition['layer'] {
  if (input === undefined || input === null) return { name: 'default', slots: [0, 1] };
  if (typeof input === 'string') return { name: textOf(input, 'layer'), slots: [0, 1] };
  const record = recordOf(input, 'layer');
  const name = textOf(record.name, 'layer.name');
  if (record.slots === undefined) return { name, slots: [0, 1] };
  const slots = listOf(record.slots, 'layer.slots').map((item) => within(item, 0, 1, 'layer.slots'));
  if (slots.length !== 2 || slots[0] >= slots[1]) refuse('layer.slots', 'give [from, to) with 0 <= from < to <= 1');
  return { name, slots: [slots[0], slots[1]] };
}

function eligibilityOf(input: unknown, known: KnownParts): Eligibility {
  const record = recordOf(input, 'eligibility');
  const out: { -readonly [K in keyof Eligibility]: Eligibility[K] } = {};
  for (const [name, value] of Object.entries(record)) {
    const at = `eligibility.${name}`;
    if (value === null || value === undefined) continue;
    if (name === 'surfaces' || name === 'surface')
      out.surfaces = textsOf(value, at).map((item) => member(item, known.surfaces, at, 'surface'));
    else if (name === 'categories') out.categories = textsOf(value, at).map((item) => member(item, known.categories, at, 'category'));
    else if (name === 'dominantObject') {
      if (typeof value !== 'boolean') refuse(at, 'must be true or false');
      out.dominantObject = value as boolean;
    } else if (name === 'querySet') out.querySet = querySetOf(value, at);
    else refuse(at, 'there is no such field; there are: surfaces, querySet, categories, dominantObject');
  }
  return out;
}

function querySetOf(input: unknown, field: string): NonNullable<Eligibility['querySet']> {
  const record = recordOf(input, field);
  if (record.popular !== undefined) {
    const popular = within(record.popular, 1, 1e9, `${field}.popular`);
    return Number.isInteger(popular) ? { popular } : refuse(`${field}.popular`, 'must be a whole number');
  }
  if (record.pinIds !== undefined) return { pinIds: textsOf(record.pinIds, `${field}.pinIds`) };
  return refuse(field, 'give popular or pinIds');
}

function metricsOf(input: unknown, own: OwnMetrics): readonly string[] {
  if (input === undefined) return ['engagement-rate', 'save-propensity'];
  const metrics = textsOf(input, 'metrics').map((name, index) => metricKnown(name, `metrics[${index}]`, own));
  if (metrics.length === 0) refuse('metrics', 'at least one metric is needed; the first decides');
  metrics.forEach((name, index) => {
    if (metrics.indexOf(name) !== index) refuse(`metrics[${index}]`, `${name} is there twice`);
  });
  return metrics;
}

/** All of the file unless some are named. */
function dimensionsOf(input: unknown, own: OwnMetrics): readonly string[] {
  const known = Object.keys(own.dimensions);
  if (input === undefined) return known;
  return [...new Set(textsOf(input, 'dimensions').map((name) => member(name, known, 'dimensions', 'dimension')))];
}

function guardrailsOf(input: unknown, own: OwnMetrics): readonly Guardrail[] {
  return listOf(input, 'guardrails').map((item, index) => {
    const field = `guardrails[${index}]`;
    if (typeof item === 'string') return { metric: metricKnown(item, field, own), margin: 0.05 };
    const record = recordOf(item, field);
    const metric = metricKnown(textOf(record.metric, `${field}.metric`), `${field}.metric`, own);
    if (oneOf(record.marginUnit ?? 'relative', ['relative', 'absolute'] as const, `${field}.marginUnit`) === 'absolute')
      return { metric, margin: within(record.margin, 0, 1e12, `${field}.margin`), marginUnit: 'absolute' };
    return { metric, margin: within(record.margin ?? 0.05, 0, 10, `${field}.margin`) };
  });
}

function metricKnown(name: string, field: string, own: OwnMetrics): string {
  const metrics = countedMetrics({ ownMetrics: own.metrics });
  const index = metricIndex(name, metrics);
  if (index >= 0) return metrics[index].name;
  return refuse(field, `there is no metric "${name}"; there are: ${metrics.map((metric) => metric.name).join(', ')}`);
}

function capsOf(input: unknown, own: OwnMetrics): Readonly<Record<string, number>> {
  const out: Record<string, number> = {};
  for (const [name, value] of Object.entries(recordOf(input, 'caps')))
    out[metricKnown(name, `caps.${name}`, own)] = within(value, 1e-9, 1e12, `caps.${name}`);
  return out;
}

function attributionOf(input: unknown): ExperimentDefinition['attribution'] {
  const hours = Object.entries(recordOf(input, 'attribution')).map(([name, value]) => {
    const action = oneOf(name, ATTRIBUTED_ACTIONS, 'attribution');
    return [action, within(value, 0.01, ATTRIBUTION_HOURS_MAX, `attribution.${name}`)] as const;
  });
  return Object.fromEntries(hours);
}

function forcedOf(input: unknown, arms: readonly Arm[]): Readonly<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const [unit, arm] of Object.entries(recordOf(input, 'forced'))) {
    if (!arms.some((each) => each.key === arm)) refuse(`forced.${unit}`, `there is no arm "${String(arm)}"`);
    out[unit] = arm as string;
  }
  return out;
}

function hashVersionOf(value: unknown): number {
  if (!HASH_VERSIONS.includes(value as number))
    refuse('hashVersion', `there is no version ${String(value)}; there are: ${HASH_VERSIONS.join(', ')}`);
  return value as number;
}

/** Throws EXPERIMENT_INVALID for `field`. */
export function refuse(field: string, reason: string): never {
  throw new ServiceError('EXPERIMENT_INVALID', { field, reason });
}

function recordOf(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(field, 'must be an object');
  return value as Record<string, unknown>;
}

function listOf(value: unknown, field: string): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(field, 'must be a list');
}

function textOf(value: unknown, field: string): string {
  if (typeof value !== 'string' || value === '' || value.length > 1000) refuse(field, 'must be a text');
  return value as string;
}

function textsOf(value: unknown, field: string): readonly string[] {
  return (typeof value === 'string' ? [value] : listOf(value, field)).map((item) => textOf(item, field));
}

function within(value: unknown, low: number, high: number, field: string): number {
  if (typeof value !== 'number' || !(value >= low && value <= high)) refuse(field, `must be a number within ${low}..${high}`);
  return value as number;
}

function flagOf(value: unknown, field: string): boolean {
  return typeof value === 'boolean' ? value : refuse(field, 'must be true or false');
}

function oneOf<const T extends string>(value: unknown, choices: readonly T[], field: string): T {
  return choices.includes(value as T) ? (value as T) : refuse(field, `must be one of ${choices.join(', ')}`);
}

function member(value: unknown, known: readonly string[] | null, field: string, noun: string): string {
  const text = textOf(value, field);
  if (known && !known.includes(text)) refuse(field, `there is no ${noun} "${text}"; there are: ${known.slice(0, 40).join(', ') || 'none'}`);
  return text;
}
