import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { visit } from '../clients/typescript/sample.ts';
import { RelatedPins } from '../clients/typescript/client.ts';
import { ownPage } from '../docs/examples/own-page/server.mjs';
import { documentDigest, type OpenApiDocument, operationIdOf } from '../src/api/shell/openapi.ts';
import { type Server, startServer } from '../src/server.ts';
import { testConfig, worldFolder } from './world.ts';
import { CHROMIUM, openBrowser } from './web/browser.ts';

const ROOT = join(import.meta.dirname, '..');
const CLIENT = join(ROOT, 'clients/typescript');
const PYTHON = spawnSync('python3', ['--version']).status === 0;

describe('clients', () => {
  let server: Server;
  let document: OpenApiDocument;

  beforeAll(async () => {
    const folder = await worldFolder();
    server = await startServer({ ...testConfig(folder), host: '127.0.0.1' }, folder);
    document = (await (await fetch(`${server.address}/v1/openapi.json`)).json()) as OpenApiDocument;
  }, 60_000);
  afterAll(() => server.close());

  it('the types of the client are those of the document', () => {
    const [head] = readFileSync(join(CLIENT, 'api.ts'), 'utf8').split('\n');
    expect(head, 'run node scripts/write-client.mjs').toContain(documentDigest(document));
  });

  it('the sample compiles', () => {
    const compile = (program: string) => {
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
      return spawnSync(process.execPath, [tsc, '-p', program], { encoding: 'utf8' });
    };
    const { status, stdout } = compile(CLIENT);
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  it('the sample runs: a closeup, a saved item, a feed, the boards of a pin', async () => {
    const found = await visit(server.address, 'ann-plant', 'plant-1');
    expect(found.first).toMatch(/^plant-/);
    expect(found.written).toBe(1);
    expect(found.feed.length).toBeGreaterThan(0);
    expect(found.boards).toContain('my plants');
    await expect(new RelatedPins(server.address).get('/v1/pins/{id}', { path: { id: 'nobody' } })).rejects.toMatchObject({
      problem: { code: 'CATALOG_PIN_UNKNOWN', status: 404 },
    });
  });

  it.skipIf(!PYTHON)('the client for Python reads a closeup and sends a save (skipped without python3)', () => {
    const program = `
import sys
from related_pins import RelatedPins, RelatedPinsError
pins = RelatedPins(sys.argv[1])
closeup = pins.related("plant-1", limit=3, fields="title")
receipt = pins.send("save", closeup["recommendationId"], closeup["items"][0], "bob-plant")
try:
    pins.related("nobody")
except RelatedPinsError as error:
    print(len(closeup["items"]), receipt["written"], error.code)
`;
    // The server of this test lives in this process: a synchronous spawn would wait for itself.
    return new Promise<void>((done, failed) => {
      void import('node:child_process').then(({ execFile }) =>
        execFile('python3', ['-c', program, server.address], { cwd: join(ROOT, 'clients/python') }, (error, stdout) => {
          if (error) return failed(error);
          expect(stdout.trim()).toBe('3 1 CATALOG_PIN_UNKNOWN');
          done();
        }),
      );
    });
  });

  it('every operation has an id of its own, and every body and reply a name', () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(operationIdOf('get', '/v1/pins/{id}/related')).toBe('getPinRelated');
    const unnamed = operations.flatMap(({ path, method, operation }) => {
      const contents = [operation.requestBody?.content, operation.responses?.['200']?.content].flatMap((each) => Object.values(each ?? {}));
      // Pictures and tables are bytes and text.
      const shapes = contents.filter(({ schema }) => schema && schema.type !== 'string');
      return shapes.some(({ schema }) => !('$ref' in schema)) ? [`${method} ${path}`] : [];
    });
    expect(unnamed).toEqual([]);
    const names = Object.keys(document.components?.schemas ?? {});
    for (const name of ['Item', 'PinSummary', 'BoardSummary', 'EventRecord', 'PinRecord', 'Problem', 'Report', 'Definition', 'Treatment'])
      expect(names).toContain(name);
  });

  it('a field that no route knows is refused by name, a wrong word with those there are, a bare picture with its part', async () => {
    const ask = async (path: string, body: unknown) => {
      const headers = { 'content-type': 'application/json' };
      const reply = await fetch(server.address + path, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: reply.status, ...((await reply.json()) as { field?: string; detail: string }) };
    };
    expect(await ask('/v1/visual-search', { pinId: 'plant-1', crop: [0, 0, 5, 5] })).toMatchObject({
      status: 400,
      field: 'crop',
      detail: expect.stringMatching(/crop is not known.*box/),
    });
    expect(await ask('/v1/visual-search', { pinId: 'plant-1', mode: 'lookalike' })).toMatchObject({
      status: 400,
      field: 'mode',
      detail: expect.stringContaining('flashlight, similar-looks, shop-the-look, exact-product'),
    });
    expect(await ask('/v1/rank', { queryPinId: 'plant-1', pinIds: ['plant-2'], top: 3 })).toMatchObject({ status: 400, field: 'top' });
    expect(await ask('/v1/models/starter/promote', { reason: 'x' })).toMatchObject({ status: 400, field: 'reason' });
    const bare = await fetch(`${server.address}/v1/lens`, { method: 'POST', headers: { 'content-type': 'image/jpeg' }, body: 'x' });
    expect(bare.status).toBe(415);
    expect(((await bare.json()) as { detail: string }).detail).toContain('part `image`');
  });

  describe.skipIf(!CHROMIUM || !existsSync(join(ROOT, 'dist/web')))('a page of one own (skipped without Chromium)', () => {
    it('shows a closeup, and what its visitor does arrives by beacon', { timeout: 60_000 }, async () => {
      const site = ownPage(server.address) as import('node:http').Server;
      await new Promise<void>((done) => site.listen(0, '127.0.0.1', done));
      const browser = await openBrowser();
      try {
        const page = await browser.newPage();
        const address = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
        await page.goto(`${address}/?pin=plant-1`);
        await page.locator('li a').first().waitFor();
        expect(await page.locator('h1').innerText()).toBe('plant number 1');
        const { events } = server.context.log;
        await expect.poll(() => events.count(), { timeout: 20_000 }).toBeGreaterThan(0);
        const before = events.count();
        await page.locator('li a').first().click();
        await page.waitForURL(/pin=plant-/);
        await expect.poll(() => events.count(), { timeout: 20_000 }).toBeGreaterThan(before);
        // Another visitor: who has seen all ten pins gets an empty feed.
        await page.evaluate(() => localStorage.clear());
        await page.goto(address);
        await page.locator('li a').first().waitFor();
        expect((await fetch(`${address}/v1/status`)).status, 'nothing else is passed on').toBe(404);
      } finally {
        await browser.close();
        site.close();
      }
    });
  });
});
