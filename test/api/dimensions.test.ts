import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { App } from '../../src/api/routes/routes.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { holdRepliesToSchemas } from '../declared-replies.ts';
import { testConfig, worldFolder } from '../world.ts';

const FILE = { metrics: [{ name: 'revenue-per-user', kind: 'mean' }], dimensions: { country: ['SE', 'DE'] } };

let folder: string;
let context: Context;
let app: App;

beforeAll(async () => {
  folder = await worldFolder();
  context = await openContext(testConfig(folder), folder, { lock: true });
  app = await buildApp(context);
  holdRepliesToSchemas(app);
}, 60_000);
afterAll(async () => {
  await app.close();
  await context.close();
});

const write = (text: string): void => writeFileSync(join(folder, 'metrics.json'), text);

async function labelsOfLogged(recommendationId: string) {
  await new Promise((done) => setImmediate(done));
  context.log.commit.flush();
  return context.log.lists.find(recommendationId)?.labels ?? null;
}

async function ask(query: string) {
  const reply = await app.inject(`/v1/pins/${context.pins.idOf(0)}/related?${query}`);
  return { status: reply.statusCode, body: reply.json<{ recommendationId: string; degraded: { code: string }[]; detail?: string }>() };
}

it('a list is logged with the labels of its caller, in closeups and own lists alike', async () => {
  write(JSON.stringify(FILE));
  const { body } = await ask('dimensions=country:SE');
  expect(await labelsOfLogged(body.recommendationId)).toEqual({ country: 'SE' });
  const pinIds = [1, 2, 3].map((pinIndex) => context.pins.idOf(pinIndex));
  const payload = { queryPinId: context.pins.idOf(0), pinIds, dimensions: 'country:Narnia' };
  const ranked = await app.inject({ method: 'POST', url: '/v1/rank', payload });
  expect(await labelsOfLogged(ranked.json<{ recommendationId: string }>().recommendationId)).toEqual({ country: 'other' });
  expect(await labelsOfLogged((await ask('')).body.recommendationId)).toBeNull();
});

it('a dimension that there is not is refused by name', async () => {
  write(JSON.stringify(FILE));
  expect(await ask('dimensions=planet:mars')).toMatchObject({
    status: 400,
    body: { field: 'dimensions', detail: expect.stringContaining('there are: country') },
  });
});

it('a broken file costs no list: it is served without labels and says so, and no experiment can be defined', async () => {
  write('{"metrics": 3}');
  const { status, body } = await ask('dimensions=country:SE');
  expect(status).toBe(200);
  expect(body.degraded.map(({ code }) => code)).toContain('METRICS_REFUSED');
  expect(await labelsOfLogged(body.recommendationId)).toBeNull();
  const payload = {
    key: 'k',
    arms: [
      { key: 'control', weight: 0.5 },
      { key: 'b', weight: 0.5 },
    ],
  };
  expect((await app.inject({ method: 'POST', url: '/v1/experiments', payload })).json()).toMatchObject({ code: 'METRICS_REFUSED' });
  const list = (await app.inject('/v1/experiments')).json<{ known: { metricsProblem: string | null } }>();
  expect(list.known.metricsProblem).toContain('metrics: must be a list');
  rmSync(join(folder, 'metrics.json'));
  expect((await app.inject({ method: 'POST', url: '/v1/experiments', payload })).statusCode).toBe(200);
});

it('an event keeps its value; what is no number is rejected', async () => {
  write(JSON.stringify(FILE));
  const { body } = await ask('');
  const event = { type: 'click', recommendationId: body.recommendationId, pinId: context.pins.idOf(1) };
  const events = [
    { ...event, eventId: 'v1', value: 19.99 },
    { ...event, eventId: 'v2' },
    { ...event, eventId: 'v3', value: 'much' },
    { ...event, eventId: 'v4', value: 1e10 },
  ];
  const reply = await app.inject({ method: 'POST', url: '/v1/events', payload: { events } });
  expect(reply.json()).toMatchObject({
    written: 2,
    rejected: { FIELD_TYPE: { count: 2, cells: [{ field: 'value' }, { field: 'value' }] } },
  });
  const { listIndex } = context.log.lists.find(body.recommendationId)!;
  expect(context.log.events.eventsOf(listIndex).map(({ value }) => value)).toEqual([19.99, null]);
});

it('metrics of the file stand beside those of the program', async () => {
  write(JSON.stringify(FILE));
  const { known } = (await app.inject('/v1/experiments')).json<{
    known: { metrics: { name: string }[]; dimensions: object; metricsProblem: null };
  }>();
  expect(known.metrics.at(-1)).toMatchObject({ name: 'revenue-per-user', kind: 'mean' });
  expect(known).toMatchObject({ dimensions: FILE.dimensions, metricsProblem: null });
});
