import type { Understanding } from './query-understanding.ts';

/** The sources that Lens blends. */
export type LensSource = 'visual-search' | 'annotation-search' | 'object-search';

/** A source's share of the page, or why it stays silent (ratio 0). */
export interface SourceRatio {
  readonly source: LensSource;
  readonly ratio: number;
  readonly reason: string;
}

/** What the sources have to offer, each best first. */
type LensOffers = Readonly<Record<LensSource, readonly number[]>>;

interface BlendedItem {
  readonly pinIndex: number;
  readonly source: LensSource;
}

/** What a source needs before it is asked, and how much of the page it has at full confidence. */
interface BlendRules {
  readonly termConfidenceMin: number;
  readonly objectScoreMin: number;
  readonly visualMin: number;
  readonly share: Readonly<Record<LensSource, number>>;
}

export const BLEND_RULES: BlendRules = {
  termConfidenceMin: 0.3,
  objectScoreMin: 0.4,
  visualMin: 0.6,
  share: { 'visual-search': 0.5, 'annotation-search': 0.3, 'object-search': 0.2 },
};

/**
 * How the page is divided (paper, section 8: sources are triggered and ratios set by the query understanding). A source's
 * weight is its share times the confidence of the signal it lives on; silent sources get nothing; ratios sum to 1.
 *
 * `visual` is 1 - Hamming / bits of the best whole-image result. A camera photo leans on meaning and objects, a clean
 * product picture on looks: its visual weight is doubled.
 */
export function sourceRatios(understanding: Understanding, visual: number, rules: BlendRules = BLEND_RULES): readonly SourceRatio[] {
  const judged = [
    visualWeight(understanding, visual, rules),
    annotationWeight(understanding, visual, rules),
    objectWeight(understanding, rules),
  ];
  const total = judged.reduce((sum, row) => sum + row.weight, 0);
  if (total > 0) return judged.map(({ source, weight, reason }) => ({ source, ratio: weight / total, reason }));
  return judged.map(({ source, reason }) =>
    source === 'visual-search'
      ? { source, ratio: 1, reason: `${reason}; asked because nothing else speaks` }
      : { source, ratio: 0, reason },
  );
}

interface JudgedSource {
  readonly source: LensSource;
  readonly weight: number;
  readonly reason: string;
}

function visualWeight({ picture }: Understanding, visual: number, rules: BlendRules): JudgedSource {
  const source = 'visual-search';
  if (visual < rules.visualMin) return silent(source, `the nearest image agrees in ${percent(visual)} of the bits only`);
  const factor = picture.kind === 'product' ? 2 : 1;
  const reason = `the nearest image agrees in ${percent(visual)} of the bits; ${picture.kind} picture`;
  return { source, weight: rules.share[source] * visual * factor, reason };
}

/** Terms come from the nearest pictures: where these are strangers, so are their terms. */
function annotationWeight({ annotations, knownPin }: Understanding, visual: number, rules: BlendRules): JudgedSource {
  const source = 'annotation-search';
  if (knownPin === null && visual < rules.visualMin) return silent(source, 'terms of pictures that look different say little');
  const best = annotations.reduce((most, term) => Math.max(most, term.confidence), 0);
  if (best < rules.termConfidenceMin) return silent(source, `no term is surer than ${percent(best)}`);
  const reason = knownPin === null ? `its best term is ${percent(best)} sure` : 'terms borrowed from the same picture in the catalogue';
  return { source, weight: rules.share[source] * best, reason };
}

function objectWeight({ objects }: Understanding, rules: BlendRules): JudgedSource {
  const source = 'object-search';
  const best = objects.reduce((most, object) => Math.max(most, object.score), 0);
  if (best < rules.objectScoreMin)
    return silent(source, objects.length === 0 ? 'the query holds no object' : `no object is surer than ${percent(best)}`);
  return { source, weight: rules.share[source] * best, reason: `an object found with ${percent(best)}` };
}

function silent(source: LensSource, reason: string): JudgedSource {
  return { source, weight: 0, reason };
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

/**
 * One list from several, without repeats: at each position the source that is furthest behind its ratio gives its next
 * item (ties to the order of the sources), so that every beginning of the list holds the ratios. `groupOf` names
 * near-duplicates: one of each. A source that runs dry leaves its places to the others; a silent one (ratio 0) gives nothing.
 */
export function blendSources(
  offers: LensOffers,
  ratios: readonly SourceRatio[],
  limit: number,
  groupOf: (pinIndex: number) => number,
): readonly BlendedItem[] {
  const lanes = ratios.filter(({ ratio }) => ratio > 0).map(({ source, ratio }) => ({ source, ratio, at: 0, given: 0 }));
  const seen = new Set<number>();
  const items: BlendedItem[] = [];
  while (items.length < limit) {
    for (const lane of lanes) {
      const offered = offers[lane.source];
      while (lane.at < offered.length && seen.has(groupOf(offered[lane.at]))) lane.at++;
    }
    const open = lanes.filter((lane) => lane.at < offers[lane.source].length);
    if (open.length === 0) break;
    const next = open.reduce((a, b) => (deficit(b, items.length) > deficit(a, items.length) ? b : a));
    const pinIndex = offers[next.source][next.at++];
    next.given++;
    seen.add(groupOf(pinIndex));
    items.push({ pinIndex, source: next.source });
  }
  return items;
}

function deficit(lane: { readonly ratio: number; readonly given: number }, length: number): number {
  return lane.ratio * (length + 1) - lane.given;
}
