import { describe, expect, it } from 'vitest';
import { partsAhead } from '../../src/vision/parts-ahead.ts';

const later = (): Promise<void> => new Promise((done) => setImmediate(done));

describe('parts ahead', () => {
  it('yields parts in order, also when later ones are ready first', async () => {
    const waits = [5, 0, 3, 0];
    const look = async (part: readonly number[]): Promise<number> => {
      for (let i = 0; i < waits[part[0] / 2]; i++) await later();
      return part.length;
    };
    const seen = [];
    for await (const { part, found } of partsAhead([0, 1, 2, 3, 4, 5, 6], 2, look)) seen.push([...part, found]);
    expect(seen).toEqual([
      [0, 1, 2],
      [2, 3, 2],
      [4, 5, 2],
      [6, 1],
    ]);
  });

  it('has three parts under way and no more', async () => {
    let [underWay, most] = [0, 0];
    const look = async (): Promise<void> => {
      most = Math.max(most, ++underWay);
      await later();
      underWay--;
    };
    for await (const _ of partsAhead(Array.from({ length: 40 }), 4, look)) await later();
    expect(most).toBe(3);
  });

  it('begins nothing more after a stop and yields what has begun', async () => {
    const stop = new AbortController();
    const begun: number[] = [];
    const yielded: number[] = [];
    const look = async (part: readonly number[]): Promise<void> => void begun.push(part[0]);
    for await (const { part } of partsAhead([0, 1, 2, 3, 4, 5, 6, 7], 1, look, stop.signal)) {
      yielded.push(part[0]);
      if (part[0] === 1) stop.abort();
    }
    expect(yielded).toEqual(begun);
    expect(begun.length).toBeLessThan(8);
  });

  it('fails where a part fails, after those before it', async () => {
    const yielded: number[] = [];
    const look = async (part: readonly number[]): Promise<void> => {
      if (part[0] === 2) throw new Error('no such picture');
    };
    const walk = async (): Promise<void> => {
      for await (const { part } of partsAhead([0, 1, 2, 3], 1, look)) yielded.push(part[0]);
    };
    await expect(walk()).rejects.toThrow('no such picture');
    expect(yielded).toEqual([0, 1]);
  });
});
