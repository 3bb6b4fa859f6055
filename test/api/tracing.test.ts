import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { traceRequests } from '../../src/api/shell/tracing.ts';
import { openContext } from '../../src/service/context.ts';
import { testConfig, worldFolder } from '../world.ts';

const MISSING = '@related-pins/never-published';
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

it('without the packages it says which to install', async () => {
  const refused = traceRequests({} as App, 'http://127.0.0.1:1/v1/traces', [MISSING]);
  await expect(refused).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('npm install --no-save @opentelemetry/api'),
  });
});

it("a request is a span under the caller's trace, and the stages of its list are spans inside it", async () => {
  const bodies: Buffer[] = [];
  const collector = createServer((request, reply) => {
    request
      .on('data', (chunk: Buffer) => bodies.push(chunk))
      .on('end', () => reply.setHeader('content-type', 'application/json').end('{}'));
  });
  await new Promise<void>((listening) => collector.listen(0, '127.0.0.1', listening));
  const { port } = collector.address() as { port: number };
  const folder = await worldFolder();
  const context = await openContext({ ...testConfig(folder), tracesUrl: `http://127.0.0.1:${port}/v1/traces` }, folder);
  const app = await buildApp(context);
  const address = await app.listen({ port: 0 });
  await (await fetch(`${address}/v1/pins/plant-1/related`, { headers: { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` } })).text();
  await app.close();
  await context.close();
  collector.close();
  const spans = bodies.flatMap((body) => spansOf(JSON.parse(body.toString())));
  const request = spans.find(({ name }) => name === 'GET /v1/pins/:id/related');
  expect(request).toMatchObject({ traceId: TRACE_ID, parentSpanId: 'b7ad6b7169203331' });
  expect(spans.filter(({ parentSpanId }) => parentSpanId === request?.spanId).map(({ name }) => name)).toEqual(
    expect.arrayContaining(['candidates', 'rows', 'scores']),
  );
});

interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

function spansOf(sent: { resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[] }): readonly SentSpan[] {
  return sent.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}
