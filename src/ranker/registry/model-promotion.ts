/** Who serves: promotion, roll back, canary by share of traffic, dark reads. Each is audited. */
import { ServiceError } from '../../errors.ts';
import { AS_RETRIEVED } from '../measures/baselines.ts';
import { type AuditEntry, type ModelRegistry, OTHER_SURFACES, type RolePointer, type Trial } from './model-registry.ts';
import { readUsableModel } from '../scoring/usable-model.ts';

export interface Decision {
  readonly who: string;
  readonly why: string;
  /** Promote although it is judged worse, or nobody can tell. */
  readonly force?: boolean;
  /** What the judge said, for the audit. */
  readonly judged?: string;
}

/**
 * Makes a model serve (the newest without a name), whatever is thought of it: `promoteJudged` asks that. Reads it whole first:
 * what cannot serve never becomes the serving one. Throws RANKER_MODEL_UNKNOWN or RANKER_MODEL_REFUSED.
 */
export function promoteModel(registry: ModelRegistry, name: string | null, decision: Decision): AuditEntry {
  const model = name ?? registry.newest();
  if (model === null) throw new ServiceError('NOTHING_TO_DO', { reason: 'There is no model to promote; run train-ranker first.' });
  const surface = model === AS_RETRIEVED ? undefined : readUsableModel(registry, model).surface;
  const other = OTHER_SURFACES.find((name) => name === surface);
  return change(registry, other ? `SERVING-${other}` : 'SERVING', 'promote', { model }, decision);
}

/**
 * Serves again what served before the last promotion, on the surface of that promotion, as often as wanted: each call goes one promotion further back. A model
 * that is gone or damaged by now is passed over: the way back must not be barred by it.
 */
export function rollBackModel(registry: ModelRegistry, decision: Decision): AuditEntry {
  const stack: string[] = [];
  const history = registry.history();
  const surface = history.findLast(({ action }) => action === 'promote' || action === 'roll-back')?.surface;
  for (const { action, model, previous, surface: its } of history) {
    if (its !== surface) continue;
    if (action === 'promote' && previous !== null && previous !== model) stack.push(previous);
    if (action === 'roll-back') stack.splice(Math.max(0, stack.lastIndexOf(model ?? '')));
  }
  const model = stack.findLast((name) => isUsable(registry, name));
  if (model === undefined) throw new ServiceError('NOTHING_TO_DO', { reason: 'There was no promotion to take back.' });
  return change(registry, surface ? `SERVING-${surface}` : 'SERVING', 'roll-back', { model }, decision);
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
  role: RolePointer,
  action: AuditEntry['action'],
  part: { readonly model: string; readonly share?: number } | null,
  { who, why, force = false, judged }: Decision,
): AuditEntry {
  const { serving, canary, dark } = registry.roles();
  const surface = OTHER_SURFACES.find((name) => role === `SERVING-${name}`);
  const previous = surface
    ? registry.servingOn(surface)
    : role === 'SERVING'
      ? serving
      : ((role === 'CANARY' ? canary : dark)?.model ?? null);
  const { model = null, share } = part ?? {};
  const said = { model, previous, who, why, forced: force };
  const entry = {
    at: new Date().toISOString(),
    action,
    ...said,
    ...(share === undefined ? {} : { share }),
    ...(surface === undefined ? {} : { surface }),
    ...(judged === undefined ? {} : { judged }),
  };
  registry.point(role, model === null ? null : share === undefined ? model : `${model} ${share}`, entry);
  return entry;
}
