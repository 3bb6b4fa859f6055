/**
 * Replies above a kilobyte go out compressed to callers who say that they can read it. Fast levels: an explained list of
 * 700 KB shrinks tenfold at any, and a closeup must not wait for the last percent.
 */
import { pipeline, Readable, type Transform } from 'node:stream';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { App } from '../routes/routes.ts';

const THRESHOLD_BYTES = 1024;
/** From here on a thread of its own is worth its overhead. */
const LARGE_BYTES = 32 << 10;
const COMPRESSIBLE = /^(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml|javascript|wasm)|image\/svg)/i;

interface Encoding {
  readonly name: string;
  now(bytes: Buffer): Buffer;
  later(bytes: Buffer): Promise<Buffer>;
  stream(): Transform;
}

const GZIP = { level: 1 } as const;
const BROTLI = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } } as const;
const gzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gzip);
const brotli = promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliCompress);

/** In the order in which they are taken where a caller has no wish of its own. */
const ENCODINGS: readonly Encoding[] = [
  { name: 'gzip', now: (bytes) => zlib.gzipSync(bytes, GZIP), later: (bytes) => gzip(bytes, GZIP), stream: () => zlib.createGzip(GZIP) },
  {
    name: 'br',
    now: (bytes) => zlib.brotliCompressSync(bytes, BROTLI),
    later: (bytes) => brotli(bytes, BROTLI),
    stream: () => zlib.createBrotliCompress(BROTLI),
  },
];

export function compressReplies(app: App): void {
  // Not an async function: nearly every reply is passed on as it is, at once.
  app.addHook('onSend', (request, reply, payload: unknown, done) => {
    const type = String(reply.getHeader('content-type') ?? '');
    const isWhole = reply.statusCode !== 204 && reply.statusCode !== 206 && reply.statusCode !== 304 && request.method !== 'HEAD';
    if (!isWhole || !COMPRESSIBLE.test(type) || reply.hasHeader('content-encoding')) return done(null, payload);
    const isText = typeof payload === 'string' || Buffer.isBuffer(payload);
    if (!(payload instanceof Readable) && !(isText && Buffer.byteLength(payload) > THRESHOLD_BYTES)) return done(null, payload);
    reply.header('vary', [reply.getHeader('vary'), 'Accept-Encoding'].filter(Boolean).join(', '));
    const encoding = encodingFor(request.headers['accept-encoding']);
    if (encoding === null) return done(null, payload);
    reply.header('content-encoding', encoding.name).removeHeader('content-length');
    const tag = reply.getHeader('etag');
    if (typeof tag === 'string' && tag.startsWith('"')) reply.header('etag', `W/${tag}`);
    if (payload instanceof Readable)
      return done(
        null,
        pipeline(payload, encoding.stream(), () => undefined),
      );
    const bytes = Buffer.from(payload as string);
    if (bytes.length < LARGE_BYTES) return done(null, encoding.now(bytes));
    encoding.later(bytes).then((smaller) => done(null, smaller), done);
  });
}

/** The encoding a caller likes best of those there are; null for one that takes none of them. */
export function encodingFor(accepted: string | string[] | undefined): Encoding | null {
  if (accepted === undefined) return null;
  const quality = new Map(
    String(accepted)
      .toLowerCase()
      .split(',')
      .map((part) => {
        const [name, ...settings] = part.trim().split(/\s*;\s*/);
        const q = settings.find((setting) => setting.startsWith('q='));
        return [name, q === undefined ? 1 : Number(q.slice(2))] as const;
      }),
  );
  const ofName = ({ name }: Encoding): number => quality.get(name) ?? quality.get('*') ?? 0;
  const best = [...ENCODINGS].sort((a, b) => ofName(b) - ofName(a))[0];
  return ofName(best) > 0 ? best : null;
}
