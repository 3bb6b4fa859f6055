import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildService, type BuiltApp } from '../../src/api/shell/app.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { testConfig, worldFolder } from '../world.ts';

let context: Context;
let writer: BuiltApp;
/** Stands for the application of a reading thread. */
let reader: BuiltApp;

beforeAll(async () => {
  const folder = await worldFolder();
  context = await openContext(testConfig(folder), folder, { lock: true });
  [writer, reader] = [await buildService(context), await buildService(context)];
});
afterAll(async () => {
  await writer.app.close();
  await reader.app.close();
  await context.close();
});

/** The value of a metric, labels included in its name; null when it is not there. */
async function valueOf(name: string, { metrics } = writer): Promise<number | null> {
  const line = (await metrics.text()).split('\n').find((text) => text.startsWith(`${name} `));
  return line === undefined ? null : Number(line.slice(name.length + 1));
}

test('what is not known is not there: nothing of Redis without Redis', async () => {
  expect(await valueOf('related_pins_redis_up')).toBeNull();
  expect(await valueOf('related_pins_event_lag')).toBeNull();
  expect(await valueOf('related_pins_pins')).toBe(12);
});

test('candidates are counted by the source that proposed them', async () => {
  const list = (await writer.app.inject('/v1/pins/plant-1/related')).json<{ items: { sources: { name: string }[] }[] }>();
  const shared = list.items.filter(({ sources }) => sources.some(({ name }) => name === 'board-cooccurrence')).length;
  expect(shared).toBeGreaterThan(0);
  expect(await valueOf('related_pins_candidates_total{source="board-cooccurrence"}')).toBe(shared);
  const candidates = await valueOf('related_pins_candidates_sum{surface="closeup"}');
  expect(await valueOf('related_pins_candidates_total{source="popular-in-category"}')).toBeLessThanOrEqual(candidates ?? 0);
});

test('what every process looks up for itself is not added up, what each has counted is', async () => {
  const told = await reader.metrics.told();
  for (const id of [1, 2]) writer.metrics.readers.hear(id, told);
  reader.metrics.lists.add('rank', 4);
  writer.metrics.readers.hear(2, await reader.metrics.told());
  expect(await valueOf('related_pins_pins')).toBe(12);
  expect(await valueOf('related_pins_model_info{model="starter"}')).toBe(1);
  expect(await valueOf('related_pins_model_refused')).toBe(0);
  expect(await valueOf('related_pins_events_kept_apart')).toBe(0);
  expect(await valueOf('related_pins_lists_total{surface="rank"}')).toBe(4);
});

test('a reader that ended takes nothing back that it had counted, and leaves nothing of what it was doing', async () => {
  writer.metrics.readers.hear(3, await reader.metrics.told());
  const before = await valueOf('related_pins_lists_total{surface="rank"}');
  for (const id of [1, 2, 3]) writer.metrics.readers.forget(id);
  expect(await valueOf('related_pins_lists_total{surface="rank"}')).toBe(before);
  expect(await valueOf('related_pins_pins')).toBe(12);
  writer.metrics.readers.hear(4, await reader.metrics.told());
  expect(await valueOf('related_pins_lists_total{surface="rank"}')).toBe((before ?? 0) + 4);
});

test('the longest stop of a reader is there until it is read, whatever it tells afterwards', async () => {
  const telling = (seconds: number): object => [
    { name: 'related_pins_take_up_seconds', help: '', type: 'gauge', aggregator: 'max', values: [{ value: seconds, labels: {} }] },
  ];
  for (const seconds of [0.1, 7, 0.2]) writer.metrics.readers.hear(5, telling(seconds));
  expect(await valueOf('related_pins_take_up_seconds')).toBe(7);
  expect(await valueOf('related_pins_take_up_seconds')).toBe(0.2);
});
