/** JSON bodies, which are UTF-8: looked over before they are parsed, because what costs is not their length but how much is in them. */
import { isUtf8 } from 'node:buffer';
import { randomInt } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import { ServiceError } from '../../errors.ts';
import type { App, BodyKind } from '../routes/routes.ts';

interface BodyBound {
  readonly bytes: number;
  readonly values: number;
}

const KIB = 1024;
/** A megabyte of JSON that holds 40,000 small objects takes a third of a second to parse: values are bounded, too. */
const BOUNDS: Readonly<Record<BodyKind, BodyBound>> = {
  fields: { bytes: 64 * KIB, values: 2000 },
  /** A thousand ids of 256 characters. */
  list: { bytes: 1024 * KIB, values: 2000 },
  picture: { bytes: 512 * KIB, values: 2000 },
  /** Experiments may name the pins they are about. */
  definition: { bytes: 1024 * KIB, values: 50_000 },
  /** Ten thousand rows of ten values each: as many short texts take 30 ms to parse. The setting bounds the bytes. */
  rows: { bytes: Number.POSITIVE_INFINITY, values: 100_000 },
};

/** Different keys in one body: the parser makes a shape for each of them, and 60,000 small objects that share none take 160 ms. */
export const KEYS_MAX = 10_000;

/** Open brackets within each other: nothing that is asked for has more than a handful. */
export const NESTING_MAX = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const SPACE = 0x20;
/** Open square and curly bracket; the closing ones are two further. */
const OPEN = [0x5b, 0x7b];
const CLOSE = [0x5d, 0x7d];

/** Why this text is not parsed: one pass over its bytes, strings skipped; null: it may be. Whether it is JSON the parser says. */
export function whyNotParsed(bytes: Uint8Array, valuesMax: number): string | null {
  let depth = 0;
  let values = 1;
  const keys = new Set<number>();
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      const start = at;
      at = endOfString(bytes, start);
      if (isKey(bytes, at) && keys.add(hashOf(bytes, start, at)).size > KEYS_MAX) return `it holds more than ${KEYS_MAX} different keys`;
    } else if (byte === OPEN[0] || byte === OPEN[1]) {
      if (++depth > NESTING_MAX) return `more than ${NESTING_MAX} brackets are open within each other`;
      values++;
    } else if (byte === CLOSE[0] || byte === CLOSE[1]) {
      depth--;
    } else if (byte === COMMA) {
      values++;
    }
    if (values > valuesMax) return `it holds more than ${valuesMax} values`;
  }
  return null;
}

/** The place of the quote that ends the string which begins at `start`; the end of the text when none does. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** Whether a colon follows the string that ends at `end`. */
function isKey(bytes: Uint8Array, end: number): boolean {
  let at = end + 1;
  while (bytes[at] <= SPACE) at++;
  return bytes[at] === COLON;
}

/** Each process draws its own: nobody can choose keys that share a hash. */
const FACTOR = randomInt(2 ** 31) * 2 + 1;

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let at = start; at < end; at++) hash = (Math.imul(hash, FACTOR) + bytes[at]) | 0;
  return hash;
}

/** What a media type says of the letters of its text; ASCII is UTF-8 as well. */
const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/i;
const UTF8 = /^(utf-?8|us-ascii)$/i;

/** The one parser of JSON bodies, and the bounds of every route. Throws REQUEST_INVALID naming the body, REQUEST_MEDIA_TYPE, REQUEST_TOO_LARGE. */
export function takeJson(app: App, { bodyLimitBytes }: Config): void {
  app.addHook('onRoute', (route) => {
    route.bodyLimit ??= Math.min(bodyLimitBytes, BOUNDS[route.config?.body ?? 'fields'].bytes);
  });
  // A body that may lack every field may be left out.
  app.addHook('preValidation', (request, _, done) => {
    if (request.body === undefined && mayBeEmpty(request)) request.body = {};
    done();
  });
  const parse = app.getDefaultJsonParser('error', 'error') as (
    request: FastifyRequest,
    text: string,
    done: (error: Error | null, body?: unknown) => void,
  ) => void;
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = body as Buffer;
    const charset = CHARSET.exec(request.headers['content-type'] ?? '')?.[1];
    if (charset !== undefined && !UTF8.test(charset))
      return done(new ServiceError('REQUEST_MEDIA_TYPE', { given: `charset ${charset.slice(0, 100)}`, known: 'utf-8' }));
    if (bytes.length === 0 && mayBeEmpty(request)) return done(null, {});
    const reason = whyNotParsed(bytes, BOUNDS[request.routeOptions.config.body ?? 'fields'].values);
    if (reason !== null) return done(new ServiceError('REQUEST_INVALID', { field: 'body', detail: `body: ${reason}` }));
    // Decoding puts U+FFFD in the place of what is no UTF-8: the text would be stored damaged.
    if (!isUtf8(bytes)) return done(new ServiceError('REQUEST_INVALID', { field: 'body', detail: 'body: it is not UTF-8' }));
    parse(request, bytes.toString('utf8'), done);
  });
}

function mayBeEmpty({ routeOptions }: FastifyRequest): boolean {
  const schema = routeOptions.schema?.body as { type?: string; properties?: object; required?: readonly string[] } | undefined;
  return schema?.type === 'object' && schema.properties !== undefined && (schema.required ?? []).length === 0;
}
