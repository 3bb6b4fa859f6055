import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { projectRoot } from '../worker-url.ts';

/** The pages at `/`, when they were built. Paths that name no file are the pages' own addresses (deep links). */
export async function pageRoutes(app: FastifyInstance): Promise<boolean> {
  const root = fileURLToPath(new URL('dist/web/', projectRoot()));
  if (!existsSync(root)) return false;
  await app.register(fastifyStatic, {
    root,
    prefix: '/',
    wildcard: false,
    schemaHide: true,
    setHeaders: (reply, path) => {
      const hashed = /\/assets\//.test(path);
      reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  return true;
}
