import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import { readConfig } from '../../src/config.ts';
import { openContext } from '../../src/context.ts';

const folder = mkdtempSync(join(tmpdir(), 'related-pins-traces-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const exporter = '@opentelemetry/exporter-trace-otlp-http';
const INSTALLED = await import(exporter).then(
  () => true,
  () => false,
);

it.skipIf(INSTALLED)('without the packages it says which to install', async () => {
  const config = readConfig({ RELATED_PINS_LOG_LEVEL: 'silent', RELATED_PINS_TRACES_URL: 'http://127.0.0.1:1/v1/traces' });
  const context = await openContext(config, folder);
  await expect(buildApp(context)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(`npm install --no-save @opentelemetry/api`) });
  await context.close();
});

it.skipIf(!INSTALLED)(`a request is a span, under the caller's trace${INSTALLED ? '' : ' (skipped: the packages of OpenTelemetry are not installed)'}`, async () => {
  const bodies: Buffer[] = [];
  const collector = createServer((request, reply) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk)).on('end', () => reply.setHeader('content-type', 'application/json').end('{}'));
  });
  await new Promise<void>((listening) => collector.listen(0, '127.0.0.1', listening));
  const { port } = collector.address() as { port: number };
  const context = await openContext(readConfig({ RELATED_PINS_LOG_LEVEL: 'silent', RELATED_PINS_TRACES_URL: `http://127.0.0.1:${port}/v1/traces` }), folder);
  const app = await buildApp(context);
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  await app.inject({ url: '/v1/categories', headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } });
  await app.close();
  await context.close();
  collector.close();
  const sent = Buffer.concat(bodies).toString('latin1');
  expect(sent).toContain('GET /v1/categories');
  expect(sent).toContain(traceId);
});
