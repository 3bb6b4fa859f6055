import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKey, readKeys, revokeKey } from '../../src/access-keys.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { openLoop } from '../../torture/open-loop.ts';
import { runJob, type ServiceProcess, startService } from '../../torture/service-process.ts';
import { writeSmallCatalog } from '../../torture/small-catalog.ts';

let folder: string;
let data: string;
let service: ServiceProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'related-pins-operations-'));
  data = join(folder, 'data');
  const catalog = writeSmallCatalog(join(folder, 'files'), 300, 30, 10);
  await runJob(['import-catalog', '--data', data, ...catalog.flags]);
  service = await startService(data, { RELATED_PINS_KEYS: 'the-main-key-of-the-service' });
});

afterAll(async () => {
  await service?.kill();
  rmSync(folder, { recursive: true, force: true });
});

async function post(path: string, body: unknown, key?: string): Promise<{ status: number; code?: string }> {
  const headers = { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) };
  const reply = await fetch(`${service.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: reply.status, code: ((await reply.json()) as { code?: string }).code };
}

// A machine that is busy with something else can hold a process up past a bound: then it is asked again.
describe('keys', { retry: 2 }, () => {
  it('open what their scopes say, from the moment they are made to the moment they are revoked, without a restart', async () => {
    expect(await post('/v1/events', { events: [] })).toMatchObject({ status: 401, code: 'REQUEST_UNAUTHORIZED' });
    const key = createKey(data, 'shop', ['read', 'events']);
    expect(await post('/v1/events', { events: [] }, key)).toMatchObject({ status: 200 });
    expect(await post('/v1/pins', { pins: [] }, key)).toMatchObject({ status: 403, code: 'REQUEST_FORBIDDEN' });
    expect(await post('/v1/pins', { pins: [] }, 'the-main-key-of-the-service')).toMatchObject({ status: 200 });
    revokeKey(data, 'shop');
    expect(await post('/v1/events', { events: [] }, key)).toMatchObject({ status: 401 });
  });

  it('are kept as digests only, and administration leaves a line, also when it was refused', async () => {
    const key = createKey(data, 'model-people', ['admin']);
    expect(JSON.stringify(readKeys(data))).not.toContain(key);
    expect((await post('/v1/models/none/promote', {}, key)).status).toBe(404);
    await expect
      .poll(() => readFileSync(join(data, 'audit.jsonl'), 'utf8'))
      .toMatch(/"who":"model-people","action":"POST \/v1\/models\/:name\/promote"/);
  });
});

// A machine that is busy with something else can hold a process up past a bound: then it is asked again.
describe('the serving process', { retry: 2 }, () => {
  it('sends a strict content policy with every reply and allows no other origin', async () => {
    const { headers } = await fetch(`${service.url}/v1/pins/p1`, { headers: { origin: 'https://elsewhere.example' } });
    const policy = headers.get('content-security-policy')?.split('; ');
    expect(policy).toEqual(
      expect.arrayContaining(["default-src 'self'", "script-src 'self'", "object-src 'none'", "frame-ancestors 'none'"]),
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  it('has its data folder alone: a second one says so and stops', async () => {
    const second = await runJob(['serve', '--data', data, '--port', '0']);
    expect(second.status).toBe(2);
    expect(second.said).toContain('DATA_FOLDER_LOCKED');
    expect(second.said).toContain(String(service.pid));
  });

  it('erases a person while it serves, and nobody gets their number', async () => {
    const list = (await (await fetch(`${service.url}/v1/pins/p1/related?userId=somebody-known`)).json()) as { recommendationId: string };
    const event = { eventId: 'erase-1', type: 'click', recommendationId: list.recommendationId, pinId: 'p2', userId: 'somebody-known' };
    expect((await post('/v1/events', { events: [event] }, 'the-main-key-of-the-service')).status).toBe(200);
    const erased = await runJob(['erase-user', '--data', data, '--user', 'somebody-known']);
    expect(erased.receipt).toMatchObject({ known: true, events: 1, servedLists: 1 });
    const again = await fetch(`${service.url}/v1/pins/p1/related?userId=somebody-known`);
    expect(again.status).toBe(200);
    await again.arrayBuffer();
    await fetch(`${service.url}/v1/pins/p1/related?userId=somebody-else`).then((reply) => reply.arrayBuffer());
    const log = openLog(data);
    const people = [...log.lists.lists()].map(({ userId }) => userId);
    log.close();
    expect(people).not.toContain('somebody-known');
  });

  it('asked to stop under load, fails no request that it took', async () => {
    const own = join(folder, 'own');
    await runJob([
      'import-catalog',
      '--data',
      own,
      ...['pins', 'boards', 'saves'].flatMap((name) => [`--${name}`, join(folder, 'files', `${name}.jsonl`)]),
    ]);
    const stopping = await startService(own);
    const load = openLoop({ url: stopping.url, perSecond: 60, seconds: 1.5, connections: 8, path: (n) => `/v1/pins/p${n % 300}/related` });
    await new Promise((later) => setTimeout(later, 700));
    const ended = stopping.stop();
    const { statuses, errors } = await load;
    expect(await ended).toBe(0);
    const { error: refused = 0, 200: answered = 0, ...others } = statuses;
    expect(others).toEqual({});
    expect(answered).toBeGreaterThan(20);
    // A connection that the kernel took while the door was closing is reset by it; the service never met it.
    const strange = errors.filter((text) => !/ECONNREFUSED/.test(text));
    expect(strange.length, `${refused} refused: ${errors.join('; ')}`).toBeLessThanOrEqual(1);
  });
});
