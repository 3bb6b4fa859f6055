/** What is known about which of two models is better, and what it is known from. */

/** `as good`: surely not worse by more than the margin. `cannot tell` is neither a pass nor a refusal. */
export type JudgementWord = 'better' | 'as good' | 'worse' | 'cannot tell';

/** In the order in which they are believed. */
const EVIDENCE_KINDS = ['experiment', 'shuffled lists', 'debiased lists', 'held-out boards', 'what everybody sees'] as const;
type EvidenceKind = (typeof EVIDENCE_KINDS)[number];

/** One kind of evidence. Lifts are relative, of engagement or of right items; null: not enough to say. */
export interface Evidence {
  readonly kind: EvidenceKind;
  readonly word: JudgementWord;
  readonly lift: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Lists, users or queries it rests on. */
  readonly count: number;
  /** A sentence for people, without a full stop. */
  readonly says: string;
}

/** How many shuffled lists with an action on them the judge waits for. */
export interface MissingLists {
  readonly have: number;
  readonly need: number;
  /** Of the last seven days of the log. */
  readonly perDay: number;
  /** When they will be there at that rate, ISO 8601; null: never, because none is served shuffled. */
  readonly readyAt: string | null;
}

export interface Judgement {
  readonly model: string;
  /** What serves now. */
  readonly against: string;
  readonly word: JudgementWord;
  readonly reason: string;
  /** Everything that was looked at, the most believed first. */
  readonly evidence: readonly Evidence[];
  /** Null unless the judge waits for lists. */
  readonly missing: MissingLists | null;
}

/** Choice: a loss of engagement that nobody would start an experiment for. */
export const LOSS_MARGIN = 0.01;

/** The word for a lift with its 95 % interval. */
export function wordOf(low: number | null, high: number | null): JudgementWord {
  if (low === null || high === null || Number.isNaN(low)) return 'cannot tell';
  if (low > 0) return 'better';
  if (low > -LOSS_MARGIN) return 'as good';
  return high < 0 ? 'worse' : 'cannot tell';
}

/** "+12.3 % (+4.5 .. +20.1)". */
export function liftText(lift: number, low: number, high: number): string {
  const percent = (share: number): string => `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)}`;
  return Number.isNaN(low) ? `${percent(lift)} % (one cluster: no interval)` : `${percent(lift)} % (${percent(low)} .. ${percent(high)})`;
}

/** What a judgement is made from. */
interface Findings {
  readonly model: string;
  readonly against: string;
  readonly evidence: readonly Evidence[];
  readonly missing: MissingLists | null;
  /** Whether one of the two learned from people: then a check without people does not pass a model. */
  readonly people: boolean;
}

/**
 * The most believed evidence that can tell decides. Without any, and where nobody's actions taught either model, a model passes
 * that held-out boards call better and that loses nothing that everybody sees. One that is only as good does not: what serves
 * is known, and a change that nobody can tell from noise is not worth its risk.
 */
export function decide({ model, against, evidence, missing, people }: Findings): Judgement {
  const ranked = [...evidence].sort((x, y) => EVIDENCE_KINDS.indexOf(x.kind) - EVIDENCE_KINDS.indexOf(y.kind));
  const say = (word: JudgementWord, reason: string, waits: MissingLists | null = null): Judgement => ({
    model,
    against,
    word,
    reason,
    evidence: ranked,
    missing: waits,
  });
  const byPeople = ranked.find(({ kind, word }) => ofPeople(kind) && word !== 'cannot tell');
  if (byPeople) return say(byPeople.word, `${byPeople.says}, over ${against}`);
  const checks = people ? [] : ranked.filter(({ kind, lift }) => !ofPeople(kind) && lift !== null);
  const fallen = checks.find(({ word }) => word === 'worse');
  if (fallen) return say('worse', `${fallen.says}, over ${against}`);
  const seen = checks.map(({ says }) => says).join('; ');
  const gains = checks.some(({ word }) => word === 'better') && checks.every(({ word }) => word !== 'cannot tell');
  if (gains) return say('better', `${seen}, over ${against}`);
  const told = checks.length > 0 ? `${seen}: that is no gain over ${against}` : `no evidence tells it from ${against}`;
  return say('cannot tell', `${told}: ${waiting(missing)}`, missing);
}

function ofPeople(kind: EvidenceKind): boolean {
  return kind === 'experiment' || kind === 'shuffled lists' || kind === 'debiased lists';
}

function waiting(missing: MissingLists | null): string {
  if (missing === null) return 'the log has no list that could tell';
  const { have, need, readyAt } = missing;
  const when =
    readyAt === null
      ? 'none was served shuffled in the last seven days; RELATED_PINS_SHUFFLED_SHARE sets how many are'
      : `at the present rate they are there on ${readyAt.slice(0, 10)}`;
  return `${have} of about ${need} shuffled lists with an action on them are there, ${need - have} are missing, and ${when}; an experiment between the two tells sooner`;
}
