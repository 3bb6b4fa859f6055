/**
 * Metrics and dimensions of an installation, from `metrics.json` in its data folder:
 *
 *   {"metrics": [{"name": "revenue-per-user", "kind": "mean", "events": ["click"], "label": "Revenue per user"}],
 *    "dimensions": {"country": ["SE", "DE"], "device": ["phone", "desktop"]}}
 *
 * A metric is made of the numbers that events carry (`value`). A dimension is a label that list requests carry
 * (`dimensions=country:SE`); reports have a row for each of its values. Values that the file does not name count as
 * `other`: what callers send never becomes an endless list of rows, nor a place for ids of people.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENT_TYPES, type EventType } from '../catalog/pins/records.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import { stampOf } from '../swapped-file.ts';
import { METRICS, type Metric, metricIndex, type UnitTotals } from './metric.ts';

export const METRICS_FILE = 'metrics.json';

const KINDS = ['mean', 'ratio', 'proportion'] as const;

export interface OwnMetric {
  readonly name: string;
  readonly label: string;
  /** mean: sum of values per unit; ratio: sum of values per event that has one; proportion: units with such an event. */
  readonly kind: (typeof KINDS)[number];
  /** Kinds of event whose values count. */
  readonly events: readonly EventType[];
  readonly better: 'up' | 'down';
  readonly meaning: string;
}

export interface OwnMetrics {
  readonly metrics: readonly OwnMetric[];
  /** The values of each dimension. */
  readonly dimensions: Readonly<Record<string, readonly string[]>>;
}

export const NO_OWN_METRICS: OwnMetrics = { metrics: [], dimensions: {} };

/** Stands for every value of a dimension that the file does not name. */
const OTHER_VALUE = 'other';

const METRICS_MAX = 50;
const DIMENSIONS_MAX = 10;
const VALUES_MAX = 100;
const NAME = /^[a-z][a-z0-9-]{0,63}$/;
/** No comma and no colon: a request separates by them. */
const VALUE = /^[^\s,:|](?:[^,:|]{0,62}[^\s,:|])?$/;
/** What reports call their other segments. */
const TAKEN = ['all', 'category', 'object', 'surface', 'day', 'lists'];

const ENDINGS = { mean: 'per user', ratio: 'per event that has a value', proportion: '' } as const;

/** Reads the content of the file. Throws METRICS_REFUSED naming the field. */
export function readOwnMetrics(input: unknown): OwnMetrics {
  const record = recordOf(input, 'the file');
  refuseOthers(record, ['metrics', 'dimensions'], '');
  const rows = listOf(record.metrics ?? [], 'metrics', METRICS_MAX);
  const metrics = rows.map((row, index) => ownMetricOf(row, `metrics[${index}]`));
  metrics.forEach(({ name }, index) => {
    if (metrics.findIndex((other) => other.name === name) !== index) refuse(`metrics[${index}].name`, `${name} is there twice`);
  });
  return { metrics, dimensions: dimensionsOf(record.dimensions ?? {}) };
}

function ownMetricOf(input: unknown, field: string): OwnMetric {
  const record = recordOf(input, field);
  refuseOthers(record, ['name', 'label', 'kind', 'events', 'better', 'meaning'], `${field}.`);
  const name = textOf(record.name, `${field}.name`);
  if (!NAME.test(name)) refuse(`${field}.name`, 'use small letters, digits and dashes, a letter first');
  if (metricIndex(name) >= 0) refuse(`${field}.name`, `${name} is a metric of the program; choose another name`);
  const kind = oneOf(record.kind, KINDS, `${field}.kind`);
  const events = listOf(record.events ?? [...EVENT_TYPES], `${field}.events`, EVENT_TYPES.length).map((type) =>
    oneOf(type, EVENT_TYPES, `${field}.events`),
  );
  if (events.length === 0) refuse(`${field}.events`, 'name at least one, or leave it out for all');
  const counted = `the values of ${events.join(', ')} events`;
  return {
    name,
    label: record.label === undefined ? name.replaceAll('-', ' ') : textOf(record.label, `${field}.label`),
    kind,
    events,
    better: oneOf(record.better ?? 'up', ['up', 'down'] as const, `${field}.better`),
    meaning:
      record.meaning !== undefined
        ? textOf(record.meaning, `${field}.meaning`)
        : kind === 'proportion'
          ? `Users with a value on ${events.join(', ')} events over all users.`
          : `The sum of ${counted} ${ENDINGS[kind]}.`,
  };
}

