/** Lens over HTTP: a photo in; what it shows, and a blend of look-alikes, meaning-alikes and scenes that hold the thing. */
import type { Context } from '../../service/context.ts';
import type { PinObject } from '../../detection/pin-objects.ts';
import { BLEND_RULES, blendSources, type LensSource, sourceRatios } from '../../search/blend.ts';
import { searchAnnotations, type SearchFilters, visualSearch, type VisualResult } from '../../search/flashlight.ts';
import type { SceneMatch } from '../../search/object-index.ts';
import { understand, type Understanding } from '../../search/query-understanding.ts';
import { thresholdsFor } from '../../search/search-thresholds.ts';
import { LensReply } from '../search-schemas.ts';
import { fieldsBeside } from './item-fields.ts';
import type { App, Service } from './routes.ts';
import type { VisualDesk } from './visual-desk.ts';
import { coloursOf, listHead, logVisualList, placeOf, visualOptions } from './visual-list.ts';
import { gatherPicture, type VisualQuestion, visualQuestion } from './visual-query.ts';
import { filtersOf, type FoundRegion, passes, searchRegion, visualSchema } from './visual-search.ts';

/** Bits up to which an uploaded picture counts as one of the catalogue's: a twentieth of the code. */
const SAME_PICTURE_SHARE = 0.05;
/** Items each source offers to the blend. */
const OFFERS = 200;
const TERMS_ASKED = 3;
/** Detections as sure as this are looked for among objects of their own kind only. */
const TRUSTED_LABEL = 0.5;

export function lensRoutes(app: App, service: Service, desk: () => VisualDesk): void {
  const { context, metrics } = service;
  const schema = visualSchema('A photo in: what it shows, and a blend of look-alikes, meaning-alikes and scenes', LensReply);
  app.post(
    '/v1/lens',
    { schema, config: { scope: 'read', lane: 'heavy', form: true, body: 'picture', gather: gatherPicture(service) } },
    async (request) => {
      const startedAt = performance.now();
      const question = await visualQuestion(context, request);
      const options = visualOptions(context, question, 'lens');
      const start = placeOf(question.request.cursor);
      const { items, more, understanding, ratios } = await blended(context, desk(), question, start);
      logVisualList(context, metrics, request, {
        surface: 'lens',
        options,
        pinIndex: question.pinIndex,
        region: null,
        start,
        items,
        startedAt,
      });
      const beside = fieldsBeside(question.fieldsOf, items);
      return {
        ...listHead(context, options),
        items: items.map((item, at) => ({ ...itemOf(context, item, start + at + 1), ...beside(at) })),
        nextCursor: more ? String(start + items.length) : null,
        understanding: understandingReply(context, understanding),
        annotations: understanding.annotations.map(({ term, weight }) => ({ term, weight })),
        colours: coloursOf(understanding.colours),
        blend: ratios,
      };
    },
  );
}

type QueryObject = Pick<PinObject, 'label' | 'score' | 'box'>;

interface LensItem {
  readonly pinIndex: number;
  readonly source: LensSource;
  /** By the source's own measure. */
  readonly score: number;
  readonly scene: SceneMatch | null;
}

