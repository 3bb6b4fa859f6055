/** Lens over HTTP: a photo in; what it shows, and a blend of look-alikes, meaning-alikes and scenes that hold the thing. */
import type { LensItem } from '../../search/lens.ts';
import type { Understanding } from '../../search/query-understanding.ts';
import type { Context } from '../../service/context.ts';
import { lens } from '../../visual-search.ts';
import type { InTime } from '../in-time.ts';
import { replies } from '../schemas.ts';
import { LensReply } from '../search-schemas.ts';
import { fieldsBeside } from './item-fields.ts';
import type { App, Service } from './routes.ts';
import { coloursOf, listHead, logVisualList, placeOf, visualOptions } from './visual-list.ts';
import { gatherPicture, pictureQuestion, visualQuestion } from './visual-query.ts';

export function lensRoutes(app: App, service: Service, inTime: InTime): void {
  const { context, metrics } = service;
  const schema = {
    summary: 'A photo in: what it shows, and a blend of look-alikes, meaning-alikes and scenes',
    tags: ['visual search'],
    consumes: ['application/json', 'multipart/form-data'],
    response: replies(LensReply),
  };
  app.post(
    '/v1/lens',
    { schema, config: { scope: 'read', lane: 'heavy', form: true, body: 'picture', gather: gatherPicture(service) } },
    async (request) => {
      const startedAt = performance.now();
      const question = await visualQuestion(context, request);
      const { cursor, limit = 25, pinId = 'of this image' } = question.request;
      const options = visualOptions(context, question, 'lens');
      const start = placeOf(cursor);
      const { items, more, understanding, ratios } = await lens(
        context.search,
        pictureQuestion(context, question),
        { start, limit },
        (work) => inTime.run(work, pinId),
      );
      logVisualList(context, metrics, request, {
        surface: 'lens',
        options,
        pinIndex: question.pinIndex,
        region: null,
        start,
        items,
        startedAt,
      });
      const beside = fieldsBeside(question.itemFields, items);
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
