/** What a visual-search or Lens request asks: JSON with a pin id, or multipart with an image; both give one record. */
import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import type { Static, TObject } from 'typebox';
import { Value } from 'typebox/value';
import { isWebAddress } from '../../catalog/pins/image-reference.ts';
import type { Context } from '../../service/context.ts';
import { ServiceError } from '../../errors.ts';
import type { PictureQuestion } from '../../search/search-parts.ts';
import type { BoxUnit } from '../../vision/box.ts';
import { frameCount } from '../../vision/image-tensor.ts';
import { type AskedFilter, askedFilter, type ItemFields, fieldReader } from './item-fields.ts';
import { hiddenGroups } from '../../lists/accepted-pins.ts';
import { checkKnown } from '../shell/guard.ts';
import { invalidRequest } from '../shell/problem.ts';
import { networkOf } from '../shell/rate-limit.ts';
import { pinOf } from './list-options.ts';
import type { Service } from './routes.ts';
import { VisualBody, type VisualRequest } from '../search-schemas.ts';

export interface VisualQuestion {
  readonly request: VisualRequest;
  /** -1: an upload. */
  readonly pinIndex: number;
  /** The bytes that came with the request; null: those of the pin. */
  readonly upload: Uint8Array | null;
  readonly boxUnit: BoxUnit;
  /** Of the filters on fields; null without any. */
  readonly filter: AskedFilter | null;
  /** Reads the fields of items; null where none are wanted. */
  readonly itemFields: ItemFields | null;
}

/** The fields of a request that may be JSON or a form, if they are what the schema says. Throws REQUEST_INVALID naming the field. */
export function checkedFields<T extends TObject>(request: FastifyRequest, schema: T): Static<T> {
  const body: unknown = request.form ? request.form.fields : request.body;
  if (Value.Check(schema, body)) return body;
  const known = Object.keys(schema.properties);
  const unknown = Object.keys((body ?? {}) as object).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new ServiceError('REQUEST_INVALID', { field: unknown, detail: `${unknown} is not known; there are: ${known.join(', ')}` });
  throw invalidRequest(Value.Errors(schema, body) as never, 'body');
}

/** The bytes of the picture that came with a request or lies at the address it gives; null: neither. Throws REQUEST_INVALID, IMAGE_... */
export async function givenPicture(context: Context, request: FastifyRequest, imageUrl: string | undefined): Promise<Uint8Array | null> {
  let image = request.form?.image ?? null;
  if (!image && imageUrl !== undefined) {
    refuseOtherThanAddress(imageUrl);
    image = request.fetched ?? (await context.webImages.fetch(imageUrl));
  }
  if (image) await refuseAnimated(image);
  return image;
}

/** Reads the request. Throws REQUEST_INVALID naming the field, CATALOG_PIN_UNKNOWN, IMAGE_TOO_LARGE. */
export async function visualQuestion(context: Context, request: FastifyRequest): Promise<VisualQuestion> {
  const body = checkedFields(request, VisualBody);
  const boxUnit = body.boxUnit ?? 'pixels';
  const filter = await askedFilter(context, body.filter);
  const shared = { request: body, boxUnit, filter, itemFields: fieldReader(context, body.fields) };
  const upload = await givenPicture(context, request, body.imageUrl);
  if (upload) return { ...shared, pinIndex: -1, upload };
  if (body.pinId === undefined)
    throw new ServiceError('REQUEST_INVALID', { field: 'pinId', detail: 'pinId: name a pin, or send an image as multipart/form-data' });
  return { ...shared, pinIndex: pinOf(context, body.pinId), upload: null };
}

/** Throws REQUEST_INVALID. */
function refuseOtherThanAddress(imageUrl: string): void {
  const wrong = !isWebAddress(imageUrl) ? 'must begin with http:// or https://' : URL.canParse(imageUrl) ? null : 'is no address';
  if (wrong !== null) throw new ServiceError('REQUEST_INVALID', { field: 'imageUrl', detail: `imageUrl: ${wrong}` });
}

/** A query is one picture: which frame of a film is meant is unknown. Throws IMAGE_REFUSED. */
async function refuseAnimated(bytes: Uint8Array): Promise<void> {
  const frames = await frameCount(bytes);
  if (frames > 1) throw new ServiceError('IMAGE_REFUSED', { reason: `it is animated (${frames} frames); send one still picture` });
}

/**
 * Fetches what lies elsewhere before the request waits for its turn: the picture at the address it gives, for which a caller
 * must be known once there are keys, or the pin's.
 */
export function gatherPicture({ context, keys }: Service): NonNullable<FastifyContextConfig['gather']> {
  const { webImages, catalog, pins } = context;
  return async (request, reply) => {
    const asked = (request.form?.fields ?? request.body ?? {}) as { imageUrl?: unknown; pinId?: unknown };
    if (request.form?.image) return;
    if (typeof asked.imageUrl === 'string' && isWebAddress(asked.imageUrl)) {
      checkKnown(request, keys);
      refuseOtherThanAddress(asked.imageUrl);
      const caller = request.keyName ?? networkOf(request.ip);
      webImages.given.take(caller);
      reply.raw.once('close', () => webImages.given.giveBack(caller));
      request.fetched = await webImages.fetch(asked.imageUrl);
    } else if (typeof asked.pinId === 'string') {
      const image = catalog.pins.get(pins.indexOf(asked.pinId))?.image ?? '';
      if (isWebAddress(image)) await webImages.ofPin(image);
    }
  };
}

/** The question as the search asks it: names become the ordinals of the catalog. An unknown category or term leaves no pins. */
export function pictureQuestion({ pins, parts }: Context, { request, pinIndex, upload, boxUnit, filter }: VisualQuestion): PictureQuestion {
  const ordinal = (names: readonly string[], name: string): number => names.indexOf(name.trim().toLowerCase());
  const { box, category, term, terms = [], buyable = false, exclude = [], userId = null } = request;
  const asked = term === undefined ? terms : [term, ...terms];
  const filters = {
    ...(category === undefined ? {} : { category: ordinal(pins.categoryNames, category) }),
    terms: asked.map((name) => ordinal(pins.annotationTerms, name)),
    buyable,
    exclude: new Set(exclude.map((id) => pins.indexOf(id))),
    hidden: hiddenGroups(parts, userId, Date.now()),
    ...(filter ? { fields: filter.test } : {}),
  };
  return { pinIndex, upload, box, boxUnit, filters };
}
