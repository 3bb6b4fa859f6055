/** Lens: what a photo shows, and a blend of look-alikes, meaning-alikes and scenes that hold the thing (paper, section 8). */
import { PIN_BUYABLE, type PinColumns } from '../catalog/pins/pin-columns.ts';
import type { PinObject } from '../detection/pin-objects.ts';
import { BLEND_RULES, blendSources, type LensSource, type SourceRatio, sourceRatios } from './blend.ts';
import { inCategory } from './category-conformity.ts';
import { hasTerm, searchAnnotations, type SearchFilters, type VisualResult } from './flashlight.ts';
import type { SceneMatch } from './object-index.ts';
import { understand, type Understanding } from './query-understanding.ts';
import { alike, type FoundRegion } from './region.ts';
import type { SearchParts } from './search-parts.ts';
import { thresholdsFor } from './search-thresholds.ts';

/** Bits up to which an uploaded picture counts as one of the catalog's: a twentieth of the code. */
const SAME_PICTURE_SHARE = 0.05;
/** Items each source offers to the blend. */
const OFFERS = 200;
const TERMS_ASKED = 3;
/** Detections as sure as this are looked for among objects of their own kind only. */
const TRUSTED_LABEL = 0.5;

export interface LensItem {
  readonly pinIndex: number;
  readonly source: LensSource;
  /** By the source's own measure. */
  readonly score: number;
  readonly scene: SceneMatch | null;
}

export interface LensList {
  readonly items: readonly LensItem[];
  /** Whether another page follows. */
  readonly more: boolean;
  readonly understanding: Understanding;
  readonly ratios: readonly SourceRatio[];
}

type QueryObject = Pick<PinObject, 'label' | 'score' | 'box'>;

/** A page of the blend for a region: `limit` items from place `start`, from 0. */
export async function blendedList(
  parts: SearchParts,
  found: FoundRegion,
  filters: SearchFilters,
  { start, limit }: { readonly start: number; readonly limit: number },
): Promise<LensList> {
  const { pins } = parts;
  const { bits } = found.sources;
  const results = await alike(found, filters);
  const objects = await objectsIn(parts, found);
  const understanding = understoodQuery(parts, found, results, objects);
  const scenes = await scenesOf(parts, found, objects[0] ?? null, filters);
  const meant = meaningAlikes(parts, found, understanding, filters);
  const nearest = results.reduce((best, row) => Math.min(best, row.distance), bits);
  const ratios = sourceRatios(understanding, 1 - nearest / bits, { ...BLEND_RULES, visualMin: (await parts.familiar())?.least ?? 0 });
  const offers: Record<LensSource, ReadonlyMap<number, number>> = {
    'visual-search': scoresOf(results.slice(0, OFFERS)),
    'annotation-search': scoresOf(meant),
    'object-search': scoresOf(scenes),
  };
  const lanes = {
    'visual-search': [...offers['visual-search'].keys()],
    'annotation-search': [...offers['annotation-search'].keys()],
    'object-search': [...offers['object-search'].keys()],
  };
  const page = blendSources(lanes, ratios, start + limit + 1, (pinIndex) => pins.group[pinIndex]).slice(start);
  const sceneOf = new Map(scenes.map((scene) => [scene.pinIndex, scene]));
  const items = page.slice(0, limit).map(({ pinIndex, source }): LensItem => ({
    pinIndex,
    source,
    score: offers[source].get(pinIndex) ?? 0,
    scene: source === 'object-search' ? (sceneOf.get(pinIndex) ?? null) : null,
  }));
  return { items, more: page.length > limit, understanding, ratios };
}

function scoresOf(rows: readonly { readonly pinIndex: number; readonly score: number }[]): ReadonlyMap<number, number> {
  return new Map(rows.map((row) => [row.pinIndex, row.score]));
}

/** Objects of the query that their detector is as sure of as dots must be; a box that was drawn is the object itself. */
async function objectsIn(parts: SearchParts, { picture, box }: FoundRegion): Promise<readonly QueryObject[]> {
  if (box) return [{ label: '', score: 1, box }];
  const found = parts.objectsIn(await parts.reader.detect(picture));
  return (found?.objects ?? []).filter((object) => object.score >= thresholdsFor(object, parts.fitted).score);
}

function understoodQuery(
  { pins }: SearchParts,
  { pinIndex, look, sources, box }: FoundRegion,
  results: readonly VisualResult[],
  objects: Understanding['objects'],
): Understanding {
  const { colours, picture, words } = look;
  return understand({
    results,
    terms: searchAnnotations(results, sources),
    objects,
    colours,
    picture,
    words,
    columns: pins,
    sameDistance: sources.bits * SAME_PICTURE_SHARE,
    known: pinIndex >= 0 && box === null ? pinIndex : null,
  });
}

/** Scenes that hold something like the query's surest object; none when it holds no object. */
async function scenesOf(
  parts: SearchParts,
  { pinIndex, picture }: FoundRegion,
  object: QueryObject | null,
  filters: SearchFilters,
): Promise<readonly SceneMatch[]> {
  if (!object) return [];
  const { pins } = parts;
  const code = await parts.reader.code(picture, object.box, parts.net);
  const label = object.score >= TRUSTED_LABEL && object.label !== '' ? object.label : undefined;
  const accept = (pin: number): boolean => passes(pin, filters, pins);
  const found = parts.objectIndex.scenes({ code, pinIndex, ...(label ? { label } : {}), accept }, OFFERS, pins);
  return roomsFirst(found, (pin) => parts.objectsOf(pin));
}

/** Share of its picture above which an object is no part of a scene but all there is: a product shot. */
const ALONE_SHARE = 0.5;

/** Pictures in which the object takes less than half come before those that show little else; each half keeps its order. */
export function roomsFirst(
  scenes: readonly SceneMatch[],
  sizeOf: (pinIndex: number) => { readonly width: number; readonly height: number } | null,
): readonly SceneMatch[] {
  const isAlone = ({ pinIndex, box: [x1, y1, x2, y2] }: SceneMatch): boolean => {
    const size = sizeOf(pinIndex);
    return size !== null && (x2 - x1) * (y2 - y1) > ALONE_SHARE * size.width * size.height;
  };
  const alone = scenes.map(isAlone);
  return [...scenes.filter((_, at) => !alone[at]), ...scenes.filter((_, at) => alone[at])];
}

/** Pins whose text answers to the surest terms, by BM25; neither the query nor its copies. */
function meaningAlikes({ pins, text }: SearchParts, { pinIndex }: FoundRegion, { annotations }: Understanding, filters: SearchFilters) {
  const words = annotations
    .filter((row) => row.confidence > 0)
    .slice(0, TERMS_ASKED)
    .map((row) => row.term);
  if (words.length === 0) return [];
  const own = pinIndex < 0 ? -1 : pins.group[pinIndex];
  return text
    .search(words.join(' '), OFFERS)
    .filter(({ pinIndex: pin }) => pin < pins.count && pins.group[pin] !== own && passes(pin, filters, pins));
}

/** Whether a pin passes the filters, for sources that do not filter themselves. */
function passes(pin: number, { category, terms = [], buyable, exclude, hidden, fields }: SearchFilters, pins: PinColumns): boolean {
  return (
    (category === undefined || inCategory(pin, category, pins)) &&
    terms.every((term) => hasTerm(pin, term, pins)) &&
    (!buyable || (pins.flags[pin] & PIN_BUYABLE) !== 0) &&
    !exclude?.has(pin) &&
    !hidden?.has(pins.group[pin]) &&
    (fields === undefined || fields(pin))
  );
}
