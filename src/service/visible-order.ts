/**
 * What everybody can see of a model, without anybody's clicks: of sampled closeups, how many of the first 12 share a board with
 * the query or are among its nearest look-alikes. A model that loses these has learned something else than what belongs together.
 */
import type { CandidateSource } from '../candidates/candidate.ts';
import type { SaveStore } from '../catalog/pins/save-store.ts';
import { PIN_REMOVED } from '../catalog/pins/pin-columns.ts';
import { plainOptions } from '../lists/serve-list.ts';
import type { ServingParts } from '../lists/serving-parts.ts';
import { seededRandom } from '../math/random.ts';
import { type Evidence, type JudgementWord, LOSS_MARGIN } from '../ranker/judging/judgement.ts';
import { bootstrapDifference } from '../ranker/measures/bootstrap.ts';
import { DEFAULT_TREATMENT } from '../ranker/treatment.ts';
import { relatedPins } from '../related-pins.ts';

const QUERIES = 300;
const FIRST = 12;
/** Choice: as near as that many others; a page shows a quarter of them. */
const LOOK_ALIKES = 50;
/** A board of everything says nothing about what belongs together. */
const BOARD_PINS_MAX = 1000;
const SEED = 17;

/** Null where the catalog has neither boards nor pictures that could say anything. */
export async function visibleEvidence(
  parts: ServingParts,
  saves: Pick<SaveStore, 'boardsOf' | 'pinsOf'>,
  models: { readonly a: string; readonly b: string },
  now: number,
): Promise<Evidence | null> {
  const looks = parts.sources.find(({ name }) => name === 'visual-neighbors');
  const shares: Record<'a' | 'b', number[]> = { a: [], b: [] };
  for (const query of seededRandom(SEED).shuffled(livePins(parts)).slice(0, QUERIES)) {
    const related = await relatedTo(query, saves, looks);
    if (related.size === 0) continue;
    for (const side of ['a', 'b'] as const) shares[side].push(await shareOf(parts, query, models[side], related, now));
  }
  if (shares.a.length === 0) return null;
  const { mean, low, high } = bootstrapDifference(shares.a, shares.b, SEED);
  const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const figures = `${(100 * meanOf(shares.a)).toFixed(1)} % against ${(100 * meanOf(shares.b)).toFixed(1)} %`;
  return {
    kind: 'what everybody sees',
    word: wordOfShare(mean, low, high),
    lift: mean,
    low,
    high,
    count: shares.a.length,
    says: `${shares.a.length} closeups: pins of the same boards and look-alikes among the first ${FIRST} are ${figures}`,
  };
}

/** It asks only for a fall: more of what everybody sees is not yet better for people. */
function wordOfShare(mean: number, low: number, high: number): JudgementWord {
  if (high < 0 && mean < -LOSS_MARGIN) return 'worse';
  return low > -LOSS_MARGIN || mean >= -LOSS_MARGIN ? 'as good' : 'cannot tell';
}

function livePins({ pins }: ServingParts): number[] {
  return Array.from({ length: pins.count }, (_, pin) => pin).filter((pin) => (pins.flags[pin] & PIN_REMOVED) === 0);
}

async function relatedTo(
  query: number,
  saves: Pick<SaveStore, 'boardsOf' | 'pinsOf'>,
  looks: CandidateSource | undefined,
): Promise<ReadonlySet<number>> {
  const related = new Set<number>();
  for (const board of saves.boardsOf(query)) {
    const pins = saves.pinsOf(board);
    if (pins.length <= BOARD_PINS_MAX) for (const pin of pins) related.add(pin);
  }
  const near = looks ? await looks.propose({ pinIndex: query, code: null }, LOOK_ALIKES) : null;
  for (const pin of near?.pinIndexes ?? []) related.add(pin);
  related.delete(query);
  return related;
}

async function shareOf(parts: ServingParts, query: number, model: string, related: ReadonlySet<number>, now: number): Promise<number> {
  const treatment = { ...DEFAULT_TREATMENT, model };
  const options = plainOptions({ recommendationId: `judged-${query}`, now, limit: FIRST, treatment, forced: true });
  const { page, candidates } = await relatedPins(parts, query, options);
  const wanted = Math.min(FIRST, related.size);
  return Math.min(1, page.filter((row) => related.has(candidates.pinIndexes[row])).length / wanted);
}
