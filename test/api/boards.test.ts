import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../src/api/routes/routes.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { runJob } from '../run-job.ts';
import { testConfig, worldFolder } from '../world.ts';

let context: Context;
let app: App;

beforeAll(async () => {
  const folder = await worldFolder();
  await runJob(extract, folder);
  context = await openContext(testConfig(folder), folder, { lock: true });
  app = await buildApp(context);
}, 60_000);
afterAll(async () => {
  await app.close();
  await context.close();
});

const get = async <T>(url: string): Promise<T> => (await app.inject(url)).json<T>();
const path = (id: string): string => `/v1/boards/${encodeURIComponent(id)}`;

interface Board {
  readonly id: string;
  readonly title: string;
  readonly pins: number;
  readonly covers: readonly string[];
}
interface List {
  readonly recommendationId: string;
  readonly items: readonly { readonly pinId: string; readonly position: number; readonly fields: Readonly<Record<string, unknown>> }[];
  readonly nextCursor: string | null;
  readonly missing: readonly string[];
}

test('a board says what it holds, the newest save first', async () => {
  expect(await get<Board>(path('plants of ann'))).toEqual({
    id: 'plants of ann',
    title: 'my plants',
    description: '',
    category: 'gardening',
    pins: 4,
    covers: ['plant-5', 'plant-4', 'plant-2', 'plant-1'],
  });
  const page = await get<{ pins: { id: string }[]; nextCursor: string }>(`${path('plants of ann')}/pins?limit=3`);
  expect(page.pins.map(({ id }) => id)).toEqual(['plant-5', 'plant-4', 'plant-2']);
  const rest = await get<{ pins: { id: string }[]; nextCursor: null }>(`${path('plants of ann')}/pins?limit=3&cursor=${page.nextCursor}`);
  expect([rest.pins.map(({ id }) => id), rest.nextCursor]).toEqual([['plant-1'], null]);
  expect((await app.inject(path('nobody'))).json()).toMatchObject({ status: 404, code: 'CATALOG_BOARD_UNKNOWN' });
});

test('boards are browsed a page at a time, and a pin names the boards that hold it', async () => {
  const first = await get<{ boards: Board[]; nextCursor: string }>('/v1/boards?limit=4');
  const second = await get<{ boards: Board[]; nextCursor: null }>(`/v1/boards?limit=4&cursor=${first.nextCursor}`);
  const ids = [...first.boards, ...second.boards].map(({ id }) => id);
  expect(ids).toHaveLength(6);
  expect(new Set(ids).size).toBe(6);
  expect(second.nextCursor).toBe(null);
  const { boards } = await get<{ boards: Board[] }>('/v1/pins/plant-1/boards');
  expect(boards.map(({ id }) => id).sort()).toEqual(['plants of ann', 'plants of cleo']);
  expect(await get('/v1/pins/plant-6/boards')).toEqual({ boards: [] });
});

test('more ideas for a board are like its pins and not on it, page after page, and are logged', async () => {
  const list = await get<List>(`${path('plants of ann')}/related?limit=2`);
  expect(list.items.map(({ pinId }) => pinId).sort()).toEqual(['plant-3', 'plant-6']);
  expect(list.items[0].fields).toMatchObject({ image: `/v1/pins/${list.items[0].pinId}/image` });
  const next = await get<List>(`${path('plants of ann')}/related?limit=50&cursor=${list.nextCursor}`);
  const shown = [...list.items, ...next.items].map(({ pinId }) => pinId);
  expect(new Set(shown).size).toBe(shown.length);
  expect(shown.filter((pinId) => ['plant-1', 'plant-2', 'plant-4', 'plant-5'].includes(pinId))).toEqual([]);
  expect(next.items[0].position).toBe(3);
  context.log.commit.flush();
  expect(context.log.lists.find(list.recommendationId)).toMatchObject({ surface: 'board', queryPinIndex: -1 });
  const refused = await app.inject(`${path('tattoos of ann')}/related?cursor=${list.nextCursor}`);
  expect(refused.json()).toMatchObject({ status: 400, field: 'cursor' });
});

test('a board without pins has ideas that are popular, and says that it holds nothing to go by', async () => {
  await app.inject({ method: 'POST', url: '/v1/boards', payload: { boards: [{ id: 'new', title: 'New' }] } });
  const list = await get<List>(`${path('new')}/related?limit=3`);
  expect(list.missing).toEqual(['history']);
  expect((await get<{ boards: Board[] }>('/v1/boards?limit=50')).boards.map(({ id }) => id)).not.toContain('new');
});
