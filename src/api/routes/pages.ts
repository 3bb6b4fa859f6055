import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { projectRoot } from '../../worker-url.ts';

const PAGES = fileURLToPath(new URL('dist/web/', projectRoot()));

/** True for addresses that the pages make themselves (`/pin/ID`, `/experiments/KEY`): a browser asks, no file is meant. */
export function isPageAddress({ method, url, headers }: FastifyRequest): boolean {
  const asksForPage = method === 'GET' && (headers.accept ?? '').includes('text/html');
  return asksForPage && !/^\/(v1|health|metrics|assets)\b/.test(url) && existsSync(PAGES);
}

/** The pages at `/`, when they were built. Paths that name no file are the pages' own addresses (deep links). */
export async function pageRoutes(app: FastifyInstance): Promise<boolean> {
  const root = PAGES;
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
