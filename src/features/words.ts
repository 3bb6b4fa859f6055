/**
 * What a net says it sees: the classes of its last layer in plain words, and how sure it is. A net speaks only when its manifest
 * holds words and a confidence that was measured on labelled photos (`npm run lab -- calibrate-words`).
 */
import type { NetManifest } from '../vision/net-manifest.ts';

/** A word and the share of labelled photos, called so with this score, that showed it (0..1). */
export interface SeenWord {
  readonly word: string;
  readonly confidence: number;
}

/** How scores become a confidence: softmax(scores / temperature) summed by word, then along a rising curve of [score, share right]. */
export interface WordConfidence {
  readonly temperature: number;
  /** Scores ascending, shares not falling; in between by straight lines. */
  readonly curve: readonly (readonly [number, number])[];
}

/** A net that speaks. */
export interface Naming {
  /** A word of each class; classes may share one. */
  readonly words: readonly string[];
  readonly confidence: WordConfidence;
}

/** Words less sure than this are not spoken: they would be wrong more often than two times in three. */
const SPOKEN_MIN = 1 / 3;
/** Words of one picture, at most. */
const MOST_WORDS = 3;

/** Null for a net whose manifest holds no words, or no confidence. */
export function namingOf(manifest: NetManifest): Naming | null {
  const { words, confidence } = manifest as { readonly words?: readonly string[]; readonly confidence?: WordConfidence };
  return words && confidence ? { words, confidence } : null;
}

/** The score of each word that a class has, highest first, ties by word: softmax(fc8 / temperature) summed over its classes. */
export function wordScores(fc8: Float32Array, words: readonly string[], temperature: number): readonly SeenScore[] {
  if (words.length !== fc8.length) throw new RangeError(`words: expected one for each of ${fc8.length} classes, got ${words.length}`);
  const top = fc8.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const sums = new Map<string, number>();
  let total = 0;
  for (let i = 0; i < fc8.length; i++) {
    const e = Math.exp((fc8[i] - top) / temperature);
    total += e;
    sums.set(words[i], (sums.get(words[i]) ?? 0) + e);
  }
  return [...sums].map(([word, sum]) => ({ word, score: sum / total })).sort((a, b) => b.score - a.score || (a.word < b.word ? -1 : 1));
}

interface SeenScore {
  readonly word: string;
  readonly score: number;
}

/** The words that a net speaks of a picture, surest first; none where it is not sure enough. */
export function seenWords(fc8: Float32Array, { words, confidence }: Naming): readonly SeenWord[] {
  return wordScores(fc8, words, confidence.temperature)
    .slice(0, MOST_WORDS)
    .map(({ word, score }) => ({ word, confidence: Math.round(1000 * alongCurve(score, confidence.curve)) / 1000 }))
    .filter((seen) => seen.confidence >= SPOKEN_MIN);
}

/** The share right at a score, by straight lines between the points; the ends hold beyond them. */
export function alongCurve(score: number, curve: WordConfidence['curve']): number {
  const after = curve.findIndex(([at]) => at >= score);
  if (after === 0) return curve[0][1];
  if (after < 0) return curve[curve.length - 1][1];
  const [[x0, y0], [x1, y1]] = [curve[after - 1], curve[after]];
  return y0 + ((y1 - y0) * (score - x0)) / (x1 - x0);
}

/** Words as the annotations of a pin: term -> confidence; null without any. */
export function asAnnotations(words: readonly SeenWord[]): Readonly<Record<string, number>> | null {
  return words.length > 0 ? Object.fromEntries(words.map(({ word, confidence }) => [word, confidence])) : null;
}
