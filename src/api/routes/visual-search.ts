/** Visual search over HTTP: a region of a picture in; look-alikes, terms and colours out. Also its restricted forms. */
import multipart from '@fastify/multipart';
import { PIN_BUYABLE, PIN_REMOVED } from '../../catalog/pins/pin-columns.ts';
import type { Context } from '../../service/context.ts';
import { ServiceError } from '../../errors.ts';
import { categoryConformity, heaviestCategory, inCategory } from '../../search/category-conformity.ts';
import { engagementBoost } from '../../search/dot-engagement.ts';
import {
  hasTerm,
  searchAnnotations,
  type SearchFilters,
  visualSearch,
  type VisualResult,
  type VisualSearchSources,
} from '../../search/flashlight.ts';
import type { Familiarity } from '../../search/familiarity.ts';
import type { QueryPicture, RegionLook } from '../../search/picture.ts';
import { type LookPart, shopTheLook } from '../../search/shop-the-look.ts';
import { type Box, pixelsToFractions } from '../../vision/box.ts';
import { thresholdsFor } from '../../search/search-thresholds.ts';
import { fieldsBeside } from './item-fields.ts';
import { lensRoutes } from './lens.ts';
import { objectRoutes } from './objects.ts';
import type { App, Service } from './routes.ts';
import { replies } from '../schemas.ts';
import { type Mode, VisualReply } from '../search-schemas.ts';
import { VisualDesk } from './visual-desk.ts';
import { coloursOf, listHead, logVisualList, placeOf, visualOptions } from './visual-list.ts';
import { gatherPicture, type VisualQuestion, visualQuestion } from './visual-query.ts';

const PER_PART = 4;

export const visualSchema = <R>(summary: string, reply: R) => ({
  summary,
  tags: ['visual search'],
  consumes: ['application/json', 'multipart/form-data'],
  response: replies(reply),
});

export function visualSearchRoutes(app: App, service: Service): void {
  const { context, metrics } = service;
  let opened: VisualDesk | null = null;
  const desk = (): VisualDesk => {
    opened ??= new VisualDesk(context);
    return opened;
  };
  app.register(multipart);
  app.addHook('onClose', async () => opened?.close());
  const schema = visualSchema(
    'Pins that look like a picture, or like a region of it; with `mode` also similar looks, the look to shop, the exact product',
    VisualReply,
  );
  app.post(
    '/v1/visual-search',
    { schema, config: { scope: 'read', lane: 'heavy', form: true, body: 'picture', gather: gatherPicture(service) } },
    async (request) => {
      const startedAt = performance.now();
      const question = await visualQuestion(context, request);
      const options = visualOptions(context, question, 'visual-search');
      const found = await searchRegion(context, desk(), question);
      const { reply, logged } = await answer(context, desk(), question, found);
      const start = placeOf(question.request.cursor);
      if (!question.request.preview)
        logVisualList(context, metrics, request, {
          surface: 'visual-search',
          options,
          pinIndex: question.pinIndex,
          region: regionOf(question, found),
          start,
          items: logged,
          startedAt,
        });
      request.line.timings = found.timings;
      return {
        ...listHead(context, options),
        ...reply,
        items: withLikeness(reply.items, desk().familiarNow, found.sources.bits),
        modes: modesOf(context, desk()),
        colours: coloursOf(found.look.colours),
        box: found.box,
        ...(question.request.explain ? { timings: found.timings } : {}),
      };
    },
  );
  lensRoutes(app, service, desk);
  objectRoutes(app, service, desk);
}

/** How like each item is, in a word, as far as the catalog's own pictures have told what that means. */
function withLikeness<T extends { readonly distance: number }>(items: readonly T[], familiar: Familiarity | null, bits: number) {
  const wordOf = (distance: number): { likeness?: 'very like' | 'like' } => {
    const agreement = 1 - distance / bits;
    if (familiar === null || agreement < familiar.least) return {};
    return { likeness: agreement >= familiar.middle ? 'very like' : 'like' };
  };
  return items.map((item) => ({ ...item, ...wordOf(item.distance) }));
}

/** The modes that have something to answer with. */
function modesOf({ pins }: Context, { fitted }: VisualDesk): Mode[] {
  const isBuyable = pins.flags.subarray(0, pins.count).some((flags) => (flags & PIN_BUYABLE) !== 0 && (flags & PIN_REMOVED) === 0);
  return [
    'flashlight',
    ...(pins.categoryNames.length > 0 ? (['similar-looks'] as const) : []),
    ...(isBuyable ? (['shop-the-look'] as const) : []),
    ...(fitted.exactProduct ? (['exact-product'] as const) : []),
  ];
}

/** A region that was read: what it looks like, what it is searched among, and the milliseconds of each stage. */
export interface FoundRegion {
  readonly picture: QueryPicture;
  readonly look: RegionLook;
  readonly box: Box | null;
  readonly width: number;
  readonly height: number;
  readonly sources: VisualSearchSources;
  readonly timings: Record<string, number>;
}

