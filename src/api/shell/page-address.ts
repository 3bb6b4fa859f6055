import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyRequest } from 'fastify';
import { projectRoot } from '../../worker-url.ts';

/** Where the pages lie when they were built. */
export const PAGES = fileURLToPath(new URL('dist/web/', projectRoot()));

/** True for addresses that the pages make themselves (`/pin/ID`, `/experiments/KEY`): a browser asks, no file is meant. */
export function isPageAddress({ method, url, headers }: FastifyRequest): boolean {
  const asksForPage = method === 'GET' && (headers.accept ?? '').includes('text/html');
  return asksForPage && !/^\/(v1|health|metrics|assets)\b/.test(url) && existsSync(PAGES);
}
