import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { testConfig, worldFolder } from '../world.ts';

let context: Context;
let app: App;

beforeAll(async () => {
  const folder = await worldFolder();
  context = await openContext(testConfig(folder, { bodyLimitBytes: 4096 }), folder, { lock: true });
  app = await buildApp(context);
});
afterAll(async () => {
  await app.close();
  await context.close();
});

const related = '/v1/pins/plant-1/related';
const post = (url: string, payload: unknown) => ({ method: 'POST', url, payload: payload as object }) as const;

const LATIN = Buffer.from('{"pins":[{"id":"lat","title":"Caf\xe9"}]}', 'latin1');
const raw = (payload: Buffer, type: string, encoding = 'identity') =>
  ({ method: 'POST', url: '/v1/pins', payload, headers: { 'content-type': type, 'content-encoding': encoding } }) as const;

describe('what bad input gets', () => {
  test.each([
    ['an unknown pin', { url: '/v1/pins/nobody/related' }, 404, 'CATALOG_PIN_UNKNOWN', undefined],
    ['an unknown pin in a path with signs', { url: '/v1/pins/%00%2e%2e%2fetc/related' }, 404, 'CATALOG_PIN_UNKNOWN', undefined],
    ['a pin id that is too long', { url: `/v1/pins/${'x'.repeat(257)}/related` }, 400, 'REQUEST_INVALID', 'id'],
    ['a limit of zero', { url: `${related}?limit=0` }, 400, 'REQUEST_INVALID', 'limit'],
    ['a limit that is no number', { url: `${related}?limit=many` }, 400, 'REQUEST_INVALID', 'limit'],
    ['a foreign cursor', { url: `${related}?cursor=abcdef` }, 400, 'REQUEST_INVALID', 'cursor'],
    ['an unknown model', { url: `${related}?treatment=no-such-model` }, 404, 'RANKER_MODEL_UNKNOWN', undefined],
    ['a treatment that is no JSON', { url: `${related}?treatment={` }, 400, 'REQUEST_INVALID', 'treatment'],
    ['a composition that is a list', { url: `${related}?treatment={"composition":[]}` }, 400, 'REQUEST_INVALID', 'treatment'],
    ['a treatment with an unknown field', { url: `${related}?treatment={"modell":"x"}` }, 400, 'REQUEST_INVALID', 'treatment'],
    ['a body without its list', post('/v1/events', {}), 400, 'REQUEST_INVALID', 'events'],
    ['a body that is a list', post('/v1/events', []), 400, 'REQUEST_INVALID', 'body'],
    ['an unknown field beside the list', post('/v1/pins', { pins: [], pin: 1 }), 400, 'REQUEST_INVALID', 'pin'],
    ['pin ids that are no texts', post('/v1/rank', { queryPinId: 'plant-1', pinIds: [{}] }), 400, 'REQUEST_INVALID', 'pinIds.0'],
    [
      'a filter in a filter',
      post('/v1/rank', { queryPinId: 'plant-1', pinIds: ['plant-2'], filter: [[null, null]] }),
      400,
      'REQUEST_INVALID',
      'filter',
    ],
    ['a number where an id belongs', post('/v1/rank', { queryPinId: 1, pinIds: ['plant-2'] }), 400, 'REQUEST_INVALID', 'queryPinId'],
    ['a limit in words', post('/v1/rank', { queryPinId: 'plant-1', pinIds: ['plant-2'], limit: '5' }), 400, 'REQUEST_INVALID', 'limit'],
    [
      'a user that is no text',
      { method: 'DELETE', url: '/v1/saves', payload: { pinId: 'plant-1', boardId: 'b', userId: false } } as const,
      400,
      'REQUEST_INVALID',
      'userId',
    ],
    ['no pin ids', post('/v1/rank', { queryPinId: 'plant-1', pinIds: [] }), 400, 'REQUEST_INVALID', 'pinIds'],
    ['a body over the limit', post('/v1/pins', { pins: [{ id: 'x'.repeat(5000) }] }), 413, 'REQUEST_TOO_LARGE', undefined],
    ['a route that is not there', { url: '/v1/nothing' }, 404, 'ROUTE_UNKNOWN', undefined],
    ['a user id of spaces', { url: `${related}?userId=%20%20` }, 400, 'REQUEST_INVALID', 'userId'],
    ['bytes that are no UTF-8', raw(LATIN, 'application/json'), 400, 'REQUEST_INVALID', 'body'],
    ['the same, compressed', raw(gzipSync(LATIN), 'application/json', 'gzip'), 400, 'REQUEST_INVALID', 'body'],
    ['another charset', raw(LATIN, 'application/json; charset=iso-8859-1'), 415, 'REQUEST_MEDIA_TYPE', undefined],
    [
      'another charset, compressed',
      raw(gzipSync(LATIN), 'application/json; charset="latin1"', 'gzip'),
      415,
      'REQUEST_MEDIA_TYPE',
      undefined,
    ],
    ['an address that is none', post('/v1/visual-search', { imageUrl: 'http://' }), 400, 'REQUEST_INVALID', 'imageUrl'],
    ['an address that is a path', post('/v1/visual-search', { imageUrl: 'http://[/../../a.jpg' }), 400, 'REQUEST_INVALID', 'imageUrl'],
    [
      'a method that an address does not take',
      { method: 'DELETE', url: '/v1/pins/plant-1/related' } as const,
      405,
      'ROUTE_METHOD',
      undefined,
    ],
    ['a method that should have a body, without one', { method: 'QUERY', url: '/v1/pins' } as never, 405, 'ROUTE_METHOD', undefined],
    ['the same with a body', { method: 'PUT', url: '/v1/events?x=1', payload: {} } as const, 405, 'ROUTE_METHOD', undefined],
  ])('%s', async (_, request, status, code, field) => {
    const reply = await app.inject(request);
    expect(reply.statusCode).toBe(status);
    expect(reply.headers['content-type']).toContain('application/problem+json');
    const problem = reply.json<Record<string, unknown>>();
    expect(problem).toMatchObject({
      status,
      code,
      type: expect.any(String),
      title: expect.any(String),
      detail: expect.any(String),
      requestId: expect.any(String),
    });
    expect(problem.field).toBe(field);
    expect((await app.inject(related)).statusCode).toBe(200);
  });

  test('JSON that is cut off', async () => {
    const headers = { 'content-type': 'application/json' };
    const reply = await app.inject({ method: 'POST', url: '/v1/events', headers, payload: '{"events": [' });
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({ code: 'REQUEST_INVALID' });
  });

  test('rows are rejected one by one, with reason and index, and the rest goes in', async () => {
    const at = new Date(Date.now() + 3 * 24 * 3600 * 1000).toISOString();
    const pins = [
      { id: 'fresh' },
      { id: '' },
      { id: 'x'.repeat(257) },
      { id: 'bad\ud800' },
      { title: 'no id' },
      7,
      { id: 'later', createdAt: at },
    ];
    const receipt = (await app.inject(post('/v1/pins', { pins }))).json();
    expect(receipt).toMatchObject({ read: 7, written: 1, unchanged: 0 });
    expect(
      Object.values(receipt.rejected as Record<string, { lines: number[] }>)
        .flatMap(({ lines }) => lines)
        .sort(),
    ).toEqual([1, 2, 3, 4, 5, 6]);
    const saves = (
      await app.inject(
        post('/v1/saves', {
          saves: [
            { pinId: 'fresh', boardId: 'no board' },
            { pinId: 'no pin', boardId: 'plants of ann' },
          ],
        }),
      )
    ).json();
    expect(saves.rejected).toMatchObject({
      BOARD_UNKNOWN: { count: 1, lines: [0], cells: [{ line: 0, field: 'boardId', value: 'no board' }] },
      PIN_UNKNOWN: { count: 1, lines: [1] },
    });
    expect((await app.inject('/v1/pins/fresh/related')).statusCode).toBe(200);
  });

  test('events: unknown pins and kinds are rejected, unknown lists kept apart, repeats change nothing', async () => {
    const event = { eventId: 'e1', type: 'click', recommendationId: 'nobody knows', pinId: 'plant-2' };
    const events = [event, event, { ...event, eventId: 'e2', pinId: 'nobody' }, { ...event, eventId: 'e3', type: 'stare' }];
    const receipt = (await app.inject(post('/v1/events', { events }))).json();
    expect(receipt).toMatchObject({ read: 4, written: 0, unchanged: 1, keptApart: 1 });
    expect(receipt.rejected).toEqual({
      PIN_UNKNOWN: { count: 1, lines: [2], cells: [{ line: 2, field: 'pinId', value: 'nobody' }] },
      EVENT_TYPE_UNKNOWN: { count: 1, lines: [3], cells: [{ line: 3, field: 'type', value: 'stare' }] },
    });
  });
});

