import { describe, expect, it } from 'vitest';
import { CACHE_KEYS, memoryCache } from '../../src/cache.ts';
import type { PinColumns } from '../../src/catalog/pin-columns.ts';
import { userNaming } from '../../src/catalog/user-pseudonym.ts';
import { memoryStream } from '../../src/event-stream.ts';
import { eraseShared, SharedActions } from '../../src/serving/shared-actions.ts';

/** Two processes number the same pins differently. */
const pinsOf = (...ids: string[]): PinColumns =>
  ({ idOf: (index: number) => ids[index], indexOf: (id: string) => ids.indexOf(id) }) as unknown as PinColumns;

function twoProcesses(userKey = '') {
  const [cache, stream] = [memoryCache(1 << 20), memoryStream()];
  const nameUser = userNaming(userKey);
  const here = new SharedActions(cache, stream, pinsOf('a', 'b', 'c'), nameUser);
  const there = new SharedActions(cache, stream, pinsOf('c', 'x', 'a'), nameUser);
  return { cache, stream, nameUser, here, there };
}

const event = (pinIndex: number, at: number, type: 'save' | 'click' | 'impression' = 'save') =>
  ({ eventId: `e${at}`, type, recommendationId: 'r', pinIndex, position: 1, userId: 'ann', at }) as const;

describe('what users do, shared', () => {
  it('is known in another process, newest first, by its own numbers of pins', async () => {
    const { here, there } = twoProcesses();
    here.publish([event(0, 1000), event(1, 1500), event(2, 2000, 'click'), event(1, 2500, 'impression')]);
    expect(await there.consume()).toBe(3);
    await there.bring('ann');
    expect(there.of('ann')).toEqual([
      { pinIndex: 0, type: 'click', at: 2000 },
      { pinIndex: 2, type: 'save', at: 1000 },
    ]);
    expect(there.of('bob')).toEqual([]);
    expect(await here.lag()).toBe(0);
  });

  it('stands under the stored name of the user', async () => {
    const { cache, here, there, nameUser } = twoProcesses('a secret of some length');
    here.publish([event(0, 1000)]);
    await there.consume();
    expect(await cache.list(CACHE_KEYS.actions.key('ann'))).toEqual([]);
    const [stored] = await cache.list(CACHE_KEYS.actions.key(nameUser('ann')));
    expect(stored.toString()).not.toContain('ann');
    await there.bring('ann');
    expect(there.of('ann')).toHaveLength(1);
  });

  it('is erased from the list and from the stream', async () => {
    const { cache, stream, here, there } = twoProcesses();
    here.publish([event(0, 1000)]);
    await there.consume();
    here.publish([event(2, 2000), { ...event(2, 3000), userId: 'bob' }]);
    expect(await eraseShared(cache, stream, 'ann')).toBe(1);
    expect(await there.consume()).toBe(1);
    await there.bring('ann');
    expect(there.of('ann')).toEqual([]);
  });

  it('passes over what is not one of ours', async () => {
    const { stream, there } = twoProcesses();
    await stream.publish([Buffer.from('{'), Buffer.from('{"userId": 1}'), Buffer.from('null')]);
    expect(await there.consume()).toBe(3);
    expect(await there.lag()).toBe(0);
  });
});
