import { expect, test } from 'vitest';
import { logList, plainOptions } from '../../src/lists/serve-list.ts';
import { relatedPins } from '../../src/related-pins.ts';
import { summarizeHistory } from '../../src/ranker/scoring/user-history.ts';
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

test('a history is weighed and summed up once, and again when the person acts or a pin goes', async () => {
  const folder = await worldFolder();
  const context = await openContext(testConfig(folder), folder, { lock: true });
  try {
    const { catalog, log, pins } = context;
    const user = 'ann-plant';
    const now = Date.now() + 1000;
    const sums = () => {
      const history = context.parts.historyOf(user, now);
      return { history, ...summarizeHistory(history, pins, context.visual) };
    };
    const same = (a: ReturnType<typeof sums>, b: ReturnType<typeof sums>): boolean =>
      a.history === b.history && a.categories === b.categories;
    const first = sums();
    expect([same(sums(), first), context.parts.historyOf(user, 0).pinIndexes]).toEqual([true, new Int32Array(0)]);
    // The same history over columns without categories is summed up by those.
    const bare = Object.create(pins, { categories: { value: { ...pins.categories, length: new Uint16Array(pins.count) } } }) as typeof pins;
    expect(summarizeHistory(first.history, bare, context.visual).categories.every((weight) => weight === 0)).toBe(true);
    expect(sums().categories).toEqual(first.categories);
    const list = await relatedPins(context.parts, 0, plainOptions({ recommendationId: 'r', now: now - 500, userId: user }));
    await logList(log, list);
    const pinIndex = pins.indexOf('tattoo-3');
    await log.events.append([{ eventId: 'e', type: 'click', recommendationId: 'r', pinIndex, position: 1, userId: user, at: now - 1 }]);
    const acted = sums();
    expect([same(acted, first), Array.from(acted.history.pinIndexes).includes(pinIndex)]).toEqual([false, true]);
    expect(same(sums(), acted)).toBe(true);
    expect(acted.categories).not.toEqual(first.categories);
    catalog.removals.removePins([pinIndex], now);
    await context.refresh();
    expect(Array.from(sums().history.pinIndexes)).toEqual(Array.from(first.history.pinIndexes));
    expect(sums().categories).toEqual(first.categories);
    await log.events.append([
      { eventId: 'h', type: 'hide', recommendationId: 'r', pinIndex: first.history.pinIndexes[0], position: 2, userId: user, at: now - 1 },
    ]);
    expect(Array.from(sums().history.pinIndexes)).toEqual(Array.from(first.history.pinIndexes).slice(1));
  } finally {
    await context.close();
  }
});
