/**
 * Given a region of a picture, which pins look like it? The second spine of the service. A search reads the region, compares
 * its code with all codes of the catalog, and answers by its mode. It knows neither HTTP nor experiments.
 */
import { PIN_BUYABLE, PIN_REMOVED } from './catalog/pins/pin-columns.ts';
import type { SizedMatch } from './exact/exact-search-thread.ts';
import { pixelsToFractions, type Box } from './vision/box.ts';
import type { WeightedTerm } from './search/annotation-terms.ts';
import { categoryConformity, heaviestCategory } from './search/category-conformity.ts';
import { engagementBoost } from './search/dot-engagement.ts';
import { searchAnnotations, type SearchFilters, type VisualResult } from './search/flashlight.ts';
import { blendedList, type LensList } from './search/lens.ts';
import { alike, type FoundRegion, readRegion } from './search/region.ts';
import type { InTime, PictureQuestion, SearchParts } from './search/search-parts.ts';
import { sameThings } from './search/same-thing.ts';
import { type ServingThresholds, thresholdsFor } from './search/search-thresholds.ts';
import { type LookPart, shopTheLook } from './search/shop-the-look.ts';

/**
 * flashlight: all that looks alike. similar-looks: within one category. shop-the-look: things to buy for each object.
 * exact-product: the same thing only.
 */
type SearchMode = 'flashlight' | 'similar-looks' | 'shop-the-look' | 'exact-product';

/** What a search found. Of shop-the-look the pins stand in `look`, of all other modes in `results`, best first. */
export interface VisualAnswer {
  readonly region: FoundRegion;
  readonly results: readonly VisualResult[];
  /** Terms of the first results, to narrow by. */
  readonly annotations: readonly WeightedTerm[];
  /** Similar looks: the category that all results are of. */
  readonly category?: string | null;
  /** Exact product: the fitted rule of distances, if there is one, and how often it is right. */
  readonly exactProduct?: NonNullable<ServingThresholds['exactProduct']>;
  /** Exact product: where the same thing is in both pictures, by pin. */
  readonly matches?: ReadonlyMap<number, SizedMatch>;
  /** What the answer had to do without. */
  readonly missing?: readonly string[];
  readonly look?: readonly LookPart[];
}

/** Pins offered for each part of a look. */
const PER_PART = 4;

/** @throws what `readRegion` throws, and INDEX_UNAVAILABLE for exact-product before `build-vocabulary` or `fit-search` ran. */
export async function searchPicture(
  parts: SearchParts,
  question: PictureQuestion,
  mode: SearchMode,
  inTime: InTime,
): Promise<VisualAnswer> {
  const region = await readRegion(parts, question, inTime);
  const { filters } = question;
  if (mode === 'shop-the-look') return { region, results: [], annotations: [], look: await lookOf(parts, region, filters) };
  if (mode === 'similar-looks') {
    const { results, category } = await similarLooks(parts, region, filters);
    return { region, results, annotations: searchAnnotations(results, region.sources), category };
  }
  if (mode === 'exact-product') {
    const { results, rule, matches, missing } = await sameThings(parts, region, filters, inTime);
    return {
      region,
      results,
      annotations: searchAnnotations(results, region.sources),
      matches,
      missing,
      ...(rule ? { exactProduct: rule } : {}),
    };
  }
  const boost = boostOf(parts, region);
  const results = await alike(region, { ...filters, ...(boost ? { boost } : {}) });
  return { region, results, annotations: searchAnnotations(results, region.sources) };
}

/** The modes that have something to answer with. */
export function availableModes({ pins, fitted, exact }: Pick<SearchParts, 'pins' | 'fitted' | 'exact'>): readonly SearchMode[] {
  const isForSale = (flags: number): boolean => (flags & PIN_BUYABLE) !== 0 && (flags & PIN_REMOVED) === 0;
  return [
    'flashlight',
    ...(pins.categoryNames.length > 0 ? (['similar-looks'] as const) : []),
    ...(pins.flags.subarray(0, pins.count).some(isForSale) ? (['shop-the-look'] as const) : []),
    ...(fitted.exactProduct || exact.isReady ? (['exact-product'] as const) : []),
  ];
}

/** Lens: what the picture shows, and one page of a blend of sources. @throws what `readRegion` throws. */
export async function lens(
  parts: SearchParts,
  question: PictureQuestion,
  page: { readonly start: number; readonly limit: number },
  inTime: InTime,
): Promise<LensList> {
  return blendedList(parts, await readRegion(parts, question, inTime), question.filters, page);
}

/** The region in fractions of its picture, as the log keeps it; null for uploads and whole pictures. */
export function regionOfPin({ pinIndex, box, width, height }: FoundRegion): Box | null {
  return pinIndex < 0 || box === null ? null : pixelsToFractions(box, width, height);
}

function boostOf({ crops }: SearchParts, region: FoundRegion): SearchFilters['boost'] | null {
  const box = regionOfPin(region);
  return box && engagementBoost(crops, region.pinIndex, box);
}

/** The category that was given, or the pin's own, or the one of most results. */
async function similarLooks({ pins }: SearchParts, region: FoundRegion, filters: SearchFilters) {
  const given = filters.category;
  let category = given ?? (region.pinIndex < 0 ? -1 : heaviestCategory(region.pinIndex, pins));
  if (category < 0 && given === undefined) {
    const all = (await alike(region, filters)).map(({ pinIndex }) => pinIndex);
    const conforming = categoryConformity(all, pins).category;
    category = conforming === null ? -1 : pins.categoryNames.indexOf(conforming);
  }
  const restricted = category < 0 && given === undefined ? filters : { ...filters, category };
  return { results: await alike(region, restricted), category: pins.categoryNames[category] ?? null };
}

/** A drawn box means the objects whose middle it holds; where there are none, it means itself. */
async function lookOf(parts: SearchParts, region: FoundRegion, filters: SearchFilters): Promise<readonly LookPart[]> {
  const { reader, net, fitted } = parts;
  const { picture, pinIndex, sources, look, box } = region;
  const seen = parts.objectsIn(await reader.detect(picture))?.objects ?? [];
  const sure = seen.filter(
    (object) => object.score >= thresholdsFor(object, fitted).score && (box === null || holdsMiddle(box, object.box)),
  );
  const asked = box !== null && sure.length === 0 ? [{ label: '', score: 1, box }] : sure;
  const codes = await Promise.all(asked.map((object) => reader.code(picture, object.box, net)));
  const objects = asked.map(({ label, score, box: at }, i) => ({ label, score, box: at, code: codes[i] }));
  const { exclude = new Set<number>(), hidden, fields } = filters;
  const { group } = parts.pins;
  const shown = (pin: number): boolean => !hidden?.has(group[pin]) && (fields === undefined || fields(pin));
  const shelves = { sources, index: parts.objectIndex, company: parts.company, exclude, fields: shown };
  return shopTheLook({ code: look.code, pinIndex, objects }, shelves, PER_PART);
}

function holdsMiddle(box: Box, object: Box): boolean {
  const [x, y] = [(object[0] + object[2]) / 2, (object[1] + object[3]) / 2];
  return x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
}
