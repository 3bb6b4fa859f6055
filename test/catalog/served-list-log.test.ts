import { expect, test } from 'vitest';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { servedList } from './served-list-case.ts';

test('a list comes back to the bit, zeros and missing sources included', async () => {
  const log = openLog(':memory:', { groupCommitMs: 1 });
  const list = servedList({
    recommendationId: 'r1',
    rows: [
      [0, 1.5, -0],
      [0.1, 0, Number.NaN],
    ],
  });
  await log.lists.append(list);
  const { listIndex, ...found } = log.lists.find('r1') ?? { listIndex: 0 };
  expect(listIndex).toBe(1);
  expect(found).toEqual(list);
  log.close();
});

test('lists are read in order of time, over page borders, by surface and person', async () => {
  const log = openLog(':memory:', { groupCommitMs: 1 });
  const waits: Promise<void>[] = [];
  for (let i = 0; i < 300; i++) {
    const at = 1000 - Math.floor(i / 3);
    waits.push(log.lists.append(servedList({ recommendationId: `r${i}`, at, userId: i % 2 ? 'ann' : 'bob' })));
  }
  await Promise.all(waits);
  const times = [...log.lists.lists()].map((list) => list.at);
  expect(times).toHaveLength(300);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect([...log.lists.lists({ from: 990, to: 995 })]).toHaveLength(15);
  expect([...log.lists.lists({ userId: 'ann' })]).toHaveLength(150);
  expect([...log.lists.lists({ userId: 'nobody' })]).toHaveLength(0);
  expect([...log.lists.lists({ surfaces: ['rank'] })]).toHaveLength(0);
  log.close();
});

test('a list that is refused is refused alone', async () => {
  const log = openLog(':memory:', { groupCommitMs: 1 });
  const [first, twice, other] = ['same', 'same', 'other'].map((recommendationId) =>
    log.lists.append(servedList({ recommendationId, modelVersion: 'm7' })),
  );
  await first;
  await expect(twice).rejects.toThrow(/UNIQUE/);
  await other;
  expect(log.lists.count()).toBe(2);
  expect(log.lists.find('other')?.modelVersion).toBe('m7');
  log.close();
});
