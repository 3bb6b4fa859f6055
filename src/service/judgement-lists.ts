/** What people are asked to judge: two treatments' lists for the same pins, or the candidates either would show. */
import { setImmediate } from 'node:timers/promises';
import { PIN_HAS_IMAGE, PIN_REMOVED } from '../catalog/pins/pin-columns.ts';
import { seededRandom } from '../math/random.ts';
import type { Treatment } from '../treatment.ts';
import { plainOptions } from '../lists/serve-list.ts';
import type { ServingParts } from '../lists/serving-parts.ts';
import { relatedPins } from '../related-pins.ts';

interface ListsToJudge {
  readonly queryPinId: string;
  readonly pinIdsA: readonly string[];
  readonly pinIdsB: readonly string[];
}

interface JudgementQuestion {
  readonly treatments: readonly [Treatment, Treatment];
  /** Query pins wanted. */
  readonly queries: number;
  /** Items per list. */
  readonly length: number;
  readonly seed: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Seeded query pins with an image that somebody has saved and whose lists differ; fewer than asked when the catalogue has no more. */
export async function listsToJudge(parts: ServingParts, question: JudgementQuestion): Promise<readonly ListsToJudge[]> {
  const { pins } = parts;
  const random = seededRandom(question.seed);
  const order = random.shuffled(Array.from({ length: pins.count }, (_, pinIndex) => pinIndex));
  const found: ListsToJudge[] = [];
  for (const pinIndex of order) {
    if (found.length >= question.queries) break;
    if (pins.saves[pinIndex] === 0 || (pins.flags[pinIndex] & (PIN_HAS_IMAGE | PIN_REMOVED)) !== PIN_HAS_IMAGE) continue;
    // A server that makes a study answers others in between.
    await setImmediate();
    const [pinIdsA, pinIdsB] = await listsOf(parts, pinIndex, question);
    const alike = pinIdsA.length === pinIdsB.length && pinIdsA.every((id, place) => id === pinIdsB[place]);
    if (!alike) found.push({ queryPinId: pins.idOf(pinIndex), pinIdsA, pinIdsB });
  }
  return found;
}

/** Every candidate that either list shows, each once per query (pooling): nobody's list is left without judgements. */
export function pooled(lists: readonly ListsToJudge[]): { readonly queryPinId: string; readonly pinId: string }[] {
  return lists.flatMap(({ queryPinId, pinIdsA, pinIdsB }) =>
    [...new Set([...pinIdsA, ...pinIdsB])].map((pinId) => ({ queryPinId, pinId })),
  );
}

async function listsOf(
  parts: ServingParts,
  pinIndex: number,
  { treatments, length, now, seed }: JudgementQuestion,
): Promise<readonly [string[], string[]]> {
  const lists: string[][] = [];
  for (const treatment of treatments) {
    const options = plainOptions({ treatment, forced: true, limit: length, now, recommendationId: `judgement ${seed} ${pinIndex}` });
    const list = await relatedPins(parts, pinIndex, options);
    lists.push(Array.from(list.page, (row) => parts.pins.idOf(list.candidates.pinIndexes[row])));
  }
  return [lists[0], lists[1]];
}
