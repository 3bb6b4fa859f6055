// A page of one's own in front of related-pins: this server hands out the page and passes on the few calls that it makes, with
// the key that browsers never see.
//   node docs/examples/own-page/server.mjs http://127.0.0.1:8080 [port]     RELATED_PINS_KEY=... when the service asks for one
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

/** What the page may ask: lists, pictures and events, nothing that changes the catalog. */
const PASSED = [/^GET \/v1\/pins\/[^/]+(\/related|\/image)?$/, /^GET \/v1\/users\/[^/]+\/home-feed$/, /^POST \/v1\/events$/];
const EVENTS_BYTES = 64 * 1024;

export function ownPage(service, key = process.env.RELATED_PINS_KEY) {
  const page = readFileSync(fileURLToPath(new URL('page.html', import.meta.url)));
  return createServer(async (request, reply) => {
    const { pathname, search } = new URL(request.url, 'http://page');
    if (request.method === 'GET' && !pathname.startsWith('/v1/')) return reply.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
    if (!PASSED.some((call) => call.test(`${request.method} ${pathname}`))) return reply.writeHead(404).end();
    try {
      const parts = [];
      let bytes = 0;
      for await (const part of request) {
        bytes += part.length;
        if (bytes > EVENTS_BYTES) return reply.writeHead(413).end();
        parts.push(part);
      }
      const headers = { ...(key ? { authorization: `Bearer ${key}` } : {}), ...(bytes > 0 ? { 'content-type': 'application/json' } : {}) };
      const body = bytes > 0 ? Buffer.concat(parts) : undefined;
      const answer = await fetch(service + pathname + search, { method: request.method, headers, body });
      reply.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/octet-stream' });
      reply.end(Buffer.from(await answer.arrayBuffer()));
    } catch {
      reply.writeHead(502).end();
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [service = 'http://127.0.0.1:8080', port = '8081'] = process.argv.slice(2);
  ownPage(service).listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${port}/?pin=PIN_ID`));
}
