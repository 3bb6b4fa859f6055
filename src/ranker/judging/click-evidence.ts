/**
 * What logged actions say about two models: on lists that were served shuffled, on all lists with the bias of places taken
 * out, and on lists of a replay, whose right answers are the other pins of a board that was held out.
 */
import { normalQuantile } from '../../math/distributions.ts';
import { type ChoiceFit, fitChoices } from './choice-model.ts';
import type { ComparedLists } from './compared-lists.ts';
import { type Evidence, liftText, type MissingLists, wordOf } from './judgement.ts';

/** Choice: with fewer lists, or fewer queries, the error of the fit is itself not known. */
const LISTS_MIN = 50;
const CLUSTERS_MIN = 20;
/** Choice: a difference of engagement that the judge should be able to see, for saying how many lists it needs. */
const WORTH_SEEING = 0.05;
const DAY_MS = 24 * 3600 * 1000;
/** Shuffled and debiased lists are looked at one after the other: their 95 % holds for both together (Bonferroni). */
const Z = normalQuantile(1 - 0.025 / 2);

/** The evidence by kind, and how many shuffled lists are missing until the first kind could tell. */
interface ClickEvidence {
  readonly evidence: readonly Evidence[];
  readonly missing: MissingLists | null;
}

/** `judgedFrom`: lists before it (epoch milliseconds) taught one of the models; they tell how places are looked at, nothing else. */
export function clickEvidence(compared: ComparedLists, judgedFrom: number, now: number): ClickEvidence {
  const shuffled = (list: number): boolean => compared.lists[list].shuffled && !compared.lists[list].replayed;
  const later = (list: number): boolean => compared.lists[list].at >= judgedFrom && !compared.lists[list].replayed;
  const both = (list: number): boolean => shuffled(list) && later(list);
  const scale = scaleOf(compared);
  const onShuffled = fitChoices(compared, both, both);
  const onAll = fitChoices(compared, shuffled, later);
  const evidence = [evidenceOf('shuffled lists', onShuffled, scale), evidenceOf('debiased lists', onAll, scale)];
  const told = evidence.some(({ word }) => word !== 'cannot tell');
  return { evidence, missing: told ? null : missingLists(compared, onShuffled, scale, now) };
}

/** The same on the later lists of a replay. */
export function boardEvidence(compared: ComparedLists, judgedFrom: number): Evidence {
  const later = (list: number): boolean => compared.lists[list].at >= judgedFrom && compared.lists[list].replayed;
  return evidenceOf('held-out boards', fitChoices(compared, null, later), scaleOf(compared));
}

/**
 * From a difference of weights to a lift of engagement. With normal scores, correlation r between both over all candidates and
 * mean score s of what is shown, putting a's first items in place of b's changes the logarithm of engagement by
 * s (1 - r) (w_a - w_b).
 */
function scaleOf({ a, b, positions, weights }: ComparedLists): number {
  let [shownB, shown, product, squareA, squareB] = [0, 0, 0, 0, 0];
  for (let row = 0; row < a.length; row++) {
    product += weights[row] * a[row] * b[row];
    squareA += weights[row] * a[row] * a[row];
    squareB += weights[row] * b[row] * b[row];
    if (positions[row] === 0) continue;
    shownB += b[row];
    shown++;
  }
  const correlation = product / Math.sqrt(squareA * squareB);
  return shown === 0 || !Number.isFinite(correlation) ? 0 : Math.max(0, shownB / shown) * (1 - correlation);
}

const LISTS_OF = {
  'shuffled lists': 'later lists that were served shuffled',
  'debiased lists': 'later lists, the bias of places taken out',
  'held-out boards': 'later lists of the replay',
} as const;

function evidenceOf(kind: keyof typeof LISTS_OF, fit: ChoiceFit | null, scale: number): Evidence {
  const count = fit?.lists ?? 0;
  const on = `${count} ${LISTS_OF[kind]}`;
  if (fit === null || count < LISTS_MIN || fit.clusters < CLUSTERS_MIN) {
    const says = `${on}: too few, ${LISTS_MIN} with an action, of ${CLUSTERS_MIN} queries, are needed`;
    return { kind, word: 'cannot tell', lift: null, low: null, high: null, count, says };
  }
  const [difference, error] = [fit.a - fit.b, errorOf(fit)];
  const [lift, low, high] = [0, -Z, Z].map((z) => Math.exp(scale * (difference + z * error)) - 1);
  return { kind, word: wordOf(low, high), lift, low, high, count, says: `${on}: engagement ${liftText(lift, low, high)}` };
}

function errorOf({ varianceA, varianceB, covariance }: ChoiceFit): number {
  return Math.sqrt(Math.max(0, varianceA + varianceB - 2 * covariance));
}

/** The width of an interval falls with the square root of the lists: as many are needed as make it fit beside the lift. */
function missingLists(compared: ComparedLists, fit: ChoiceFit | null, scale: number, now: number): MissingLists {
  const have = fit?.lists ?? 0;
  const seen = fit && have >= LISTS_MIN ? Math.abs(scale * (fit.a - fit.b)) : 0;
  const half = fit && have >= LISTS_MIN ? Z * scale * errorOf(fit) : null;
  const need = half === null ? LISTS_MIN : Math.max(LISTS_MIN, Math.ceil(have * (half / Math.max(seen, Math.log1p(WORTH_SEEING))) ** 2));
  const acted = (list: number): boolean => {
    for (let row = compared.start[list]; row < compared.start[list + 1]; row++) if (compared.grades[row] > 0) return true;
    return false;
  };
  const week = compared.lists.filter(({ at, shuffled }, list) => shuffled && at > now - 7 * DAY_MS && at <= now && acted(list)).length;
  const first = compared.lists.length > 0 ? compared.lists[0].at : now;
  const perDay = week / Math.min(7, Math.max(1, (now - first) / DAY_MS));
  const days = Math.max(0, need - have) / perDay;
  return { have, need, perDay, readyAt: perDay > 0 ? new Date(now + days * DAY_MS).toISOString() : null };
}
