/** Who serves: promotion with a guardrail, roll back, canary by share of traffic, dark reads. Each is audited. */
import { ServiceError } from '../errors.ts';
import { AS_RETRIEVED } from './baselines.ts';
import type { ModelArtifact } from './model-artifact.ts';
import type { AuditEntry, ModelRegistry } from './model-registry.ts';

export interface Decision {
  readonly who: string;
  readonly why: string;
  /** Promote although the guardrail says no. */
  readonly force?: boolean;
}

/** Choice: a model may be up to one percent worse in NDCG@10 than what it replaces before promotion refuses it. */
const GUARDRAIL_LOSS_MAX = 0.01;

/**
 * What speaks against promoting a model, or null. On its own holdout it was measured beside the model that served then, the
 * order of retrieval and a shuffle: it must not be more than 1 % worse than the first two, and better than the last.
 */
export function guardrailProblem({ ndcg10 }: ModelArtifact): string | null {
  const { trained, previous, asRetrieved, shuffled } = ndcg10;
  if (!trained) return null;
  for (const [label, other] of [
    ['the model it replaces', previous],
    ['the order of retrieval', asRetrieved],
  ] as const) {
    if (other && trained.mean < other.mean * (1 - GUARDRAIL_LOSS_MAX))
      return `NDCG@10 ${trained.mean.toFixed(4)} on the holdout, ${label} has ${other.mean.toFixed(4)}`;
  }
  if (shuffled && trained.mean <= shuffled.mean)
    return `NDCG@10 ${trained.mean.toFixed(4)} on the holdout is no better than a shuffle (${shuffled.mean.toFixed(4)})`;
  return null;
}

/**
 * Makes a model serve (the newest without a name). Reads it whole first: a bad file never becomes the serving one.
 * Throws RANKER_MODEL_UNKNOWN, RANKER_MODEL_REFUSED, or RANKER_GUARDRAIL unless forced.
 */
export function promoteModel(registry: ModelRegistry, name: string | null, decision: Decision): AuditEntry {
  const model = name ?? registry.newest();
  if (model === null)
    throw new ServiceError('NOTHING_TO_DO', { reason: 'There is no model to promote; run train-ranker first.' });
  if (model !== AS_RETRIEVED) {
    const problem = guardrailProblem(registry.read(model));
    if (problem && !decision.force) throw new ServiceError('RANKER_GUARDRAIL', { model, reason: problem });
  }
  return change(registry, 'SERVING', 'promote', model, decision);
}

/** Serves again what served before the last promotion, as often as wanted: each call goes one promotion further back. */
export function rollBackModel(registry: ModelRegistry, decision: Decision): AuditEntry {
  const stack: string[] = [];
  for (const { action, model, previous } of registry.history()) {
    if (action === 'promote' && previous !== null && previous !== model) stack.push(previous);
    if (action === 'roll-back') stack.pop();
  }
  const model = stack.at(-1);
  if (model === undefined) throw new ServiceError('NOTHING_TO_DO', { reason: 'There was no promotion to take back.' });
  if (model !== AS_RETRIEVED) registry.read(model);
  return change(registry, 'SERVING', 'roll-back', model, decision);
}

/** Tries a model on a share of the units; null stops it. */
export function setCanary(
  registry: ModelRegistry,
  model: string | null,
  share: number,
  decision: Decision,
): AuditEntry {
  if (model !== null && !(share > 0 && share <= 1))
    throw new ServiceError('JOB_USAGE', { reason: `The share of a canary lies above 0 and up to 1, it is ${share}.` });
  if (model !== null && model !== AS_RETRIEVED) registry.read(model);
  return change(registry, 'CANARY', 'canary', model, decision, share);
}

/** Lets a model score live traffic beside the serving one without showing anything; null stops it. */
export function setDark(registry: ModelRegistry, model: string | null, decision: Decision): AuditEntry {
  if (model !== null && model !== AS_RETRIEVED) registry.read(model);
  return change(registry, 'DARK', 'dark', model, decision);
}

function change(
  registry: ModelRegistry,
  role: 'SERVING' | 'CANARY' | 'DARK',
  action: AuditEntry['action'],
  model: string | null,
  decision: Decision,
  share?: number,
): AuditEntry {
  const roles = registry.roles();
  const previous = { SERVING: roles.serving, CANARY: roles.canary?.model ?? null, DARK: roles.dark }[role];
  const { who, why, force = false } = decision;
  const entry = {
    at: new Date().toISOString(),
    action,
    model,
    previous,
    who,
    why,
    forced: force,
    ...(share ? { share } : {}),
  };
  registry.point(role, model === null ? null : share ? `${model} ${share}` : model, entry);
  return entry;
}