async function blended(context: Context, desk: VisualDesk, question: VisualQuestion, start: number) {
  const { pins } = context;
  const filters = filtersOf(context, question);
  const found = await searchRegion(context, desk, question);
  const results = await visualSearch({ code: found.look.code, pinIndex: question.pinIndex }, filters, found.sources);
  const objects = await objectsIn(context, desk, found);
  const understanding = understoodQuery(context, question, found, results, objects);
  const scenes = await scenesOf(context, desk, question, found, objects[0] ?? null, filters);
  const meant = meaningAlikes(context, question, understanding, filters);
  const nearest = results.reduce((best, row) => Math.min(best, row.distance), found.sources.bits);
  const ratios = sourceRatios(understanding, 1 - nearest / found.sources.bits, {
    ...BLEND_RULES,
    visualMin: (await desk.familiar())?.least ?? 0,
  });
  const offers: Record<LensSource, ReadonlyMap<number, number>> = {
    'visual-search': new Map(results.slice(0, OFFERS).map((row) => [row.pinIndex, row.score])),
    'annotation-search': new Map(meant.map((row) => [row.pinIndex, row.score])),
    'object-search': new Map(scenes.map((row) => [row.pinIndex, row.score])),
  };
  const lanes = {
    'visual-search': [...offers['visual-search'].keys()],
    'annotation-search': [...offers['annotation-search'].keys()],
    'object-search': [...offers['object-search'].keys()],
  };
  const { limit = 25 } = question.request;
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

/** Objects of the query that their detector is as sure of as dots must be; a box that was drawn is the object itself. */
async function objectsIn(context: Context, desk: VisualDesk, { picture, box }: FoundRegion): Promise<readonly QueryObject[]> {
  if (box) return [{ label: '', score: 1, box }];
  const found = context.looks.objectsIn(await desk.reader.detect(picture));
  return (found?.objects ?? []).filter((object) => object.score >= thresholdsFor(object, desk.fitted).score);
}

function understoodQuery(
  { pins }: Context,
  { pinIndex }: VisualQuestion,
  { look, sources, box }: FoundRegion,
  results: readonly VisualResult[],
  objects: Understanding['objects'],
): Understanding {
  const terms = searchAnnotations(results, sources);
  const { colours, picture, words } = look;
  const known = pinIndex >= 0 && box === null ? pinIndex : null;
  return understand({
    results,
    terms,
    objects,
    colours,
    picture,
    words,
    columns: pins,
    sameDistance: sources.bits * SAME_PICTURE_SHARE,
    known,
  });
}

/** Scenes that hold something like the query's surest object; none when it holds no object. */
async function scenesOf(
  context: Context,
  desk: VisualDesk,
  { pinIndex }: VisualQuestion,
  { picture }: FoundRegion,
  object: QueryObject | null,
  filters: SearchFilters,
): Promise<readonly SceneMatch[]> {
  if (!object) return [];
  const code = await desk.reader.code(picture, object.box, desk.net);
  const label = object.score >= TRUSTED_LABEL && object.label !== '' ? object.label : undefined;
  const found = desk.objectIndex.scenes(
    { code, pinIndex, ...(label ? { label } : {}), accept: (pin) => passes(pin, filters, context) },
    OFFERS,
    context.pins,
  );
  return roomsFirst(found, (pin) => context.objectsOf(pin));
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
function meaningAlikes(context: Context, { pinIndex }: VisualQuestion, { annotations }: Understanding, filters: SearchFilters) {
  const { pins, catalog } = context;
  const words = annotations
    .filter((row) => row.confidence > 0)
    .slice(0, TERMS_ASKED)
    .map((row) => row.term);
  if (words.length === 0) return [];
  const own = pinIndex < 0 ? -1 : pins.group[pinIndex];
  return catalog.text
    .search(words.join(' '), OFFERS)
    .filter(({ pinIndex: pin }) => pin < pins.count && pins.group[pin] !== own && passes(pin, filters, context));
}

function itemOf(context: Context, { pinIndex, source, score, scene }: LensItem, position: number) {
  const { pins, catalog } = context;
  const size = scene && context.objectsOf(pinIndex);
  return {
    pinId: pins.idOf(pinIndex),
    position,
    score: 1 / position,
    source,
    sources: [{ name: source, score }],
    title: catalog.pins.get(pinIndex)?.title ?? '',
    ...(scene ? { box: scene.box, label: scene.label, distance: scene.distance } : {}),
    ...(size ? { extent: [size.width, size.height] as const } : {}),
  };
}

function understandingReply({ pins }: Context, { colours, knownPin, picture, ...understood }: Understanding) {
  return { ...understood, knownPin: knownPin === null ? null : pins.idOf(knownPin), colours: coloursOf(colours), picture: picture.kind };
}