test('an event with a number beyond all bounds is rejected by itself, and the rest of the batch goes in', async () => {
  const event = (eventId: string, more: object) => ({
    eventId,
    type: 'click',
    recommendationId: 'nobody knows',
    pinId: 'plant-2',
    ...more,
  });
  const events = [
    event('n1', { position: 1e300 }),
    event('n2', { position: 2 ** 53 }),
    event('n3', { position: 1_000_001 }),
    event('n4', { at: 1e300 }),
    event('n5', { at: -1e300 }),
    event('n6', { position: 1_000_000, at: -8.64e15 }),
  ];
  const reply = await app.inject(post('/v1/events', { events }));
  expect(reply.statusCode).toBe(200);
  expect(reply.json()).toMatchObject({ read: 6, keptApart: 1 });
  const { rejected } = reply.json<{ rejected: object }>();
  expect(Object.keys(rejected)).toEqual(['POSITION_INVALID', 'TIME_INVALID']);
  expect(rejected).toMatchObject({ POSITION_INVALID: { count: 3, lines: [0, 1, 2] }, TIME_INVALID: { count: 2, lines: [3, 4] } });
});

test('a pin whose image failed is served by its boards and says so', async () => {
  const [image] = context.catalog.pins.imagesNeeded(1);
  context.catalog.pins.noteImages([{ ...image, failure: 'IMAGE_REFUSED' }]);
  await context.refresh();
  const reply = (await app.inject(`/v1/pins/${context.pins.idOf(image.pinIndex)}/related`)).json();
  expect(reply.missing).toContain('image');
  expect(reply.items.length).toBeGreaterThan(2);
});

