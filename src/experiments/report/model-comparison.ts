/** Which experiments set two models side by side, changing nothing else, and what they found. */
import { isDeepStrictEqual } from 'node:util';
import type { TreatmentPart } from '../../treatment.ts';
import type { Experiment } from '../experiment-store.ts';
import type { ExperimentReport } from './experiment-report.ts';
import { PREFERENCE } from './interleaving-report.ts';

/** A pair of arms that differ in the model alone; -1 where the model was the control. */
interface ModelPair {
  readonly experiment: Experiment;
  readonly arm: string;
  readonly sign: 1 | -1;
}

/** `a` over `b`: relative lift of the deciding metric; of an interleaved experiment the preference, -1..1. */
interface ModelComparison {
  readonly key: string;
  readonly metric: string;
  readonly lift: number;
  /** Null: too few users for an interval. */
  readonly low: number | null;
  readonly high: number | null;
  readonly users: number;
}

/** `servedThen`: the model that served outside experiments while one ran, null when it changed. The newest experiment first. */
export function modelPairs(
  experiments: readonly Experiment[],
  a: string,
  b: string,
  servedThen: (from: number, to: number) => string | null,
): readonly ModelPair[] {
  const started = experiments.filter(({ startedAt, state }) => startedAt !== null && state !== 'draft');
  const pairs = started.flatMap((experiment) => {
    const { arms } = experiment.definition;
    const served = servedThen(experiment.startedAt ?? 0, experiment.stoppedAt ?? Date.now());
    const modelOf = ({ model }: TreatmentPart): string | null => model ?? served;
    return arms.slice(1).flatMap((arm): ModelPair[] => {
      if (!isDeepStrictEqual(withoutModel(arm.treatment), withoutModel(arms[0].treatment))) return [];
      const [control, tried] = [modelOf(arms[0].treatment), modelOf(arm.treatment)];
      if (control === b && tried === a) return [{ experiment, arm: arm.key, sign: 1 }];
      return control === a && tried === b ? [{ experiment, arm: arm.key, sign: -1 }] : [];
    });
  });
  return pairs.sort((x, y) => (y.experiment.startedAt ?? 0) - (x.experiment.startedAt ?? 0));
}

function withoutModel({ model: _, ...rest }: TreatmentPart): Omit<TreatmentPart, 'model'> {
  return rest;
}

/** What a report says of the pair; null while it has no figure, or when its figures cannot be trusted. */
export function comparisonOf({ experiment, arm, sign }: ModelPair, report: ExperimentReport): ModelComparison | null {
  const metric = experiment.definition.design === 'interleaved' ? PREFERENCE : experiment.definition.metrics[0];
  const row = report.rows.find((each) => each.arm === arm && each.metric === metric && each.segment === 'all');
  if (!row || row.lift === null || report.health.faults.length > 0) return null;
  const users = Math.max(row.users, row.controlUsers);
  if (sign === 1) return { key: experiment.key, metric, lift: row.lift, low: row.low, high: row.high, users };
  // A preference changes its sign; of a lift the other side of the same ratio is taken.
  const turned = (value: number): number => (metric === PREFERENCE ? -value : 1 / (1 + value) - 1);
  const bound = (value: number | null): number | null => (value === null || value <= -1 ? null : turned(value));
  return { key: experiment.key, metric, lift: turned(row.lift), low: bound(row.high), high: bound(row.low), users };
}
