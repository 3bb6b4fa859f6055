/** Recall of altered photos, with intervals. */
import { INLIERS_MIN } from '../../../src/exact/exact-search.ts';
import { type Alteration, ALTERATIONS } from './altered-pictures.ts';
import type { JudgedPhoto } from './exact-photos.ts';

const WAYS = ['codes', 'tree', 'verified', 'blend'] as const;
type Way = (typeof WAYS)[number];

/** One query: at which place of each list its photo stands, from 0; -1: nowhere. */
export interface Judged {
  readonly alteration: Alteration;
  /** Whether somebody drew a box around the thing. */
  readonly isMarked: boolean;
  readonly from: JudgedPhoto['from'];
  readonly places: Readonly<Record<Way, number>>;
  readonly inliers: number;
  /** The most inliers of any other photo. */
  readonly othersInliers: number;
  /** The first of the verified is another photo of the same kind. */
  readonly wonBySameKind: boolean;
}

/** A share and its 95 % interval. */
export interface Share {
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

const Z = 1.959964;

/** Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927. */
export function wilson(successes: number, of: number): Share {
  const share = successes / of;
  const middle = (share + (Z * Z) / (2 * of)) / (1 + (Z * Z) / of);
  const reach = (Z / (1 + (Z * Z) / of)) * Math.sqrt((share * (1 - share)) / of + (Z * Z) / (4 * of * of));
  const rounded = (value: number): number => Math.round(1000 * value) / 1000;
  return { share: rounded(share), low: rounded(Math.max(0, middle - reach)), high: rounded(Math.min(1, middle + reach)) };
}

interface RecallRow {
  readonly alteration: string;
  readonly queries: number;
  readonly recall: Readonly<Record<Way, { readonly at1: Share; readonly at4: Share }>>;
  /** Of the queries: share whose photo reaches INLIERS_MIN, and whose first is another photo of the same kind. */
  readonly accepted: Share;
  readonly wonBySameKind: Share;
}

/**
 * One row for each alteration, for those that show a third or more of the thing at its own size, and by data set; apart from them one
 * for each kind whose place was marked.
 */
export function rowsOf(all: readonly Judged[]): { rows: RecallRow[]; falseAccepts: Share } {
  const judged = all.filter(({ isMarked }) => !isMarked);
  const marked = all.filter(({ isMarked }) => isMarked);
  const isPasted = ({ alteration }: Judged): boolean => alteration.startsWith('pasted');
  const sets = [...new Set(judged.map(({ from }) => from))].sort();
  const groups: [string, readonly Judged[]][] = [
    ...ALTERATIONS.map((how): [string, readonly Judged[]] => [how, judged.filter(({ alteration }) => alteration === how)]),
    ['all but pasted', judged.filter((one) => !isPasted(one))],
    ...sets.map((set): [string, readonly Judged[]] => [`of ${set}`, judged.filter((one) => one.from === set && !isPasted(one))]),
    ['all', judged],
    ...ALTERATIONS.map((how): [string, readonly Judged[]] => [`${how}, marked`, marked.filter(({ alteration }) => alteration === how)]),
  ];
  const rows = groups.filter(([, some]) => some.length > 0).map(([name, some]) => rowOf(name, some));
  return { rows, falseAccepts: wilson(judged.filter(({ othersInliers }) => othersInliers >= INLIERS_MIN).length, judged.length) };
}

function rowOf(alteration: string, judged: readonly Judged[]): RecallRow {
  const count = (test: (one: Judged) => boolean): Share => wilson(judged.filter(test).length, judged.length);
  const within = (way: Way, first: number): Share => count(({ places }) => places[way] >= 0 && places[way] < first);
  const recall = Object.fromEntries(WAYS.map((way) => [way, { at1: within(way, 1), at4: within(way, 4) }]));
  return {
    alteration,
    queries: judged.length,
    recall: recall as RecallRow['recall'],
    accepted: count(({ inliers }) => inliers >= INLIERS_MIN),
    wonBySameKind: count(({ wonBySameKind }) => wonBySameKind),
  };
}
