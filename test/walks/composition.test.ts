/** What a treatment says of grades and of the composition of pages, through HTTP, with real pins. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { runJob } from '../run-job.ts';
import { tasteOf, testConfig, worldFolder } from '../world.ts';

let context: Context;
let app: App;

beforeAll(async () => {
  const folder = await worldFolder();
  await runJob(extract, folder);
  // Every first page would be served shuffled, were it not composed.
  context = await openContext(testConfig(folder, { shuffledShare: 1 }), folder, { lock: true });
  app = await buildApp(context);
}, 120_000);
afterAll(async () => {
  await app.close();
  await context.close();
});

const closeup = async (treatment: object, more = ''): Promise<ListReplyBody> => {
  const named = encodeURIComponent(JSON.stringify(treatment));
  const reply = await app.inject(`/v1/pins/plant-1/related?explain=true&treatment=${named}${more}`);
  expect(reply.statusCode, reply.body).toBe(200);
  return reply.json<ListReplyBody>();
};
const idsOf = ({ items }: ListReplyBody): string[] => items.map(({ pinId }) => pinId);
const none = { composition: { method: 'none' } };
const strong = { composition: { method: 'ssd', weight: 10, window: 4 } };

describe('a composed list', () => {
  test('mixes what the scores keep apart, says why, and stands in the log as it was served', async () => {
    const [plain, mixed] = [await closeup(none, '&limit=8'), await closeup(strong, '&limit=8')];
    expect(idsOf(plain).slice(0, 4).map(tasteOf)).toEqual(Array(4).fill('plant'));
    expect(new Set(idsOf(mixed).slice(0, 4).map(tasteOf)).size).toBe(2);
    expect(plain.items.every(({ placed }) => placed === undefined)).toBe(true);
    const waited = mixed.items.find(({ placed }) => placed?.like);
    expect(waited?.placed?.instead).toBeLessThan(waited?.position ?? 0);
    expect(mixed.items[(waited?.placed?.like?.position ?? 0) - 1].pinId).toBe(waited?.placed?.like?.pinId);
    expect(mixed.treatment.composition).toEqual({ method: 'ssd', weight: 10, window: 4, limits: {} });
    await new Promise((done) => setImmediate(done));
    context.log.commit.flush();
    const logged = context.log.lists.find(mixed.recommendationId);
    expect(logged).toMatchObject({ shuffled: false, treatment: JSON.stringify(mixed.treatment) });
    expect(Array.from(logged?.items.pinIndexes.slice(0, 8) ?? [], (pin) => context.pins.idOf(pin))).toEqual(idsOf(mixed));
  });

  test('goes on over the pages of a cursor as one long list', async () => {
    for (const treatment of [strong, { composition: { method: 'mmr', weight: 3 } }, none]) {
      const whole = idsOf(await closeup(treatment, '&limit=50'));
      const paged: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: ListReplyBody = await closeup(treatment, `&limit=3${cursor && `&cursor=${cursor}`}`);
        for (const { position, placed } of page.items) if (placed) expect(placed.instead).not.toBe(position);
        paged.push(...idsOf(page));
        cursor = page.nextCursor;
      }
      expect(paged).toEqual(whole);
    }
  });

  test('keeps a limit: at most one of a domain in two', async () => {
    const limits = { domain: { most: 1, of: 2 } };
    const tastes = idsOf(await closeup({ composition: { method: 'none', limits } }, '&limit=8')).map(tasteOf);
    expect(tastes).toEqual(Array.from({ length: 8 }, (_, place) => (place % 2 === 0 ? 'plant' : 'tattoo')));
    const { items } = await closeup({ composition: { method: 'none', limits } }, '&limit=8');
    expect(items.some(({ placed }) => placed?.limit === 'domain')).toBe(true);
  });

  test.each([
    [{ composition: { method: 'best' } }, 'composition must be a record with method'],
    [{ composition: { window: 1 } }, 'composition must be a record with method'],
    [{ composition: { limits: { brand: { most: 1, of: 2 } } } }, 'composition must be a record with method'],
    [{ grades: { save: 'much' } }, 'grades must be a record with save'],
  ])('a treatment that is none is refused: %j', async (treatment, words) => {
    const reply = await app.inject(`/v1/pins/plant-1/related?treatment=${encodeURIComponent(JSON.stringify(treatment))}`);
    expect(reply.json()).toMatchObject({ status: 400, code: 'REQUEST_INVALID', detail: expect.stringContaining(words) as string });
  });

  test('an interleaved experiment, whose arms share each page, refuses it by name', async () => {
    const arms = [
      { key: 'control', weight: 0.5 },
      { key: 'mixed', weight: 0.5, treatment: strong },
    ];
    const refused = await app.inject({ method: 'POST', url: '/v1/experiments', payload: { key: 'shared', design: 'interleaved', arms } });
    expect(refused.json()).toMatchObject({
      code: 'EXPERIMENT_INVALID',
      detail: expect.stringContaining('arms[1].treatment.composition') as string,
    });
    const taken = await app.inject({ method: 'POST', url: '/v1/experiments', payload: { key: 'apart', arms } });
    expect(taken.statusCode, taken.body).toBe(200);
  });
});

test('the grades of a treatment weigh the past: a feed of clicks alone when saves say nothing', async () => {
  const { recommendationId } = await closeup({}, '&userId=ann-plant');
  const events = [{ eventId: 'c1', type: 'click', recommendationId, pinId: 'tattoo-2', userId: 'ann-plant' }];
  await app.inject({ method: 'POST', url: '/v1/events', payload: { events } });
  const weights = (grades?: object): string[] => {
    const all = { save: 4, longClick: 3, click: 2, closeup: 1, seen: 0, hide: -1, ...grades };
    const { pinIndexes } = context.parts.historyOf('ann-plant', Date.now() + 1, grades ? all : undefined);
    return Array.from(pinIndexes, (pin) => context.pins.idOf(pin));
  };
  expect(weights().length).toBeGreaterThan(1);
  expect(weights({ save: 0 })).toEqual(['tattoo-2']);
  expect(weights({ save: 0, click: 0, closeup: 0, longClick: 0 })).toEqual([]);
});
