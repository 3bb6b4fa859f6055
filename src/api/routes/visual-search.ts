/** Visual search over HTTP: a region of a picture in; look-alikes, terms and colours out. Also its restricted forms. */
import multipart from '@fastify/multipart';
import type { Familiarity } from '../../search/familiarity.ts';
import type { VisualResult } from '../../search/flashlight.ts';
import type { LookPart } from '../../search/shop-the-look.ts';
import type { Context } from '../../service/context.ts';
import { availableModes, regionOfPin, searchPicture, type VisualAnswer } from '../../visual-search.ts';
import { InTime } from '../in-time.ts';
import { replies } from '../schemas.ts';
import { type Mode, VisualReply, type VisualRequest } from '../search-schemas.ts';
import { fieldsBeside } from './item-fields.ts';
import { lensRoutes } from './lens.ts';
import { objectRoutes } from './objects.ts';
import type { App, Service } from './routes.ts';
import { coloursOf, listHead, logVisualList, missingOf, placeOf, visualOptions } from './visual-list.ts';
import { gatherPicture, pictureQuestion, type VisualQuestion, visualQuestion } from './visual-query.ts';

export function visualSearchRoutes(app: App, service: Service): void {
  const { context, metrics } = service;
  const { visualWaitMs, heavyInFlight } = context.config;
  const inTime = new InTime(visualWaitMs, heavyInFlight);
  app.register(multipart);
  const schema = {
    summary: 'Pins that look like a picture, or like a region of it; with `mode` also similar looks, the look to shop, the exact product',
    tags: ['visual search'],
    consumes: ['application/json', 'multipart/form-data'],
    response: replies(VisualReply),
  };
  app.post(
    '/v1/visual-search',
    { schema, config: { scope: 'read', lane: 'heavy', form: true, body: 'picture', gather: gatherPicture(service) } },
    async (request) => {
      const startedAt = performance.now();
      const question = await visualQuestion(context, request);
      const { pinId = 'of this image', preview, explain, via } = question.request;
      const mode = askedMode(question.request.mode);
      const options = visualOptions(context, question, 'visual-search');
      const found = await searchPicture(context.search, pictureQuestion(context, question), mode, (work) => inTime.run(work, pinId));
      const { region } = found;
      const start = placeOf(question.request.cursor);
      const page = found.look ? shelvesReply(context, question, found.look) : pageReply(context, question, found, start);
      const box = regionOfPin(region);
      if (!preview)
        logVisualList(context, metrics, request, {
          surface: 'visual-search',
          options,
          pinIndex: question.pinIndex,
          region: box && { box, byHand: via !== 'dot' },
          start,
          items: page.logged.map((item) => ({ ...item, source: 'visual-search' })),
          startedAt,
        });
      request.line.timings = region.timings;
      return {
        ...listHead(context, options, [...missingOf(region), ...(found.missing ?? [])]),
        ...page.reply,
        items: withLikeness(page.reply.items, context.search.familiarNow, region.sources.bits),
        modes: availableModes(context.search),
        colours: coloursOf(region.look.colours),
        box: region.box,
        ...(explain ? { timings: region.timings } : {}),
      };
    },
  );
  lensRoutes(app, service, inTime);
  objectRoutes(app, service, inTime);
}

/** The mode by its full name. */
function askedMode(mode: VisualRequest['mode'] = 'flashlight'): Mode {
  return mode === 'exact' ? 'exact-product' : mode;
}

/** How like each item is, in a word, as far as the catalog's own pictures say what that means. */
function withLikeness<T extends { readonly distance: number }>(items: readonly T[], familiar: Familiarity | null, bits: number) {
  const wordOf = (distance: number): { likeness?: 'very like' | 'like' } => {
    const agreement = 1 - distance / bits;
    if (familiar === null || agreement < familiar.least) return {};
    return { likeness: agreement >= familiar.middle ? 'very like' : 'like' };
  };
  return items.map((item) => ({ ...item, ...wordOf(item.distance) }));
}

/** What the mode of a search adds to the head of its reply, and the items as the log keeps them. */
interface Page {
  readonly reply: Omit<VisualReply, 'modes' | keyof ReturnType<typeof listHead> | 'colours' | 'box' | 'timings'>;
  readonly logged: readonly { readonly pinIndex: number; readonly score: number }[];
}

function pageReply(context: Context, question: VisualQuestion, answer: VisualAnswer, start: number): Page {
  const startedAt = performance.now();
  const { limit = 25, explain = false } = question.request;
  const { results, annotations, category, exactProduct, region } = answer;
  const page = results.slice(start, start + limit);
  const beside = fieldsBeside(question.itemFields, page);
  const items = page.map((result, at) => ({
    ...itemOf(context, result, start + at + 1),
    ...beside(at),
    ...matchOf(answer, result),
    ...(explain ? { terms: termsOf(result) } : {}),
  }));
  region.timings.reply = performance.now() - startedAt;
  const nextCursor = start + limit < results.length ? String(start + limit) : null;
  const found = { ...(category === undefined ? {} : { category }), ...(exactProduct ? { exactProduct } : {}) };
  return { reply: { items, nextCursor, annotations, ...found }, logged: page };
}

/** Where the same thing is in both pictures, of an item that key points found. */
function matchOf({ matches }: VisualAnswer, { pinIndex }: VisualResult) {
  const { inliers, regions, extent } = matches?.get(pinIndex) ?? {};
  return regions && inliers !== undefined && extent ? { match: { inliers, query: regions.query, result: regions.result, extent } } : {};
}

/** Shop the look: the pins of all parts, one part after the other. */
function shelvesReply(context: Context, question: VisualQuestion, parts: readonly LookPart[]): Page {
  const items = parts.flatMap((part, at) => part.items.map((item) => ({ item, part, at })));
  const logged = items.map(({ item }) => item);
  const beside = fieldsBeside(question.itemFields, logged);
  const reply = {
    items: items.map(({ item, part, at }, i) => ({
      ...itemOf(context, item, i + 1),
      ...beside(i),
      part: at,
      forLabel: part.label,
      completes: part.box === null,
    })),
    nextCursor: null,
    annotations: [],
    look: parts.map(({ label, box, confidence, items: { length: count } }) => ({ label, box, confidence, completes: box === null, count })),
  };
  return { reply, logged };
}

function itemOf(
  { pins, catalog }: Context,
  { pinIndex, distance, cosine, score }: { pinIndex: number; distance: number; cosine?: number; score: number },
  position: number,
) {
  return {
    pinId: pins.idOf(pinIndex),
    position,
    score,
    distance,
    ...(cosine === undefined ? {} : { cosine }),
    sources: [{ name: 'visual-search', score }],
    title: catalog.pins.get(pinIndex)?.title ?? '',
  };
}

/** The terms of a score, adding up to it from left to right. */
function termsOf({ visual, quality, boost, sameness }: VisualResult) {
  const term = (feature: string, value: number) => ({ feature, value, weight: 1, contribution: value });
  const terms = [term('visual similarity', visual), term('saves', quality), term('engagement with this region', boost)];
  return sameness === undefined ? terms : [...terms, term('verified key points', sameness)];
}
