import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import { openDatabase } from '../../src/catalog/database.ts';
import type { SentList } from '../../src/catalog/log/sent-list.ts';
import { ListQueue } from '../../src/nodes/list-queue-store.ts';
import { WriterLink } from '../../src/nodes/writer-link.ts';
import { openContext } from '../../src/service/context.ts';
import { temporaryFolder, testConfig, worldFolder } from '../world.ts';
import wire from '../cases/sent-list.json' with { type: 'json' };

test('a list that the writer can never take does not keep it from the others', async () => {
  const folder = await worldFolder();
  const context = await openContext(testConfig(folder), folder, { lock: true });
  const app = await buildApp(context);
  const queue = new ListQueue(temporaryFolder(), { bytesMax: 1 << 20, synchronous: 'NORMAL' });
  try {
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    const list = (recommendationId: string, more: object = {}): SentList => ({
      ...(wire.lists[0] as SentList),
      ...{ recommendationId, queryPinId: 'plant-3', pinIds: ['plant-1', 'plant-2'] },
      ...more,
    });
    const good = Array.from({ length: 9 }, (_, i) => list(`good-${i}`));
    queue.put([...good.slice(0, 5), list('never', { surface: 'x'.repeat(300) }), ...good.slice(5)], wire.columns);
    const rejected: string[] = [];
    const link = new WriterLink({ url, key: '' }, queue, ({ recommendationId }) => rejected.push(recommendationId));
    for (let round = 0; queue.count > 0 && round < 20; round++) expect(await link.handIn()).toBe(true);
    expect([queue.count, rejected, link.handedIn, link.problem]).toEqual([0, ['never'], 9, null]);
    // Lists without a pin, a person or an arm stay without.
    queue.put([list('feed', { surface: 'home-feed', queryPinId: null })], wire.columns);
    expect(await link.handIn()).toBe(true);
    expect([queue.count, rejected]).toEqual([0, ['never']]);
    const log = openDatabase(join(folder, 'log.sqlite'), { readonly: true });
    expect(log.prepare("SELECT count(*) FROM person WHERE text = ''").pluck().get()).toBe(0);
    log.close();
    // What no date or clock can say is refused, and does not become an error of the service.
    for (const more of [{ at: 1e300 }, { latencyMs: 1e300 }]) {
      const lists = [list('odd', more)];
      const payload = { columns: wire.columns, lists };
      expect((await app.inject({ method: 'POST', url: '/v1/served-lists', payload })).statusCode).toBe(400);
    }
  } finally {
    queue.close();
    await app.close();
    await context.close();
  }
});
