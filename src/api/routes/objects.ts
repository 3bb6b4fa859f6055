/** Object dots over HTTP: what the detector saw in a pin, which of it the search believes in, and what people keep cropping. */
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { isWebAddress } from '../../catalog/pins/image-reference.ts';
import type { Context } from '../../service/context.ts';
import { reasonOf } from '../../errors.ts';
import { cropDots } from '../../search/crop-dots.ts';
import { handDrawn } from '../../search/dot-engagement.ts';
import { type DotSignals, type DotThresholds, type JudgedObject, judgeDots } from '../../search/object-dots.ts';
import type { PinObjects } from '../../service/visual-state.ts';
import { boxIou, fractionsToPixels } from '../../vision/box.ts';
import type { PinObject } from '../../detection/pin-objects.ts';
import { thresholdsFor } from '../../search/search-thresholds.ts';
import { listOptions, pinOf } from './list-options.ts';
import type { App, Service } from './routes.ts';
import { Id, PinParams, replies } from '../schemas.ts';
import { ObjectsReply } from '../search-schemas.ts';
import type { VisualDesk } from './visual-desk.ts';

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
/** A dot of people and a detection that overlap this much are the same thing. */
const SAME_OBJECT = 0.5;

export function objectRoutes(app: App, { context }: Service, desk: () => VisualDesk): void {
  const schema = {
    summary: "The objects in a pin's picture: boxes, the dominant one, and which of them the search believes in",
    tags: ['objects'],
    params: PinParams,
    querystring: ObjectsQuery,
    response: replies(ObjectsReply),
  };
  // A picture that lies elsewhere comes before the request has a place among image work; why it did not come is told there.
  const refusals = new WeakMap<FastifyRequest, Error>();
  const gather = async (request: FastifyRequest): Promise<void> => {
    const pinIndex = context.pins.indexOf((request.params as { id: string }).id);
    const image = context.catalog.pins.get(pinIndex)?.image ?? '';
    if (!isWebAddress(image) || !desk().needsPicture(pinIndex)) return;
    await context.webImages.ofPin(image).catch((error: Error) => refusals.set(request, error));
  };
  app.get('/v1/pins/:id/objects', { schema, config: { scope: 'read', gather } }, async (request) => {
    const pinIndex = pinOf(context, request.params.id);
    const { explain = false, ...who } = request.query;
    const { dots } = listOptions(context, who, { surface: 'visual-search', pinIndex }).treatment;
    const reply = await objectsReply(context, desk, pinIndex, {
      explain,
      thresholds: dots?.thresholds ?? {},
      refusal: refusals.get(request) ?? null,
    });
    const { width, height } = reply;
    const offer =
      dots?.show === 'box'
        ? { display: 'box' as const, defaultBox: fractionsToPixels(DEFAULT_BOX, width, height) }
        : { display: 'dots' as const };
    return { ...reply, ...offer };
  });
}

interface Wanted {
  readonly explain: boolean;
  /** What a treatment asks instead of the fitted thresholds. */
  readonly thresholds: Partial<DotThresholds>;
  /** Why the picture could not be had from elsewhere; null where it was, or is not needed. */
  readonly refusal: Error | null;
}

async function objectsReply(
  context: Context,
  desk: () => VisualDesk,
  pinIndex: number,
  wanted: Wanted,
): Promise<Omit<ObjectsReply, 'display'>> {
  const none = { width: 0, height: 0, objects: [] };
  try {
    if (wanted.refusal) throw wanted.refusal;
    const { found, signals } = await desk().inTime(() => foundAndJudged(context, desk, pinIndex), context.pins.idOf(pinIndex));
    if (!found) return { ...none, missing: ['detections'] };
    if (!signals) return { ...found, missing: ['visual-features'] };
    const { fitted } = desk();
    const asked = (object: Pick<PinObject, 'detector'>): DotThresholds => ({ ...thresholdsFor(object, fitted), ...wanted.thresholds });
    const objects = withPeople(context, pinIndex, found, judgeDots(found.objects, signals, asked));
    const thresholds = Object.entries(fitted.dots).map(
      ([detector, dots]) => [detector, { ...dots, thresholds: asked({ detector }) }] as const,
    );
    const told = wanted.explain ? { thresholds: Object.fromEntries(thresholds) } : {};
    const spoken = objects.map((row) => ({ ...row, words: desk().wordsOf(pinIndex, row) }));
    return { ...found, objects: spoken.map((row) => (wanted.explain ? row : withoutSignals(row))), missing: [], ...told };
  } catch (error) {
    const found = context.objectsOf(pinIndex);
    if (!found) throw error;
    return { ...found, missing: ['dots'], reason: reasonOf(error) };
  }
}

async function foundAndJudged(
  context: Context,
  desk: () => VisualDesk,
  pinIndex: number,
): Promise<{ found: PinObjects | null; signals: readonly DotSignals[] | null }> {
  const hasImage = context.catalog.pins.get(pinIndex)?.image ?? null;
  const found = hasImage === null ? context.objectsOf(pinIndex) : await desk().objectsOf(pinIndex);
  const signals = found && context.visual ? await desk().signalsOf(pinIndex, found.objects) : null;
  return { found, signals };
}

/** An object as callers see it; `people`: how many drew a box around it themselves. */
interface OfferedObject extends Omit<JudgedObject, 'signals'> {
  readonly signals: DotSignals | null;
  readonly people?: number;
}

/** Regions that many people drew: they confirm the detection they lie on, or are dots of their own. */
function withPeople(
  context: Context,
  pinIndex: number,
  { width, height }: PinObjects,
  judged: readonly JudgedObject[],
): readonly OfferedObject[] {
  const objects: OfferedObject[] = [...judged];
  for (const { box, people } of cropDots(handDrawn(context.log.crops.regionsOf(pinIndex)))) {
    const pixels = fractionsToPixels(box, width, height);
    const at = objects.findIndex((object) => boxIou(object.box, pixels) >= SAME_OBJECT);
    if (at < 0) objects.push({ label: '', score: people / (people + 1), box: pixels, shown: true, dominant: false, people, signals: null });
    else {
      const { suppressedBy: _, ...object } = objects[at];
      objects[at] = { ...object, shown: true, people };
    }
  }
  return objects;
}

function withoutSignals<T extends OfferedObject>({ signals: _, ...object }: T): Omit<T, 'signals'> {
  return object;
}