function dimensionsOf(input: unknown): OwnMetrics['dimensions'] {
  const entries = Object.entries(recordOf(input, 'dimensions')).map(([name, given]) => {
    const field = `dimensions.${name}`;
    if (!NAME.test(name)) refuse(field, 'use small letters, digits and dashes, a letter first');
    if (TAKEN.includes(name)) refuse(field, `reports have a segment ${name} already; choose another name`);
    const values = listOf(given, field, VALUES_MAX).map((value) => textOf(value, field));
    const wrong = values.find((value) => !VALUE.test(value));
    if (wrong !== undefined) refuse(field, `"${wrong}" holds a comma, a colon or a bar, or is longer than 64 characters`);
    if (values.length === 0) refuse(field, 'name its values');
    return [name, [...new Set(values)]] as const;
  });
  if (entries.length > DIMENSIONS_MAX) refuse('dimensions', `at most ${DIMENSIONS_MAX}, got ${entries.length}`);
  return Object.fromEntries(entries);
}

/** The file of a data folder, read again when it changes. */
export class OwnMetricsFile {
  readonly path: string;
  private stamp = '';
  private known = NO_OWN_METRICS;

  constructor(dataFolder: string) {
    this.path = join(dataFolder, METRICS_FILE);
  }

  /** What the file says now; nothing without one. Throws METRICS_REFUSED. */
  current(): OwnMetrics {
    const stamp = stampOf(this.path);
    if (stamp !== this.stamp) {
      this.known = stamp === '' ? NO_OWN_METRICS : readOwnMetrics(parsed(this.path));
      this.stamp = stamp;
    }
    return this.known;
  }

  /** Why the file is refused; null when it is well, or not there. */
  problem(): string | null {
    try {
      this.current();
      return null;
    } catch (error) {
      return reasonOf(error);
    }
  }
}

function parsed(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ServiceError('METRICS_REFUSED', { field: METRICS_FILE, reason: reasonOf(error) }, error);
  }
}

/** The labels of a list by dimension: `NAME:VALUE,NAME:VALUE`. Throws REQUEST_INVALID for what is no label, and for a dimension that there is not. */
export function labelsOf({ dimensions }: OwnMetrics, asked: string): Readonly<Record<string, string>> {
  const names = Object.keys(dimensions);
  const labels: Record<string, string> = {};
  for (const text of asked.split(',').flatMap((each) => each.trim() || [])) {
    const at = text.indexOf(':');
    if (at < 1) refuseRequest(`"${text}" is not NAME:VALUE`);
    const [name, value] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
    if (!Object.hasOwn(dimensions, name))
      refuseRequest(`there is no "${name}"; there are: ${names.join(', ') || 'none'} (${METRICS_FILE} in the data folder)`);
    if (value !== '') labels[name] = dimensions[name].includes(value) ? value : OTHER_VALUE;
  }
  return labels;
}

function refuseRequest(detail: string): never {
  throw new ServiceError('REQUEST_INVALID', { field: 'dimensions', detail: `dimensions: ${detail}` });
}

/** A value is counted in whole thousandths, so that sums are exact and may be taken back. */
export const VALUE_STEPS = 1000;

/** The metrics that an experiment counts, in the order of its cells: those of the program, then its own. */
export function metricsOf({ ownMetrics }: { readonly ownMetrics: readonly OwnMetric[] }): readonly Metric[] {
  return ownMetrics.length === 0 ? METRICS : [...METRICS, ...ownMetrics.map(asMetric)];
}

/** A unit's `own` totals hold two numbers for each metric: the sum in steps, and how many events that were. */
function asMetric({ name, label, kind, better, meaning }: OwnMetric, index: number): Metric {
  const sum = (totals: UnitTotals): number => totals.own[2 * index] ?? 0;
  const count = (totals: UnitTotals): number => totals.own[2 * index + 1] ?? 0;
  const shared = { name, label, kind, better, meaning };
  if (kind === 'proportion') return { ...shared, numerator: (totals) => (count(totals) > 0 ? 1 : 0), denominator: () => 1 };
  return { ...shared, steps: VALUE_STEPS, numerator: sum, denominator: kind === 'mean' ? () => 1 : count };
}

function refuse(field: string, reason: string): never {
  throw new ServiceError('METRICS_REFUSED', { field, reason });
}

function refuseOthers(record: Readonly<Record<string, unknown>>, known: readonly string[], prefix: string): void {
  const other = Object.keys(record).find((name) => !known.includes(name));
  if (other !== undefined) refuse(`${prefix}${other}`, `there is no such field; there are: ${known.join(', ')}`);
}

function recordOf(value: unknown, field: string): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : refuse(field, 'must be an object');
}

function listOf(value: unknown, field: string, max: number): readonly unknown[] {
  if (!Array.isArray(value)) return refuse(field, 'must be a list');
  return value.length > max ? refuse(field, `at most ${max}, got ${value.length}`) : value;
}

function textOf(value: unknown, field: string): string {
  return typeof value === 'string' && value !== '' && value.length <= 1000 ? value : refuse(field, 'must be a text');
}

function oneOf<const T extends string>(value: unknown, choices: readonly T[], field: string): T {
  return choices.includes(value as T) ? (value as T) : refuse(field, `must be one of ${choices.join(', ')}`);
}
