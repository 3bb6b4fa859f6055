import { expect, test } from 'vitest';
import { logList, plainOptions } from '../../src/lists/serve-list.ts';
import { relatedPins } from '../../src/related-pins.ts';
import { openContext } from '../../src/service/context.ts';
import { testConfig, worldFolder } from '../world.ts';

test('the past of a moment ends there: what is done later is in no history, and nobody has seen it yet', async () => {
  const folder = await worldFolder();
  const context = await openContext(testConfig(folder), folder, { lock: true });
  try {
    const { catalog, log, pins } = context;
    const [board, user] = [catalog.boards.indexOf('plants of ann'), 'ann-plant'];
    const saved: number[] = Array.from(catalog.saves.pinsOf(board));
    const acted = pins.indexOf('tattoo-3');
    const at = Date.UTC(2026, 5, 1);
    const list = await relatedPins(context.parts, 0, plainOptions({ recommendationId: 'r', now: at - 1, userId: user }));
    await logList(log, list);
    await log.events.append([{ eventId: 'e', type: 'click', recommendationId: 'r', pinIndex: acted, position: 1, userId: user, at }]);
    const past = (now: number) => Array.from(context.parts.historyOf(user, now).pinIndexes).sort((a, b) => a - b);
    const seen = (now: number) => [...context.parts.seenBy(user, now)].sort((a, b) => a - b);
    const first = Math.min(...catalog.saves.ofUser(catalog.users.indexOf(user)).map((save) => save.at));
    for (const of of [past, seen]) {
      expect(of(first)).toEqual([]);
      expect(of(at)).toEqual(saved);
      expect(of(at + 1)).toEqual([...saved, acted].sort((a, b) => a - b));
    }
  } finally {
    await context.close();
  }
});