/** Reads the picture and describes the region. Throws BOX_INVALID, IMAGE_..., FEATURES_NOT_READY when it takes too long. */
export async function searchRegion(context: Context, desk: VisualDesk, question: VisualQuestion): Promise<FoundRegion> {
  const { request, pinIndex, boxUnit } = question;
  const { sources, net, features } = desk;
  const startedAt = performance.now();
  const picture = question.upload ? { bytes: question.upload, key: null } : await desk.pictureOf(pinIndex);
  const { box, width, height } = await desk.reader.region(picture.bytes, request.box, boxUnit);
  const readAt = performance.now();
  const known = box === null ? desk.knownSight(pinIndex, features) : null;
  const look = await desk.inTime(() => desk.reader.look(picture, box, net, known), request.pinId ?? 'of this image');
  const timings = { read: readAt - startedAt, describe: performance.now() - readAt };
  return { picture, look, box, width, height, sources, timings };
}

/** What a request asks of its results. An unknown category or term leaves none. */
export function filtersOf({ pins }: Context, { request, filter }: VisualQuestion): SearchFilters {
  const ordinal = (names: readonly string[], name: string): number => names.indexOf(name.trim().toLowerCase());
  const { category, term, terms = [], buyable = false, exclude = [] } = request;
  const asked = term === undefined ? terms : [term, ...terms];
  return {
    ...(category === undefined ? {} : { category: ordinal(pins.categoryNames, category) }),
    terms: asked.map((name) => ordinal(pins.annotationTerms, name)),
    buyable,
    exclude: new Set(exclude.map((id) => pins.indexOf(id))),
    ...(filter ? { fields: filter.test } : {}),
  };
}

/** Whether a pin passes the filters, for sources that do not filter themselves. */
export function passes(pin: number, { category, terms = [], buyable, exclude, fields }: SearchFilters, { pins }: Context): boolean {
  return (
    (category === undefined || inCategory(pin, category, pins)) &&
    terms.every((term) => hasTerm(pin, term, pins)) &&
    (!buyable || (pins.flags[pin] & PIN_BUYABLE) !== 0) &&
    !exclude?.has(pin) &&
    (fields === undefined || fields(pin))
  );
}

/** What the mode of a search adds to the head of its reply. */
type PageReply = Omit<VisualReply, 'modes' | keyof ReturnType<typeof listHead> | 'colours' | 'box' | 'timings'>;

interface Answer {
  readonly reply: PageReply;
  readonly logged: readonly { readonly pinIndex: number; readonly score: number; readonly source: string }[];
}

function answer(context: Context, desk: VisualDesk, question: VisualQuestion, found: FoundRegion): Promise<Answer> {
  const { mode = 'flashlight' } = question.request;
  if (mode === 'shop-the-look') return lookToShop(context, desk, question, found);
  if (mode === 'similar-looks') return similarLooks(context, question, found);
  if (mode === 'exact-product') return exactProduct(context, desk, question, found);
  return flashlight(context, question, found);
}

async function flashlight(context: Context, question: VisualQuestion, found: FoundRegion): Promise<Answer> {
  const boost = boostOf(context, question, found);
  const results = await timedSearch(question, found, { ...filtersOf(context, question), ...(boost ? { boost } : {}) });
  return pageOf(context, question, found, results, {});
}

/** Similar Looks: the same, within the category that was given, or the pin's own, or the one of most results. */
async function similarLooks(context: Context, question: VisualQuestion, found: FoundRegion): Promise<Answer> {
  const filters = filtersOf(context, question);
  const { pins } = context;
  let category = filters.category ?? (question.pinIndex < 0 ? -1 : heaviestCategory(question.pinIndex, pins));
  if (category < 0 && filters.category === undefined) {
    const all = await timedSearch(question, found, filters);
    const conforming = categoryConformity(
      all.map(({ pinIndex }) => pinIndex),
      pins,
    ).category;
    category = conforming === null ? -1 : pins.categoryNames.indexOf(conforming);
  }
  const restricted = category < 0 && filters.category === undefined ? filters : { ...filters, category };
  const results = await timedSearch(question, found, restricted);
  return pageOf(context, question, found, results, { category: pins.categoryNames[category] ?? null });
}

/** Exact product: only pins nearer than the fitted distance, and how often that is right. */
async function exactProduct(context: Context, desk: VisualDesk, question: VisualQuestion, found: FoundRegion): Promise<Answer> {
  const rule = desk.fitted.exactProduct;
  if (!rule)
    throw new ServiceError('INDEX_UNAVAILABLE', {
      index: 'exact product',
      reason: 'its distance is not fitted for the active net: run fit-search',
    });
  const results = await timedSearch(question, found, filtersOf(context, question));
  return pageOf(
    context,
    question,
    found,
    results.filter(({ distance }) => distance <= rule.distanceMax),
    { exactProduct: rule },
  );
}

