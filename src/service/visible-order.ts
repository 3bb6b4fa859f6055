/**
 * What everybody can see of a model, without anybody's clicks: of sampled closeups, how many of the first 12 are among the 50 pins
 * that share boards with the query most, and how many among its 50 nearest look-alikes. Each is judged apart: together one would
 * hide that the other is lost. A model that loses either has learned something else than what belongs together.
 */
import { PIN_REMOVED } from '../catalog/pins/pin-columns.ts';
import { plainOptions } from '../lists/serve-list.ts';
import type { ServingParts } from '../lists/serving-parts.ts';
import { seededRandom } from '../math/random.ts';
import { type Evidence, type JudgementWord, LOSS_MARGIN } from '../ranker/judging/judgement.ts';
import { bootstrapDifference } from '../math/bootstrap.ts';
import { DEFAULT_TREATMENT } from '../treatment.ts';
import { relatedPins } from '../related-pins.ts';

const QUERIES = 300;
const FIRST = 12;
/** Choice: a page shows a quarter of them. */
const NEAREST = 50;
const SEED = 17;
/** Sources whose nearest pins everybody would call related, in words. */
const SIGNS = [
  ['board-cooccurrence', 'pins that share most boards'],
  ['visual-neighbors', 'nearest look-alikes'],
] as const;

/** A piece of evidence for each sign that the catalog has. */
export async function visibleEvidence(
  parts: ServingParts,
  models: { readonly a: string; readonly b: string },
  now: number,
): Promise<Evidence[]> {
  const shares = SIGNS.map(() => ({ a: [] as number[], b: [] as number[] }));
  for (const query of seededRandom(SEED).shuffled(livePins(parts)).slice(0, QUERIES)) {
    const near = await Promise.all(SIGNS.map(([source]) => nearestOf(parts, query, source)));
    if (near.every(({ size }) => size === 0)) continue;
    for (const side of ['a', 'b'] as const) {
      const first = await firstOf(parts, query, models[side], now);
      near.forEach((pins, sign) => {
        if (pins.size > 0) shares[sign][side].push(first.filter((pin) => pins.has(pin)).length / Math.min(FIRST, pins.size));
      });
    }
  }
  return shares.flatMap(({ a, b }, sign) => (a.length === 0 ? [] : [evidenceOf(SIGNS[sign][1], a, b)]));
}

function evidenceOf(sign: string, a: readonly number[], b: readonly number[]): Evidence {
  const { mean, low, high } = bootstrapDifference(a, b, SEED);
  const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const figures = `${(100 * meanOf(a)).toFixed(1)} % against ${(100 * meanOf(b)).toFixed(1)} %`;
  const says = `${a.length} closeups: ${sign} among the first ${FIRST} are ${figures}`;
  return { kind: 'what everybody sees', word: wordOfShare(mean, low, high), lift: mean, low, high, count: a.length, says };
}

/** It asks only for a fall: more of what everybody sees is not yet better for people. */
function wordOfShare(mean: number, low: number, high: number): JudgementWord {
  if (high < 0 && mean < -LOSS_MARGIN) return 'worse';
  return low > -LOSS_MARGIN || mean >= -LOSS_MARGIN ? 'as good' : 'cannot tell';
}

function livePins({ pins }: ServingParts): number[] {
  return Array.from({ length: pins.count }, (_, pin) => pin).filter((pin) => (pins.flags[pin] & PIN_REMOVED) === 0);
}

/** The 50 pins that a source puts first; none where the service has no such source. */
async function nearestOf({ sources }: ServingParts, query: number, name: string): Promise<ReadonlySet<number>> {
  const source = sources.find((each) => each.name === name);
  const found = await source?.propose({ pinIndex: query, code: null }, NEAREST);
  const near = new Set<number>(found?.pinIndexes ?? []);
  near.delete(query);
  return near;
}

async function firstOf(parts: ServingParts, query: number, model: string, now: number): Promise<readonly number[]> {
  const treatment = { ...DEFAULT_TREATMENT, model };
  const options = plainOptions({ recommendationId: `judged-${query}`, now, limit: FIRST, treatment, forced: true });
  const { page, candidates } = await relatedPins(parts, query, options);
  return Array.from(page, (row) => candidates.pinIndexes[row]);
}
