import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { fetchImage } from '../../catalog/pins/image-fetch.ts';
import { PIN_HAS_IMAGE, PIN_IMAGE_FAILED } from '../../catalog/pins/pin-columns.ts';
import type { Context } from '../../service/context.ts';
import { ServiceError } from '../../errors.ts';
import { thumbnail } from '../../vision/image-tensor.ts';
import { readsNeedKey } from '../shell/keys.ts';
import { pinOf } from './list-options.ts';
import type { App, Service } from './routes.ts';
import { ImageQuery, PinParams, PROBLEMS } from '../schemas.ts';

const CACHE_BYTES = 64 * 2 ** 20;
/** Widths made: others are rounded up to the next, so that the cache stays small. */
const WIDTHS = [64, 128, 192, 256, 384, 512, 768, 1024, 2048];

interface Picture {
  readonly bytes: Buffer;
  readonly tag: string;
}

/** A pin's picture, resized, upright, without metadata, cacheable for a day. */
export function imageRoutes(app: App, { context }: Service): void {
  const cache = new LRUCache<string, Picture>({ maxSize: CACHE_BYTES, sizeCalculation: ({ bytes }) => bytes.length + 200 });
  const schema = {
    summary: "A pin's picture, at most `width` pixels wide",
    tags: ['browse'],
    params: PinParams,
    querystring: ImageQuery,
    response: PROBLEMS,
  };
  app.get('/v1/pins/:id/image', { schema, config: { scope: 'read', lane: 'heavy' } }, async (request, reply) => {
    const pinIndex = pinOf(context, request.params.id);
    const wanted = request.query.width ?? 512;
    const width = WIDTHS.find((each) => each >= wanted) ?? 2048;
    const picture = await pictureOf(context, cache, pinIndex, width);
    reply.header('cache-control', `${readsNeedKey(context.config) ? 'private' : 'public'}, max-age=86400`).header('etag', picture.tag);
    if (request.headers['if-none-match'] === picture.tag) return reply.code(304).send();
    return reply.type('image/jpeg').send(picture.bytes);
  });
}

async function pictureOf(context: Context, cache: LRUCache<string, Picture>, pinIndex: number, width: number): Promise<Picture> {
  const image = context.catalog.pins.get(pinIndex)?.image ?? null;
  const flags = context.pins.flags[pinIndex];
  if (image === null || (flags & PIN_HAS_IMAGE) === 0) throw new ServiceError('IMAGE_UNKNOWN', { pinId: context.pins.idOf(pinIndex) });
  if ((flags & PIN_IMAGE_FAILED) !== 0) {
    throw new ServiceError('IMAGE_REFUSED', { reason: context.catalog.pins.get(pinIndex)?.imageFailure ?? 'it was refused before' });
  }
  const key = `${width} ${image}`;
  const known = cache.get(key);
  if (known) return known;
  const { uploadLimitBytes, imagePixelLimit, imagePrivateUrls } = context.config;
  const limits = { bytes: uploadLimitBytes, pixels: imagePixelLimit };
  const original = await fetchImage(image, { dataFolder: context.dataFolder, byteLimit: limits.bytes, allowPrivate: imagePrivateUrls });
  const bytes = Buffer.from(await thumbnail(original, width, 'jpeg', limits));
  const picture = { bytes, tag: `"${createHash('sha256').update(bytes).digest('hex').slice(0, 24)}"` };
  cache.set(key, picture);
  return picture;
}
