import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import type { Detection } from '../detection/detection.ts';
import type { SeenWord } from '../features/words.ts';
import type { WeightedTerm } from './annotation-terms.ts';
import { categoryConformity } from './category-conformity.ts';
import type { VisualResult } from './flashlight.ts';
import type { PictureKind } from './picture-kind.ts';
import type { SalientColour } from './salient-colours.ts';

/** A term that probably describes the query, 0..1 sure. */
interface UnderstoodTerm extends WeightedTerm {
  readonly confidence: number;
}

/** What Lens knows of a query before it asks any source (paper, section 8). */
export interface Understanding {
  readonly annotations: readonly UnderstoodTerm[];
  readonly objects: readonly Pick<Detection, 'label' | 'score' | 'box'>[];
  readonly colours: readonly SalientColour[];
  readonly category: { readonly name: string; readonly confidence: number } | null;
  /** The known pin that shows the same picture; its annotations are borrowed. */
  readonly knownPin: number | null;
  readonly picture: PictureKind;
  /** What the net says it sees. */
  readonly words: readonly SeenWord[];
}

interface UnderstandingInputs {
  /** Visual search results of the whole query, best first. */
  readonly results: readonly Pick<VisualResult, 'pinIndex' | 'distance'>[];
  readonly terms: readonly WeightedTerm[];
  readonly objects: readonly Pick<Detection, 'label' | 'score' | 'box'>[];
  readonly colours: readonly SalientColour[];
  readonly picture: PictureKind;
  readonly words: readonly SeenWord[];
  readonly columns: PinColumns;
  /** Distance up to which an image is the same picture. */
  readonly sameDistance: number;
  /** The pin that asks, where the whole of its picture is the query. */
  readonly known?: number | null;
}

/** Results that vote on terms. */
const VOTERS = 50;

/** Puts the findings together; the category's confidence is 0 where too few results are labelled to tell. */
export function understand(inputs: UnderstandingInputs): Understanding {
  const { results, columns, objects, colours, picture, words, sameDistance } = inputs;
  const nearest = results.reduce<(typeof results)[number] | null>((best, r) => (best && best.distance <= r.distance ? best : r), null);
  const knownPin = inputs.known ?? (nearest !== null && nearest.distance <= sameDistance ? nearest.pinIndex : null);
  const voters = results.slice(0, VOTERS).map((result) => result.pinIndex);
  const { category, share } = categoryConformity(voters, columns);
  return {
    annotations: knownPin === null ? withWords(words, votedTerms(inputs.terms, voters, columns)) : borrowedTerms(knownPin, columns),
    objects,
    colours,
    category: category === null ? null : { name: category, confidence: share ?? 0 },
    knownPin,
    picture,
    words,
  };
}

/** Words as sure as a coin at least come first, with their confidence for a weight; a term that is voted for too is listed once, as sure as the surer says. */
function withWords(words: readonly SeenWord[], voted: readonly UnderstoodTerm[]): readonly UnderstoodTerm[] {
  const said = words.filter(({ confidence }) => confidence >= 0.5);
  const first = said.map(({ word, confidence }): UnderstoodTerm => {
    const same = voted.find(({ term }) => term === word);
    return { term: word, weight: same?.weight ?? confidence, confidence: Math.max(confidence, same?.confidence ?? 0) };
  });
  return [...first, ...voted.filter(({ term }) => !said.some(({ word }) => word === term))];
}

/** Confidence of a term = share of the (annotated) voters that carry it. */
function votedTerms(terms: readonly WeightedTerm[], voters: readonly number[], columns: PinColumns): readonly UnderstoodTerm[] {
  const carriers = new Map<string, number>();
  let annotated = 0;
  for (const pin of voters) {
    const held = termsOf(pin, columns);
    if (held.length > 0) annotated++;
    for (const { term } of held) carriers.set(term, (carriers.get(term) ?? 0) + 1);
  }
  return terms.map(({ term, weight }) => ({
    term,
    weight,
    confidence: (carriers.get(term) ?? 0) / Math.max(1, annotated),
  }));
}

function borrowedTerms(pin: number, columns: PinColumns): readonly UnderstoodTerm[] {
  return termsOf(pin, columns)
    .sort((a, b) => b.weight - a.weight)
    .map((held) => ({ ...held, confidence: 1 }));
}

function termsOf(pin: number, { annotations, annotationTerms }: PinColumns): WeightedTerm[] {
  const { start, length, ordinals, weights } = annotations;
  return Array.from({ length: length[pin] ?? 0 }, (_, i) => ({
    term: annotationTerms[ordinals[start[pin] + i]],
    weight: weights[start[pin] + i],
  }));
}
