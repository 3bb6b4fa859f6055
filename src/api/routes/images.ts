import { imageLimitsOf } from '../../vision/inference-pool.ts';
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { Type } from 'typebox';
import { isWebAddress } from '../../catalog/pins/image-reference.ts';
import { PIN_HAS_IMAGE, PIN_IMAGE_FAILED } from '../../catalog/pins/pin-columns.ts';
import type { Context } from '../../service/context.ts';
import { ServiceError } from '../../errors.ts';
import { thumbnail } from '../../vision/image-tensor.ts';
import { readsNeedKey } from '../shell/keys.ts';
import { pinOf } from './list-options.ts';
import type { App, Service } from './routes.ts';
import { ImageQuery, PinParams, repliesAs } from '../schemas.ts';

const CACHE_BYTES = 64 * 2 ** 20;
/** A picture that was taken away may live on in caches of others for so long; after that they ask, and mostly hear "unchanged". */
const CACHE_SECONDS = 60;
/** Widths made: others are rounded up to the next, so that the cache stays small. */
const WIDTHS = [64, 128, 192, 256, 384, 512, 768, 1024, 2048];

const Jpeg = Type.Unsafe<Buffer>({ type: 'string', format: 'binary' });
const Unchanged = Type.Unsafe<undefined>({ type: 'null', description: 'The picture with the tag of `if-none-match`.' });

interface Picture {
  readonly bytes: Buffer;
  readonly tag: string;
}

/** A pin's picture, resized, upright, without metadata, cacheable for a minute. */
export function imageRoutes(app: App, { context }: Service): void {
  const cache = new LRUCache<string, Picture>({ maxSize: CACHE_BYTES, sizeCalculation: ({ bytes }) => bytes.length + 200 });
  const schema = {
    summary: "A pin's picture, at most `width` pixels wide",
    tags: ['browse'],
    params: PinParams,
    querystring: ImageQuery,
    response: { ...repliesAs({ 'image/jpeg': Jpeg }), 304: Unchanged },
  };
  const gather = async (request: FastifyRequest): Promise<void> => {
    const pinIndex = context.pins.indexOf((request.params as { id: string }).id);
    const image = context.catalog.pins.get(pinIndex)?.image ?? '';
    if (!isWebAddress(image) || (context.pins.flags[pinIndex] & PIN_IMAGE_FAILED) !== 0) return;
    const { width } = request.query as { width?: string };
    if (!cache.has(keyOf(widthOf(Number(width ?? 512)), image))) await context.webImages.ofPin(image);
  };
  app.get('/v1/pins/:id/image', { schema, config: { scope: 'read', lane: 'heavy', gather } }, async (request, reply) => {
    const pinIndex = pinOf(context, request.params.id);
    const picture = await pictureOf(context, cache, pinIndex, widthOf(request.query.width ?? 512));
    reply
      .header('cache-control', `${readsNeedKey(context.config) ? 'private' : 'public'}, max-age=${CACHE_SECONDS}, must-revalidate`)
      .header('etag', picture.tag);
    if (request.headers['if-none-match'] === picture.tag) return reply.code(304).send(undefined);
    return reply.type('image/jpeg').send(picture.bytes);
  });
}

function widthOf(wanted: number): number {
  return WIDTHS.find((each) => each >= wanted) ?? 2048;
}

function keyOf(width: number, image: string): string {
  return `${width} ${image}`;
}

async function pictureOf(context: Context, cache: LRUCache<string, Picture>, pinIndex: number, width: number): Promise<Picture> {
  const image = context.catalog.pins.get(pinIndex)?.image ?? null;
  const flags = context.pins.flags[pinIndex];
  if (image === null || (flags & PIN_HAS_IMAGE) === 0) throw new ServiceError('IMAGE_UNKNOWN', { pinId: context.pins.idOf(pinIndex) });
  if ((flags & PIN_IMAGE_FAILED) !== 0) {
    throw new ServiceError('IMAGE_REFUSED', { reason: context.catalog.pins.get(pinIndex)?.imageFailure ?? 'it was refused before' });
  }
  const key = keyOf(width, image);
  const known = cache.get(key);
  if (known) return known;
  const limits = imageLimitsOf(context.config);
  const original = await context.webImages.ofPin(image);
  const bytes = Buffer.from(await thumbnail(original, width, 'jpeg', limits));
  const picture = { bytes, tag: `"${createHash('sha256').update(bytes).digest('hex').slice(0, 24)}"` };
  cache.set(key, picture);
  return picture;
}
