import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CandidateSource } from '../../src/candidates/candidate.ts';
import { askedSources, ENOUGH_CANDIDATES, sourceShares } from '../../src/lists/propose.ts';
import { plainOptions } from '../../src/lists/serve-list.ts';
import { DEFAULT_TREATMENT } from '../../src/treatment.ts';
import { relatedPins } from '../../src/related-pins.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { fixtureCatalog, fixtureColumns, numberedPins } from '../candidates/fixture-columns.ts';
import { testConfig, worldFolder } from '../world.ts';

const manyPins = fixtureColumns(fixtureCatalog(numberedPins(2 * ENOUGH_CANDIDATES)));
let context: Context;
beforeAll(async () => {
  const folder = await worldFolder();
  context = await openContext(testConfig(folder), folder, { lock: true });
});
afterAll(() => context.close());

/** A source that proposes the `count` pins after the first one, and counts how often it was asked. */
function counted(name: string, count: number): { source: CandidateSource; asked: () => number } {
  let asked = 0;
  const propose = (): ReturnType<CandidateSource['propose']> => {
    asked++;
    const pinIndexes = Int32Array.from({ length: count }, (_, pin) => pin + 1);
    return { pinIndexes, scores: new Float32Array(pinIndexes.length).fill(1) };
  };
  return { source: { name, propose }, asked: () => asked };
}

describe('lists before any training', () => {
  const options = plainOptions({ recommendationId: 'untrained', now: Date.UTC(2026, 3, 1) });

  it('are made by the starter, which knows that sharing boards and looking alike are good signs', () => {
    expect(context.models.current().name).toBe('starter');
    const { features } = context.registry.read('starter');
    const weightOf = (name: string): number => features.find((feature) => feature.name === name)?.weight ?? 0;
    for (const name of ['cooccurrence-score', 'from-board-cooccurrence', 'fc6-similarity', 'fc8-similarity'])
      expect(weightOf(name), name).toBeGreaterThan(0);
    expect(() => context.registry.add({ ...context.registry.read('starter'), features })).toThrow('is none of as-retrieved, starter');
  });

  it('ask for what is popular only where the other sources run dry', async () => {
    const dry = counted('popular-in-category', 3);
    const few = { ...context.parts, sources: [counted('board-cooccurrence', 2).source, dry.source] };
    const filled = await relatedPins(few, 0, options);
    expect(dry.asked()).toBe(1);
    expect([...filled.candidates.pinIndexes]).toEqual([1, 2, 3]);
    const enough = { ...few, pins: manyPins, visual: null, sources: [counted('board-cooccurrence', ENOUGH_CANDIDATES).source, dry.source] };
    expect((await relatedPins(enough, 0, options)).candidates.count).toBe(ENOUGH_CANDIDATES);
    expect(dry.asked()).toBe(1);
    const alone = { ...options, treatment: { ...DEFAULT_TREATMENT, sources: ['popular-in-category'] } };
    expect((await relatedPins(context.parts, 0, alone)).candidates.count).toBeGreaterThan(3);
  });

  it('come from the sources of the setting, each with its share; a treatment may name others', () => {
    const sources = ['board-cooccurrence', 'annotations', 'popular-in-category'].map((name) => counted(name, 1).source);
    const shares = sourceShares(['annotations:0.25', 'board-cooccurrence']);
    const names = (asked: readonly CandidateSource[]): string[] => asked.map(({ name }) => name);
    expect(names(askedSources(sources, null, shares))).toEqual(['board-cooccurrence', 'annotations']);
    expect(names(askedSources(sources, ['popular-in-category'], shares))).toEqual(['popular-in-category']);
    expect(Object.fromEntries(shares)).toEqual({ 'board-cooccurrence': 1, annotations: 0.25 });
  });
});
