import type { VectorSet } from '../candidates/vectors/vector-set.ts';
import type { Accept, NeighborIndex } from '../candidates/visual/neighbor-index.ts';
import { PIN_BUYABLE, PIN_REMOVED, type PinColumns } from '../catalog/pins/pin-columns.ts';
import type { CodeTable } from '../features/visual-features.ts';
import { hammingAt } from '../math/bits.ts';
import { aggregatedTerms, type WeightedTerm } from './annotation-terms.ts';
import { inCategory } from './category-conformity.ts';

/** What visual search reads: resident columns, the exact scan over the codes of whole images, idf of the annotations. */
export interface VisualSearchSources {
  readonly columns: PinColumns;
  readonly index: NeighborIndex<Uint32Array>;
  readonly bits: number;
  readonly idf: Float32Array;
  /** The vectors that the net makes beside its codes, and those codes; null or absent: it makes none. */
  readonly vectors?: { readonly set: VectorSet; readonly codes: CodeTable } | null;
}

interface VisualQuery {
  /** Binary code of the image or crop. */
  readonly code: Uint32Array;
  /** The net's short vector of it, of length 1; null or absent: there is none. */
  readonly embedding?: Float32Array | null;
  /** The pin it was cut from, -1 for an upload: neither it nor its near-duplicates are answers. */
  readonly pinIndex: number;
}

/** All filters that are given must hold. They act inside the scan, before the nearest are cut off; `boost` excludes nothing. */
export interface SearchFilters {
  /** Ordinal in `columns.categoryNames`; Similar Looks is this filter. */
  readonly category?: number;
  /** Buyable pins only; Shop the Look is this filter. */
  readonly buyable?: boolean;
  readonly exclude?: ReadonlySet<number>;
  /** Near-duplicate groups that the user has hidden. */
  readonly hidden?: ReadonlySet<number>;
  /** Only pins that carry all of these annotations (ordinals in `columns.annotationTerms`): chips that were clicked. */
  readonly terms?: readonly number[];
  /** What the fields of a pin must be. */
  readonly fields?: Accept;
  /** Results known to be good for this very query (a dot's engagement): added to the score. */
  readonly boost?: (pinIndex: number) => number;
}

export interface VisualResult {
  readonly pinIndex: number;
  /** Differing bits. */
  readonly distance: number;
  /** Of the net's short vectors, where query and pin have one. */
  readonly cosine?: number;
  /** 1 - distance / bits; of pins with a cosine 1 - angle / pi, which is what codes of it agree in on the mean. */
  readonly visual: number;
  /** What saves add: at most half a percent, to order near equals. */
  readonly quality: number;
  /** What engagement with this very query adds. */
  readonly boost: number;
  /** What verified key points add (0 or 0.5 to 1); absent of searches that verify none. */
  readonly sameness?: number;
  /** visual + quality + boost + sameness, in this order. */
  readonly score: number;
}

/** Nearest images that re-ranking and pages are made of; the same for every page, so that pages never repeat. */
const POOL = 1000;
/** What the saves of a pin may add: at most the worth of half a percent of the bits, for a pin with 1,000 saves or more. */
const QUALITY_WEIGHT = 0.005;
const QUALITY_SAVES = 1000;

/**
 * Flashlight's retrieval (paper, section 7): the nearest images by exact Hamming distance, filters applied inside the
 * scan, then light re-ranking: of near-duplicates only the best stays, and saves break near ties, because a crop has no
 * metadata. At most 1,000, best first; equal scores stand in ascending pin index. Of a net that gives short vectors, the graph
 * over them finds the nearest, the vectors themselves score them, and the scan finds those that have none.
 */
export async function visualSearch(
  query: VisualQuery,
  filters: SearchFilters,
  sources: VisualSearchSources,
): Promise<readonly VisualResult[]> {
  const { columns } = sources;
  const accept = acceptOf(query, filters, columns);
  const found = [...byVector(query, accept, sources), ...(await byCode(query, accept, sources))];
  const results = found.map(({ visual, ...near }): VisualResult => {
    const { pinIndex } = near;
    const quality = QUALITY_WEIGHT * Math.min(1, Math.log1p(columns.saves[pinIndex]) / Math.log1p(QUALITY_SAVES));
    const boost = filters.boost?.(pinIndex) ?? 0;
    return { ...near, visual, quality, boost, score: visual + quality + boost };
  });
  results.sort((a, b) => b.score - a.score || a.pinIndex - b.pinIndex);
  return oneOfEachGroup(results.slice(0, POOL), columns);
}

