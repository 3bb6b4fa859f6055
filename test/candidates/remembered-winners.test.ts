import { expect, test } from 'vitest';
import { RememberedWinners } from '../../src/candidates/remembered-winners.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { servedList } from '../catalog/served-list-case.ts';

test('what won more than once for a query is proposed again, the greatest first; one click is not enough', async () => {
  const log = openLog(':memory:');
  const source = new RememberedWinners(log.pairs);
  expect(source.propose({ pinIndex: 7, code: null }, 10).pinIndexes).toHaveLength(0);
  const clicks = [[10, 11], [10, 11], [10], [12]];
  for (const [n, pins] of clicks.entries()) {
    const recommendationId = `r${n}`;
    await log.lists.append(servedList({ recommendationId, pins: [10, 11, 12, 13] }));
    await log.events.append(
      pins.map(
        (pinIndex) =>
          ({
            eventId: `${n} ${pinIndex}`,
            type: 'click',
            recommendationId,
            pinIndex,
            position: 1,
            userId: null,
            at: 1001,
          }) as const,
      ),
    );
  }
  log.pairs.catchUp();
  const { pinIndexes, scores } = source.propose({ pinIndex: 7, code: null }, 10);
  expect([...pinIndexes]).toEqual([10, 11]);
  expect(scores[0]).toBeGreaterThan(scores[1]);
  expect(scores[1]).toBeGreaterThanOrEqual(2);
  expect([...source.propose({ pinIndex: 7, code: null }, 1).pinIndexes]).toEqual([10]);
  expect(source.propose({ pinIndex: -1, code: null }, 10).pinIndexes).toHaveLength(0);
  expect(source.propose({ pinIndex: 8, code: null }, 10).pinIndexes).toHaveLength(0);
  log.close();
});
