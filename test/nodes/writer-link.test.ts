import { expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
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
  } finally {
    queue.close();
    await app.close();
    await context.close();
  }
});