type Near = Pick<VisualResult, 'pinIndex' | 'distance' | 'cosine' | 'visual'>;

/** The nearest by the net's short vectors, each with its true cosine; none where the net or the query has none. */
function byVector({ code, embedding }: VisualQuery, accept: Accept, { vectors, bits }: VisualSearchSources): readonly Near[] {
  if (!vectors || !embedding) return [];
  const { set, codes } = vectors;
  const { words } = codes;
  const withCode: Accept = (pin) => pin < codes.capacity && codes.has[pin] === 1 && accept(pin);
  return Array.from(set.nearest(embedding, Math.min(POOL, set.pinIndexes.length), withCode).pinIndexes, (pinIndex): Near => {
    const cosine = set.cosineOf(embedding, pinIndex) ?? 0;
    const distance = Math.min(bits, hammingAt(codes.codes, pinIndex * words, code, 0, words));
    return { pinIndex, distance, cosine, visual: 1 - Math.acos(Math.max(-1, Math.min(1, cosine))) / Math.PI };
  });
}

/** The nearest by code, of the pins that no vector finds. */
async function byCode(query: VisualQuery, accept: Accept, { index, bits, vectors }: VisualSearchSources): Promise<readonly Near[]> {
  const found = query.embedding ? vectors : null;
  if (found && !someLack(found)) return [];
  const wanted: Accept = found ? (pin) => found.set.rowOf(pin) < 0 && accept(pin) : accept;
  const { pinIndexes, distances } = await index.search(query.code, POOL, wanted);
  return Array.from(pinIndexes, (pinIndex, i): Near => ({ pinIndex, distance: distances[i], visual: 1 - distances[i] / bits }));
}

/** Whether a pin has a code and no vector: its picture came after the vectors were made. */
function someLack({ set, codes: { has, capacity } }: NonNullable<VisualSearchSources['vectors']>): boolean {
  for (let pin = 0; pin < capacity; pin++) if (has[pin] === 1 && set.rowOf(pin) < 0) return true;
  return false;
}

/** Terms of the first results, to narrow by. */
export function searchAnnotations(results: readonly VisualResult[], { columns, idf }: VisualSearchSources): readonly WeightedTerm[] {
  return aggregatedTerms(
    results.map((result) => result.pinIndex),
    columns,
    idf,
  );
}

/** Which pins may answer a query under the filters. */
export function acceptOf(query: Pick<VisualQuery, 'pinIndex'>, filters: SearchFilters, columns: PinColumns): Accept {
  const { category, buyable, exclude, hidden, terms = [], fields } = filters;
  const ownGroup = query.pinIndex < 0 ? -1 : columns.group[query.pinIndex];
  return (pin) =>
    (columns.flags[pin] & PIN_REMOVED) === 0 &&
    columns.group[pin] !== ownGroup &&
    (!buyable || (columns.flags[pin] & PIN_BUYABLE) !== 0) &&
    (category === undefined || inCategory(pin, category, columns)) &&
    terms.every((term) => hasTerm(pin, term, columns)) &&
    !exclude?.has(pin) &&
    !hidden?.has(columns.group[pin]) &&
    (fields === undefined || fields(pin));
}

/** Whether a pin carries an annotation. */
export function hasTerm(pin: number, term: number, { annotations }: PinColumns): boolean {
  const end = annotations.start[pin] + annotations.length[pin];
  for (let i = annotations.start[pin]; i < end; i++) if (annotations.ordinals[i] === term) return true;
  return false;
}

/** The first of each near-duplicate group. */
function oneOfEachGroup(results: readonly VisualResult[], columns: PinColumns): readonly VisualResult[] {
  const seen = new Set<number>();
  return results.filter(({ pinIndex }) => {
    const group = columns.group[pinIndex];
    if (seen.has(group)) return false;
    seen.add(group);
    return true;
  });
}
