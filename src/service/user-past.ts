/** What a user did before: the query pins of a home feed, and what is left out of it. */
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import { PIN_REMOVED } from '../catalog/pins/pin-columns.ts';
import { type Grades, overSeen } from '../grades.ts';
import type { EventType } from '../catalog/pins/records.ts';
import type { WeightedPins } from '../ranker/scoring/user-history.ts';
import type { PastRows } from './kept-pasts.ts';

export interface PastAction {
  readonly pinIndex: number;
  readonly type: EventType;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Choice: half of the strength after thirty days without anything newer; the papers fix no decay. */
const HALF_LIFE_MS = 30 * 24 * 3600 * 1000;
/** How much an action says about what somebody wants; a type that is absent says nothing. */
type Strength = Readonly<Partial<Record<EventType, number>>>;
const STRENGTH: Strength = { save: 1, longClick: 0.7, click: 0.5, closeup: 0.3 };
const ACTIONS_MAX = 300;
const SHOWN_MAX = 1000;

/** Absent: 300 actions of any time, of this process alone. */
export interface PastOptions {
  readonly limit?: number;
  /** Epoch milliseconds: what was done at or after that moment is not the past of it. */
  readonly before?: number;
  /** What other processes know; what is known here too counts once. */
  readonly elsewhere?: readonly PastAction[];
}

/** Saves and actions of a user, newest first. */
export function pastActions(
  past: PastRows,
  { limit = ACTIONS_MAX, before = Number.MAX_SAFE_INTEGER, elsewhere = [] }: PastOptions = {},
): PastAction[] {
  const actions: PastAction[] = [...past.saves(limit, before - 1), ...past.actions(limit, before)];
  const known = new Set(elsewhere.length === 0 ? [] : actions.map(actionKey));
  actions.push(...elsewhere.filter((action) => action.at < before && !known.has(actionKey(action))));
  return actions.sort((a, b) => b.at - a.at || a.pinIndex - b.pinIndex).slice(0, limit);
}

function actionKey({ pinIndex, type, at }: PastAction): string {
  return `${pinIndex} ${type} ${at}`;
}

/**
 * Each pin once, with the strength of the strongest action times recency, strongest first. Recency is measured from the
 * newest action, so a user who comes back after a year is not a stranger. `actions` newest first; pins that were removed, or are
 * hidden from the user, are left out.
 */
export function weighedHistory(
  actions: readonly PastAction[],
  pins: PinColumns,
  hidden: ReadonlySet<number>,
  strength: Strength = STRENGTH,
): WeightedPins {
  const newest = actions[0]?.at ?? 0;
  const weights = new Map<number, number>();
  for (const { pinIndex, type, at } of actions) {
    if (pinIndex >= pins.count || hidden.has(pinIndex) || (pins.flags[pinIndex] & PIN_REMOVED) !== 0) continue;
    const weight = (strength[type] ?? 0) * 0.5 ** ((newest - at) / HALF_LIFE_MS);
    if (weight > 0) weights.set(pinIndex, Math.max(weight, weights.get(pinIndex) ?? 0));
  }
  const ordered = [...weights].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const history = { pinIndexes: new Int32Array(ordered.length), weights: new Float64Array(ordered.length) };
  for (let i = 0; i < ordered.length; i++) [history.pinIndexes[i], history.weights[i]] = ordered[i];
  return history;
}

/** A pin that a user hid, and why where they said so. */
export interface HiddenPin {
  readonly pinIndex: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly reason: string | null;
}

function isHide({ type }: Pick<PastAction, 'type'>): boolean {
  return type === 'hide' || type === 'unhide';
}

/** Grades as strengths: in proportion to what they are over `seen`, the greatest being 1. */
export function strengthOf(grades: Grades): Strength {
  const { save, longClick, click, closeup } = overSeen(grades);
  const most = Math.max(save, longClick, click, closeup);
  return most <= 0 ? {} : { save: save / most, longClick: longClick / most, click: click / most, closeup: closeup / most };
}

/** What a user has hidden up to a moment and not taken back, in order of time. `elsewhere` without reasons. */
export function hiddenPins(past: PastRows, until: number, elsewhere: readonly PastAction[] = []): readonly HiddenPin[] {
  const hides: (PastAction & { readonly reason: string | null })[] = [...past.hides(until)];
  const known = new Set(elsewhere.length === 0 ? [] : hides.map(actionKey));
  for (const action of elsewhere) {
    if (isHide(action) && action.at <= until && !known.has(actionKey(action))) hides.push({ ...action, reason: null });
  }
  // Stable: at the same moment what came later counts.
  hides.sort((a, b) => a.at - b.at);
  const hidden = new Map<number, HiddenPin>();
  for (const { type, ...hide } of hides) {
    hidden.delete(hide.pinIndex);
    if (type === 'hide') hidden.set(hide.pinIndex, hide);
  }
  return [...hidden.values()];
}

/**
 * Pins a user has saved, or lately acted on or been shown, before a moment. One that was hidden and taken back is as before.
 * `pins`: how many there are. Of few, what was shown comes again after half of them: a feed would run empty.
 */
export function seenPins(
  past: PastRows,
  pins: number,
  { before = Number.MAX_SAFE_INTEGER, elsewhere = [] }: Pick<PastOptions, 'before' | 'elsewhere'> = {},
): ReadonlySet<number> {
  const seen = new Set<number>(elsewhere.flatMap((action) => (action.at < before && !isHide(action) ? [action.pinIndex] : [])));
  for (const { pinIndex } of past.saves(-1, before - 1)) seen.add(pinIndex);
  for (const action of past.shown(Math.min(SHOWN_MAX, pins >> 1), before)) if (!isHide(action)) seen.add(action.pinIndex);
  return seen;
}
