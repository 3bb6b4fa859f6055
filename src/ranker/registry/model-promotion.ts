/** Who serves: promotion with a guardrail, roll back, canary by share of traffic, dark reads. Each is audited. */
import { ServiceError } from '../../errors.ts';
import { AS_RETRIEVED } from '../measures/baselines.ts';
import type { GuardMeasure, ModelArtifact } from './model-artifact.ts';
import type { AuditEntry, ModelRegistry, Trial } from './model-registry.ts';
import { readUsableModel } from '../scoring/usable-model.ts';

export interface Decision {
  readonly who: string;
  readonly why: string;
  /** Promote although the guardrail says no. */
  readonly force?: boolean;
}

/** Choice: a model may be up to one percent worse in NDCG@10 than what it replaces before promotion refuses it. */
const GUARDRAIL_LOSS_MAX = 0.01;

const OTHERS = {
  previous: 'the model it replaces',
  asRetrieved: 'the order of retrieval',
  shuffled: 'a shuffle',
} as const;

/**
 * What speaks against promoting a model, or null. It was measured beside the model that served then, the order of retrieval
 * and a shuffle, list by list. It must not lose more than 1 % to the first two beyond what chance explains (the whole 95 %
 * interval of its lift below zero), and it must beat the last. A model without that measure is judged by the means alone.
 */
export function guardrailProblem({ ndcg10, guard }: ModelArtifact): string | null {
  for (const name of Object.keys(OTHERS) as (keyof typeof OTHERS)[]) {
    const problem = guard ? lossOf(name, guard) : lossOfMeans(name, ndcg10);
    if (problem !== null) return problem;
  }
  return null;
}

function lossOf(name: keyof typeof OTHERS, { lists, lifts }: GuardMeasure): string | null {
  const lift = lifts[name];
  if (lift === undefined) return null;
  if (lift.queries === 0) return 'no later list with an action on it is left to judge it by: collect more events, or run replay-saves';
  const worse = name === 'shuffled' ? lift.high <= 0 || lift.mean <= 0 : lift.mean < -GUARDRAIL_LOSS_MAX && lift.high < 0;
  const on = lists === 'shuffled' ? `${lift.queries} later lists that were served shuffled` : `${lift.queries} later lists`;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return worse
    ? `on ${on} its NDCG@10 is ${percent(lift.mean)} (${percent(lift.low)} .. ${percent(lift.high)}) over ${OTHERS[name]}`
    : null;
}

function lossOfMeans(name: keyof typeof OTHERS, { trained, [name]: other }: ModelArtifact['ndcg10']): string | null {
  if (!trained || !other) return null;
  const least = name === 'shuffled' ? other.mean : other.mean * (1 - GUARDRAIL_LOSS_MAX);
  const worse = name === 'shuffled' ? trained.mean <= least : trained.mean < least;
  return worse ? `NDCG@10 ${trained.mean.toFixed(4)} on the holdout, ${OTHERS[name]} has ${other.mean.toFixed(4)}` : null;
}

/**
 * Makes a model serve (the newest without a name). Reads it whole first: what cannot serve never becomes the serving one.
 * Throws RANKER_MODEL_UNKNOWN, RANKER_MODEL_REFUSED, or RANKER_GUARDRAIL unless forced.
 */
export function promoteModel(registry: ModelRegistry, name: string | null, decision: Decision): AuditEntry {
  const model = name ?? registry.newest();
  if (model === null) throw new ServiceError('NOTHING_TO_DO', { reason: 'There is no model to promote; run train-ranker first.' });
  if (model !== AS_RETRIEVED) {
    const problem = guardrailProblem(readUsableModel(registry, model));
    if (problem && !decision.force) throw new ServiceError('RANKER_GUARDRAIL', { model, reason: problem });
  }
  return change(registry, 'SERVING', 'promote', { model }, decision);
}

/**
 * Serves again what served before the last promotion, as often as wanted: each call goes one promotion further back. A model
 * that is gone or damaged by now is passed over: the way back must not be barred by it.
 */
export function rollBackModel(registry: ModelRegistry, decision: Decision): AuditEntry {
  const stack: string[] = [];
  for (const { action, model, previous } of registry.history()) {
    if (action === 'promote' && previous !== null && previous !== model) stack.push(previous);
    if (action === 'roll-back') stack.splice(Math.max(0, stack.lastIndexOf(model ?? '')));
  }
  const model = stack.findLast((name) => isUsable(registry, name));
  if (model === undefined) throw new ServiceError('NOTHING_TO_DO', { reason: 'There was no promotion to take back.' });
  return change(registry, 'SERVING', 'roll-back', { model }, decision);
}

function isUsable(registry: ModelRegistry, name: string): boolean {
  try {
    if (name !== AS_RETRIEVED) readUsableModel(registry, name);
    return true;
  } catch {
    return false;
  }
}

/** Tries a model on a share of the units; null stops it. */
export function setCanary(registry: ModelRegistry, trial: Trial | null, decision: Decision): AuditEntry {
  return change(registry, 'CANARY', 'canary', checked(registry, trial), decision);
}

/** Lets a model score a share of the live lists beside the serving one without showing anything; null stops it. */
export function setDark(registry: ModelRegistry, trial: Trial | null, decision: Decision): AuditEntry {
  return change(registry, 'DARK', 'dark', checked(registry, trial), decision);
}

function checked(registry: ModelRegistry, trial: Trial | null): Trial | null {
  if (trial === null) return null;
  const { model, share } = trial;
  if (!(share > 0 && share <= 1))
    throw new ServiceError('JOB_USAGE', {
      reason: `A model is tried on a share above 0 and up to 1, not on ${share}.`,
    });
  if (model !== AS_RETRIEVED) readUsableModel(registry, model);
  return trial;
}

function change(
  registry: ModelRegistry,
  role: 'SERVING' | 'CANARY' | 'DARK',
  action: AuditEntry['action'],
  part: { readonly model: string; readonly share?: number } | null,
  { who, why, force = false }: Decision,
): AuditEntry {
  const { serving, canary, dark } = registry.roles();
  const previous = { SERVING: serving, CANARY: canary?.model ?? null, DARK: dark?.model ?? null }[role];
  const { model = null, share } = part ?? {};
  const said = { model, previous, who, why, forced: force };
  const entry = { at: new Date().toISOString(), action, ...said, ...(share === undefined ? {} : { share }) };
  registry.point(role, model === null ? null : share === undefined ? model : `${model} ${share}`, entry);
  return entry;
}
