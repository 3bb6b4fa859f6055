/** Bodies that come compressed: unpacked on the way to the parser, whose bound counts what comes out. */
import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import { ServiceError } from '../../errors.ts';
import type { App } from '../routes/routes.ts';

const UNPACKERS: Readonly<Record<string, (() => Transform) | undefined>> = {
  gzip: zlib.createGunzip,
  'x-gzip': zlib.createGunzip,
  deflate: zlib.createInflate,
  br: zlib.createBrotliDecompress,
  zstd: typeof zlib.createZstdDecompress === 'function' ? zlib.createZstdDecompress : undefined,
};

/** Throws REQUEST_MEDIA_TYPE for an encoding we do not know, REQUEST_INVALID for bytes that are not in theirs. */
export function takeEncodedBodies(app: App): void {
  app.addHook('preParsing', (request, _, payload, done) => {
    const encoding = request.headers['content-encoding']?.trim().toLowerCase();
    if (encoding === undefined || encoding === '' || encoding === 'identity' || request.routeOptions.config.passedOn)
      return done(null, payload);
    const unpacker = UNPACKERS[encoding]?.();
    if (!unpacker) {
      const known = Object.keys(UNPACKERS).filter((name) => UNPACKERS[name]);
      return done(new ServiceError('REQUEST_MEDIA_TYPE', { given: `content-encoding ${encoding}`, known: known.join(', ') }) as never);
    }
    let received = 0;
    payload.on('data', (chunk: Buffer) => {
      received += chunk.length;
      (unpacker as { receivedEncodedLength?: number }).receivedEncodedLength = received;
    });
    payload.on('error', (error: Error) => unpacker.destroy(error));
    unpacker.on('error', (error: Error & { code?: string }) => {
      if (error.code?.startsWith('Z_') || error.code?.startsWith('ERR_')) {
        Object.assign(error, { statusCode: 400, message: `the body is no whole ${encoding}` });
      }
    });
    payload.pipe(unpacker);
    done(null, unpacker as never);
  });
}
