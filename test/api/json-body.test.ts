import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { buildApp } from '../../src/api/shell/app.ts';
import { KEYS_MAX, NESTING_MAX, whyNotParsed } from '../../src/api/shell/json-body.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { testConfig, worldFolder } from '../world.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

describe('what is not parsed', () => {
  it('is what opens more brackets within each other than any request has', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(whyNotParsed(bytes(nested(NESTING_MAX)), 1000)).toBeNull();
    expect(whyNotParsed(bytes(nested(NESTING_MAX + 1)), 1000)).toContain('brackets');
    expect(whyNotParsed(bytes('{"a":'.repeat(NESTING_MAX + 1)), 1000)).toContain('brackets');
  });

  it('brackets and commas in a string are text', () => {
    const text = JSON.stringify({ title: `\\"${'[{,'.repeat(5000)}\\` });
    expect(whyNotParsed(bytes(text), 10)).toBeNull();
    expect(whyNotParsed(bytes('"\\'), 10)).toBeNull();
  });

  it('is what holds more values than its route takes', () => {
    expect(whyNotParsed(bytes(`[${'0,'.repeat(99)}0]`), 101)).toBeNull();
    expect(whyNotParsed(bytes(`[${'0,'.repeat(99)}0]`), 100)).toContain('100 values');
  });

  it('is what has more different keys than any body needs; the same keys in every row are few', () => {
    const rows = (count: number, key: (i: number) => string): string =>
      `[${Array.from({ length: count }, (_, i) => `{"${key(i)}" :1}`).join(',')}]`;
    expect(whyNotParsed(bytes(rows(KEYS_MAX, (i) => `k${i}`)), 1_000_000)).toBeNull();
    expect(whyNotParsed(bytes(rows(KEYS_MAX + 100, (i) => `k${i}`)), 1_000_000)).toContain('different keys');
    expect(whyNotParsed(bytes(rows(60_000, () => 'pinId')), 1_000_000)).toBeNull();
    expect(whyNotParsed(bytes(`[${Array.from({ length: 60_000 }, (_, i) => `"k${i}"`).join(',')}]`), 1_000_000)).toBeNull();
  });

  it('is never JSON of ordinary depth and size', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 20 }), (text) => {
        expect(whyNotParsed(bytes(text), 1_000_000)).toBeNull();
      }),
      { numRuns: 500, seed: 5 },
    );
  });
});

describe('bodies that cost more than they hold', () => {
  let context: Context;
  let app: App;
  beforeAll(async () => {
    const folder = await worldFolder();
    context = await openContext(testConfig(folder), folder, { lock: true });
    app = await buildApp(context);
  });
  afterAll(async () => {
    await app.close();
    await context.close();
  });

  const brackets = '['.repeat(4_190_000) + ']'.repeat(4_190_000);
  const post = (url: string, payload: string) =>
    app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json' } });

  it.each(['/v1/rank', '/v1/visual-search', '/v1/lens', '/v1/judgements', '/v1/experiments/x/ramp', '/v1/models/x/promote'])(
    '%s takes no megabytes of brackets',
    async (url) => {
      const reply = await post(url, brackets);
      expect([reply.statusCode, reply.json<{ code: string }>().code]).toEqual([413, 'REQUEST_TOO_LARGE']);
    },
  );

  it.each(['/v1/events', '/v1/pins'])('%s says what is wrong with them', async (url) => {
    const reply = await post(url, brackets);
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({ code: 'REQUEST_INVALID', field: 'body', detail: expect.stringContaining('brackets') as string });
  });

  it('a list of more rows than a route takes is refused by its length, whatever stands in it', async () => {
    const reply = await post('/v1/events', `{"events":[${Array.from({ length: 10_001 }, (_, i) => `"s${i}"`).join(',')}]}`);
    expect(reply.json()).toMatchObject({
      code: 'REQUEST_INVALID',
      field: 'events',
      detail: expect.stringContaining('10000 items') as string,
    });
  });

  it('flat bodies of a list are bounded by what they hold, and a full list is ranked', async () => {
    const flat = await post('/v1/rank', `[${'{},'.repeat(300_000)}{}]`);
    expect(flat.json()).toMatchObject({ code: 'REQUEST_INVALID', detail: expect.stringContaining('2000 values') as string });
    const pinIds = Array.from({ length: 1000 }, (_, i) => `plant-${(i % 5) + 2}`.padEnd(250, 'x'));
    const full = await post('/v1/rank', JSON.stringify({ queryPinId: 'plant-1', pinIds }));
    expect(full.statusCode).toBe(200);
  });
});