async function lookToShop(context: Context, desk: VisualDesk, question: VisualQuestion, found: FoundRegion): Promise<Answer> {
  const { objects } = desk;
  const { picture, sources, look, box } = found;
  const seen = context.looks.objectsIn(await desk.reader.detect(picture))?.objects ?? [];
  const sure = seen.filter(
    (object) => object.score >= thresholdsFor(object, desk.fitted).score && (box === null || holdsMiddle(box, object.box)),
  );
  const asked = box !== null && sure.length === 0 ? [{ label: '', score: 1, box }] : sure;
  const codes = await Promise.all(asked.map((object) => desk.reader.code(picture, object.box, desk.net)));
  const scene = {
    code: look.code,
    pinIndex: question.pinIndex,
    objects: asked.map(({ label, score, box: at }, i) => ({ label, score, box: at, code: codes[i] })),
  };
  const company = objects?.company ?? { images: 0, counts: new Map(), together: new Map() };
  const { exclude = new Set<number>(), fields } = filtersOf(context, question);
  const shelves = { sources, index: desk.objectIndex, company, exclude, ...(fields ? { fields } : {}) };
  const parts = await shopTheLook(scene, shelves, PER_PART);
  const items = parts.flatMap((part, at) => part.items.map((item) => ({ item, part, at })));
  const beside = fieldsBeside(
    question.fieldsOf,
    items.map(({ item }) => item),
  );
  return {
    reply: {
      items: items.map(({ item, part, at }, i) => ({
        ...itemOf(context, item, i + 1),
        ...beside(i),
        part: at,
        forLabel: part.label,
        completes: part.box === null,
      })),
      nextCursor: null,
      annotations: [],
      look: parts.map((part) => partReply(part)),
    },
    logged: items.map(({ item }) => ({ ...item, source: 'visual-search' })),
  };
}

/** Objects that a drawn box means: those whose middle it holds; where there are none, it means itself. */
function holdsMiddle(box: Box, object: Box): boolean {
  const [x, y] = [(object[0] + object[2]) / 2, (object[1] + object[3]) / 2];
  return x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
}

function partReply({ label, box, confidence, items }: LookPart) {
  return { label, box, confidence, completes: box === null, count: items.length };
}

async function timedSearch(
  { pinIndex }: VisualQuestion,
  { look, sources, timings }: FoundRegion,
  filters: SearchFilters,
): Promise<readonly VisualResult[]> {
  const startedAt = performance.now();
  const results = await visualSearch({ code: look.code, pinIndex }, filters, sources);
  timings.search = (timings.search ?? 0) + performance.now() - startedAt;
  return results;
}

function pageOf(
  context: Context,
  question: VisualQuestion,
  { sources, timings }: FoundRegion,
  results: readonly VisualResult[],
  more: Pick<PageReply, 'category' | 'exactProduct'>,
): Answer {
  const startedAt = performance.now();
  const { limit = 25, cursor, explain = false } = question.request;
  const start = placeOf(cursor);
  const page = results.slice(start, start + limit);
  const beside = fieldsBeside(question.fieldsOf, page);
  const items = page.map((result, at) => ({
    ...itemOf(context, result, start + at + 1),
    ...beside(at),
    ...(explain ? { terms: termsOf(result) } : {}),
  }));
  const annotations = searchAnnotations(results, sources);
  timings.reply = performance.now() - startedAt;
  return {
    reply: { items, nextCursor: start + limit < results.length ? String(start + limit) : null, annotations, ...more },
    logged: page.map((result) => ({ ...result, source: 'visual-search' })),
  };
}

function itemOf(
  { pins, catalog }: Context,
  { pinIndex, distance, score }: { pinIndex: number; distance: number; score: number },
  position: number,
) {
  return {
    pinId: pins.idOf(pinIndex),
    position,
    score,
    distance,
    sources: [{ name: 'visual-search', score }],
    title: catalog.pins.get(pinIndex)?.title ?? '',
  };
}

/** The terms of a score, adding up to it from left to right. */
function termsOf({ visual, quality, boost }: VisualResult) {
  const term = (feature: string, value: number) => ({ feature, value, weight: 1, contribution: value });
  return [term('visual similarity', visual), term('saves', quality), term('engagement with this region', boost)];
}

function boostOf({ log }: Context, { pinIndex }: VisualQuestion, { box, width, height }: FoundRegion) {
  return pinIndex < 0 || box === null ? null : engagementBoost(log.crops, pinIndex, pixelsToFractions(box, width, height));
}

function regionOf({ request, pinIndex }: VisualQuestion, { box, width, height }: FoundRegion) {
  if (pinIndex < 0 || box === null) return null;
  return { box: pixelsToFractions(box, width, height), byHand: request.via !== 'dot' };
}
