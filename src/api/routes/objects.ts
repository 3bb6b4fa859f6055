/** Object dots over HTTP: what detectors saw in a pin, and which of it the search believes in. */
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { isWebAddress } from '../../catalog/pins/image-reference.ts';
import type { PinObject } from '../../detection/pin-objects.ts';
import { reasonOf } from '../../errors.ts';
import type { DotThresholds } from '../../search/object-dots.ts';
import type { OfferedObject } from '../../search/pin-dots.ts';
import { thresholdsFor } from '../../search/search-thresholds.ts';
import type { Context } from '../../service/context.ts';
import { fractionsToPixels } from '../../vision/box.ts';
import type { InTime } from '../in-time.ts';
import { Id, PinParams, replies } from '../schemas.ts';
import { ObjectsReply } from '../search-schemas.ts';
import { listOptions, pinOf } from './list-options.ts';
import type { App, Service } from './routes.ts';

const ObjectsQuery = Type.Object({
  explain: Type.Optional(
    Type.Boolean({ description: 'Add the signals of every object, and by detector the thresholds and where they come from.' }),
  ),
  userId: Type.Optional(Id),
  sessionId: Type.Optional(Id),
  treatment: Type.Optional(Type.String({ maxLength: 2048 })),
});

/** The box that is offered where a treatment shows no dots: the middle of the picture. */
const DEFAULT_BOX = [0.2, 0.2, 0.8, 0.8] as const;

export function objectRoutes(app: App, { context }: Service, inTime: InTime): void {
  const schema = {
    summary: "The objects in a pin's picture: boxes, the dominant one, and which of them the search believes in",
    tags: ['objects'],
    params: PinParams,
    querystring: ObjectsQuery,
    response: replies(ObjectsReply),
  };
  // A picture that lies elsewhere is fetched before the request has a place among image work; why it did not come is said there.
  const refusals = new WeakMap<FastifyRequest, Error>();
  const gather = async (request: FastifyRequest): Promise<void> => {
    const pinIndex = context.pins.indexOf((request.params as { id: string }).id);
    const image = context.catalog.pins.get(pinIndex)?.image ?? '';
    if (!isWebAddress(image) || !context.search.dots.needsPicture(pinIndex)) return;
    await context.webImages.ofPin(image).catch((error: Error) => refusals.set(request, error));
  };
  app.get('/v1/pins/:id/objects', { schema, config: { scope: 'read', gather } }, async (request) => {
    const pinIndex = pinOf(context, request.params.id);
    const { explain = false, ...who } = request.query;
    const { dots } = listOptions(context, who, { surface: 'visual-search', pinIndex }).treatment;
    const reply = await objectsReply(context, inTime, pinIndex, {
      explain,
      thresholds: dots?.thresholds ?? {},
      refusal: refusals.get(request) ?? null,
    });
    const { width, height } = reply;
    const offer =
      dots?.show === 'box'
        ? { display: 'box' as const, defaultBox: fractionsToPixels(DEFAULT_BOX, width, height) }
        : { display: 'dots' as const };
    const marks = context.marks.of(pinIndex);
    return { ...reply, ...(marks && { marks }), ...offer };
  });
}

interface Wanted {
  readonly explain: boolean;
  /** What a treatment asks instead of the fitted thresholds. */
  readonly thresholds: Partial<DotThresholds>;
  /** Why the picture could not be had from elsewhere; null where it was, or is not needed. */
  readonly refusal: Error | null;
}

async function objectsReply(context: Context, inTime: InTime, pinIndex: number, wanted: Wanted): Promise<Omit<ObjectsReply, 'display'>> {
  try {
    if (wanted.refusal) throw wanted.refusal;
    const { search, pins } = context;
    const { found, signals } = await inTime.run(() => search.dots.seen(pinIndex), pins.idOf(pinIndex));
    if (!found) return { width: 0, height: 0, objects: [], missing: ['detections'] };
    if (!signals) return { ...found, missing: ['visual-features'] };
    const { fitted } = search;
    const asked = (object: Pick<PinObject, 'detector'>): DotThresholds => ({ ...thresholdsFor(object, fitted), ...wanted.thresholds });
    const objects = search.dots
      .offered(pinIndex, found, signals, asked)
      .map((object) => ({ ...object, words: search.dots.wordsOf(pinIndex, object) }));
    if (!wanted.explain) return { ...found, objects: objects.map(withoutSignals), missing: [] };
    const thresholds = Object.entries(fitted.dots).map(
      ([detector, dots]) => [detector, { ...dots, thresholds: asked({ detector }) }] as const,
    );
    return { ...found, objects, missing: [], thresholds: Object.fromEntries(thresholds) };
  } catch (error) {
    const found = context.objectsOf(pinIndex);
    if (!found) throw error;
    return { ...found, missing: ['dots'], reason: reasonOf(error) };
  }
}

function withoutSignals<T extends OfferedObject>({ signals: _, ...object }: T): Omit<T, 'signals'> {
  return object;
}
