import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../src/api/routes/routes.ts';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { runJob } from '../run-job.ts';
import { testConfig, worldFolder } from '../world.ts';

let folder: string;
let context: Context;
let app: App;

beforeAll(async () => {
  folder = await worldFolder();
  await runJob(extract, folder);
  context = await openContext(testConfig(folder), folder, { lock: true });
  app = await buildApp(context);
}, 60_000);
afterAll(async () => {
  await app.close();
  await context.close();
});

const ask = (payload: object) => app.inject({ method: 'POST', url: '/v1/related', payload });
const list = async (payload: object): Promise<ListReplyBody> => (await ask(payload)).json();
const idsOf = ({ items }: ListReplyBody): string[] => items.map(({ pinId }) => pinId);

/** A form with a picture of the world and further fields. */
function sendForm(fields: Readonly<Record<string, string>>, picture: string | null) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  if (picture !== null) form.append('image', new Blob([readFileSync(join(folder, 'images', `${picture}.png`))]), 'a.png');
  return app.inject({ method: 'POST', url: '/v1/related', payload: form });
}

test('a list by examples is explained, paged and logged like every other', async () => {
  const asked = { like: ['plant-1', 'plant-2'], unlike: ['tattoo-1'], limit: 2, explain: true, userId: 'ann', fields: 'title' };
  const first = await list(asked);
  expect(idsOf(first)).toHaveLength(2);
  expect(first.items[0].fields).toEqual({ title: expect.any(String) });
  expect(first.items[0].terms?.at(-1)).toMatchObject({ feature: 'unlike tattoo-1' });
  const next = await list({ ...asked, limit: 50, cursor: first.nextCursor });
  const all = [...idsOf(first), ...idsOf(next)];
  expect(new Set(all).size).toBe(all.length);
  for (const id of ['plant-1', 'plant-2', 'tattoo-1']) expect(all).not.toContain(id);
  expect(next.items[0].position).toBe(3);
  context.log.commit.flush();
  const logged = context.log.lists.find(first.recommendationId);
  expect(logged).toMatchObject({ surface: 'examples', queryPinIndex: -1, userId: 'ann' });
  expect(logged?.items.scores[0]).toBe(first.items[0].score);
  const other = await ask({ ...asked, like: ['plant-1'], cursor: first.nextCursor });
  expect(other.json()).toMatchObject({ status: 400, field: 'cursor' });
});

test('filters hold, and what the caller excludes stays out', async () => {
  const found = await list({ like: ['plant-1', 'plant-3'], buyable: true, exclude: ['plant-2'], limit: 50 });
  expect(idsOf(found).every((id) => Number(id.split('-')[1]) % 2 === 0)).toBe(true);
  expect(idsOf(found)).not.toContain('plant-2');
  expect(idsOf(await list({ like: ['plant-1'], filter: 'title=plant number 3', limit: 50 }))).toEqual(['plant-3']);
});

test('a picture is an example: alone, beside pins, in a form', async () => {
  const alone = await sendForm({ limit: '5', explain: 'true' }, 'plant-6');
  expect(alone.statusCode).toBe(200);
  expect(idsOf(alone.json())[0]).toBe('plant-6');
  const beside = (await sendForm({ like: '["tattoo-1"]', unlike: '["plant-5"]', limit: '50' }, 'plant-6')).json<ListReplyBody>();
  expect(idsOf(beside)).not.toContain('tattoo-1');
  expect(idsOf(beside)).not.toContain('plant-5');
  expect(beside.items.length).toBeGreaterThan(5);
  const pinsAlone = (await sendForm({ like: '["plant-1"]' }, null)).json<ListReplyBody>();
  expect(idsOf(pinsAlone)).toEqual(idsOf(await list({ like: ['plant-1'] })));
});

test('mistakes are refused by name', async () => {
  expect((await ask({ like: ['plant-1', 'nobody'] })).json()).toMatchObject({
    status: 404,
    code: 'CATALOG_PIN_UNKNOWN',
    detail: expect.stringContaining('nobody'),
  });
  expect((await ask({ like: ['plant-1'], unlike: ['no-one'] })).json()).toMatchObject({
    status: 404,
    detail: expect.stringContaining('no-one'),
  });
  for (const empty of [{}, { like: [] }, { unlike: ['plant-1'] }])
    expect((await ask(empty)).json()).toMatchObject({ status: 400, code: 'REQUEST_INVALID', field: 'like' });
  expect((await ask({ like: ['plant-1', 'plant-2'], unlike: ['plant-2'] })).json()).toMatchObject({
    status: 400,
    field: 'unlike',
    detail: expect.stringContaining('plant-2'),
  });
  expect((await ask({ like: ['plant-1'], liked: 1 })).json()).toMatchObject({ status: 400, field: 'liked' });
  expect((await ask({ like: 'plant-1' })).json()).toMatchObject({ status: 400, field: 'like' });
  expect((await ask({ like: Array.from({ length: 101 }, (_, n) => `pin ${n}`) })).json()).toMatchObject({ status: 400, field: 'like' });
  expect((await ask({ imageUrl: 'ftp://a/b.jpg' })).json()).toMatchObject({ status: 400, field: 'imageUrl' });
});

test('ideas for a board take unwanted ones, which push away what resembles them', async () => {
  const ideas = async (query: string): Promise<ListReplyBody> =>
    (await app.inject(`/v1/boards/${encodeURIComponent('plants of ann')}/related?limit=50&explain=true${query}`)).json();
  const before = await ideas('');
  const after = await ideas('&unlike=tattoo-2');
  expect(idsOf(before)).toContain('tattoo-2');
  expect(idsOf(after)).not.toContain('tattoo-2');
  expect(after.items[0].terms?.at(-1)?.feature).toBe('unlike tattoo-2');
  expect(before.items[0].terms?.at(-1)?.feature).not.toContain('unlike');
  const refused = await app.inject('/v1/boards/plants%20of%20ann/related?unlike=nobody');
  expect(refused.json()).toMatchObject({ status: 404, code: 'CATALOG_PIN_UNKNOWN' });
});

test('a form takes as many long ids as JSON does, and says so where a field is too long', async () => {
  const long = Array.from({ length: 1000 }, (_, i) => String(i).padEnd(256, 'x'));
  const sent = await sendForm({ like: '["plant-1"]', exclude: JSON.stringify(long) }, null);
  expect(sent.statusCode).toBe(200);
  const refused = await sendForm({ like: '["plant-1"]', exclude: JSON.stringify([...long, ...long, ...long, ...long, ...long]) }, null);
  expect([refused.statusCode, refused.json<{ detail: string }>().detail]).toEqual([
    400,
    'exclude: a field of a form has at most 1048576 bytes',
  ]);
});
