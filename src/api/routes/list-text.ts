/**
 * The usual list reply as text: the bytes that `JSON.stringify` makes of its record (list-reply.ts), put together from cards
 * that are bytes already and from numbers that are written all at once. Making the records and writing them takes twice as long.
 */
import { publicDegradations } from '../public-degradations.ts';
import { armsTold } from '../../experiments/assignment.ts';
import type { RankedList } from '../../lists/ranked-list.ts';
import type { Context } from '../../service/context.ts';
import { treatmentText } from '../../treatment.ts';
import { bringCards, keptWith } from './item-fields.ts';
import { TextBytes } from './text-bytes.ts';

const COMMA = 0x2c;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;

const text = new TextBytes();
/** What stands before the score of a source. */
const beginnings = new Map<string, Buffer>();
const SCORE = Buffer.from(',"score":');
const SOURCES = Buffer.from(',"sources":[');

/** The reply of a list with cards, of the usual treatment and without terms. */
export function usualText(context: Pick<Context, 'fields' | 'pins'>, list: RankedList): string {
  const { candidates, page, firstPosition, options, ranker, nextCursor, degraded, missing } = list;
  const { recommendationId, treatment, arm } = options;
  const { sourceNames, sourceScores } = candidates;
  const pinIndexes: number[] = [];
  for (const row of page) pinIndexes.push(candidates.pinIndexes[row]);
  bringCards(context, pinIndexes);
  const numbers = JSON.stringify(numbersOf(list));
  // Behind the bracket.
  let number = 1;
  text.clear();
  text.add(`{"recommendationId":${JSON.stringify(recommendationId)},"modelVersion":${JSON.stringify(ranker.name)}`);
  text.add(`,"treatment":${treatmentText(treatment)},"arm":${JSON.stringify(armsTold(arm))},"items":[`);
  for (let i = 0; i < page.length; i++) {
    const kept = keptWith(context, pinIndexes[i]);
    const start = kept.startOf(pinIndexes[i]);
    const middle = start + kept.headLengthAt(start);
    if (i > 0) text.addByte(COMMA);
    text.addBytes(kept.bytes, start, middle);
    text.add(String(firstPosition + i));
    text.addBytes(SCORE);
    number = text.addNumber(numbers, number);
    text.addBytes(SOURCES);
    let isFirst = true;
    for (let s = 0, at = page[i] * sourceNames.length; s < sourceNames.length; s++, at++) {
      // NaN, which is not itself, stands where a source did not propose.
      if (sourceScores[at] !== sourceScores[at]) continue;
      if (!isFirst) text.addByte(COMMA);
      isFirst = false;
      text.addBytes(beginningOf(sourceNames[s]));
      number = text.addNumber(numbers, number);
      text.addByte(CLOSE_BRACE);
    }
    text.addByte(CLOSE_BRACKET);
    text.addBytes(kept.bytes, middle, start + kept.lengthAt(start));
  }
  text.add(`],"nextCursor":${JSON.stringify(nextCursor)},"degraded":${JSON.stringify(publicDegradations(degraded))}`);
  text.add(`,"missing":${JSON.stringify(missing)}}`);
  return text.toString();
}

/** The score of each item, and behind it those of its sources. */
function numbersOf({ candidates, page, scores }: RankedList): number[] {
  const { sourceNames, sourceScores } = candidates;
  const numbers: number[] = [];
  for (const row of page) {
    numbers.push(scores[row]);
    for (let s = 0, at = row * sourceNames.length; s < sourceNames.length; s++, at++)
      if (sourceScores[at] === sourceScores[at]) numbers.push(sourceScores[at]);
  }
  return numbers;
}

function beginningOf(sourceName: string): Buffer {
  let beginning = beginnings.get(sourceName);
  if (!beginning) beginnings.set(sourceName, (beginning = Buffer.from(`{"name":${JSON.stringify(sourceName)},"score":`)));
  return beginning;
}