// A title of 3.6 MB was stored, and every list that showed the pin repeated it.
test('a text beyond all bounds keeps its row out, and the rest of the batch goes in', async () => {
  const long = (length: number): string => 'x'.repeat(length);
  const pins = [
    { id: 'long-1', title: long(8193) },
    { id: 'long-2', description: long(65_537) },
    { id: 'long-3', link: `https://x.example/${long(4096)}` },
    { id: 'long-4', image: `https://x.example/${long(4096)}` },
    { id: 'long-5', annotations: { [long(1025)]: 1 } },
    { id: 'long-6', categories: { [long(1025)]: 1 } },
    { id: 'short', title: long(8192), annotations: { [long(1024)]: 1 } },
  ];
  const own = await worldFolder();
  const ownContext = await openContext(testConfig(own), own, { lock: true });
  const ownApp = await buildApp(ownContext);
  const receipt = (await ownApp.inject(post('/v1/pins', { pins }))).json();
  expect(receipt).toMatchObject({ read: 7, written: 1, rejected: { TEXT_TOO_LONG: { count: 6, lines: [0, 1, 2, 3, 4, 5] } } });
  expect(JSON.stringify(receipt).length).toBeLessThan(4000);
  const boards = (await ownApp.inject(post('/v1/boards', { boards: [{ id: 'b', title: long(8193) }] }))).json();
  expect(boards.rejected).toMatchObject({ TEXT_TOO_LONG: { count: 1 } });
  await ownApp.close();
  await ownContext.close();
});
