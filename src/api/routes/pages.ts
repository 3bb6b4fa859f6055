import { existsSync } from 'node:fs';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { PAGES } from '../shell/page-address.ts';

/** The pages at `/`, when they were built. Paths that name no file are the pages' own addresses (deep links). */
export async function pageRoutes(app: FastifyInstance): Promise<boolean> {
  if (!existsSync(PAGES)) return false;
  await app.register(fastifyStatic, {
    root: PAGES,
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
