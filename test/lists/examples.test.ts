import { afterAll, beforeAll, expect, test } from 'vitest';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import type { RankedList } from '../../src/lists/ranked-list.ts';
import { plainOptions } from '../../src/lists/serve-list.ts';
import { likenessToUnliked, pushedAway, UNLIKE_WEIGHT } from '../../src/lists/unliked.ts';
import { seededRandom } from '../../src/math/random.ts';
import { relatedPins, relatedToExamples } from '../../src/related-pins.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { runJob } from '../run-job.ts';
import { testConfig, worldFolder } from '../world.ts';

let context: Context;
beforeAll(async () => {
  const folder = await worldFolder();
  await runJob(extract, folder);
  context = await openContext(testConfig(folder), folder, { lock: true });
}, 60_000);
afterAll(() => context.close());

const options = plainOptions({ recommendationId: 'examples', now: Date.UTC(2026, 3, 1), limit: 50, explain: true });
const pin = (id: string): number => context.pins.indexOf(id);
const ask = (like: readonly string[], unlike: readonly string[] = [], more: Partial<typeof options> = {}): Promise<RankedList> =>
  relatedToExamples(context.parts, { like: like.map(pin), unlike: unlike.map(pin), picture: null }, { ...options, ...more });
const idsOf = (list: RankedList): string[] => Array.from(list.page, (row) => context.pins.idOf(list.candidates.pinIndexes[row]));

async function meanLikeness(list: RankedList, unlike: readonly string[], count: number): Promise<number> {
  const found = await likenessToUnliked(context.parts, unlike.map(pin), list.candidates, []);
  const first = Array.from(list.page).slice(0, count);
  return first.reduce((sum, row) => sum + (found?.likeness[row] ?? 0), 0) / first.length;
}

test('one liked pin has the candidates and the order of its closeup', async () => {
  for (const id of ['plant-1', 'plant-6', 'tattoo-3']) {
    const closeup = await relatedPins(context.parts, pin(id), options);
    const list = await ask([id, id]);
    expect([...list.candidates.pinIndexes], id).toEqual([...closeup.candidates.pinIndexes]);
    expect(list.candidates.sourceNames, id).toEqual(closeup.candidates.sourceNames);
    expect(idsOf(list), id).toEqual(idsOf(closeup));
    expect([...list.scores], id).toEqual([...closeup.scores]);
    expect([list.surface, closeup.surface]).toEqual(['examples', 'closeup']);
  }
});

test('the order of the ids does not matter, down to the bits of the scores', async () => {
  const random = seededRandom(3);
  const like = ['plant-1', 'plant-4', 'tattoo-2', 'plant-3', 'tattoo-5'];
  const unlike = ['tattoo-1', 'plant-2', 'plant-6'];
  const first = await ask(like, unlike);
  for (let trial = 0; trial < 5; trial++) {
    const other = await ask(random.shuffled([...like]), random.shuffled([...unlike]));
    expect(idsOf(other)).toEqual(idsOf(first));
    expect([...other.scores]).toEqual([...first.scores]);
    expect(other.nextCursor).toBe(first.nextCursor);
  }
});

test('what is liked together comes from all of it, without the examples themselves', async () => {
  const list = await ask(['plant-1', 'tattoo-1']);
  const ids = idsOf(list);
  expect(
    ids
      .slice(0, 4)
      .map((id) => id.split('-')[0])
      .sort(),
  ).toEqual(['plant', 'plant', 'tattoo', 'tattoo']);
  for (const id of ['plant-1', 'tattoo-1']) expect(ids).not.toContain(id);
});

test('an unliked pin is left out and lowers the likeness of what comes first', async () => {
  const like = ['plant-1', 'tattoo-1'];
  for (const unlike of [['tattoo-3'], ['plant-2'], ['tattoo-3', 'tattoo-4']]) {
    const before = await ask(like);
    const after = await ask(like, unlike);
    for (const id of unlike) expect(idsOf(after)).not.toContain(id);
    expect(await meanLikeness(after, unlike, 4)).toBeLessThan((await meanLikeness(before, unlike, 4)) - 0.1);
    const kind = unlike[0].split('-')[0];
    expect(
      idsOf(after)
        .slice(0, 4)
        .filter((id) => id.startsWith(kind)),
    ).toEqual([]);
  }
});

test('likeness is the mean of the kinds that the unliked pin has: worked out by hand', async () => {
  const list = await ask(['plant-1'], ['tattoo-3']);
  const rowOf = (id: string): number => list.candidates.pinIndexes.indexOf(pin(id));
  const found = await likenessToUnliked(context.parts, [pin('tattoo-3')], list.candidates, []);
  const boards = context.parts.sources.find(({ name }) => name === 'board-cooccurrence');
  const { pinIndexes, scores } = await boards!.propose({ pinIndex: pin('tattoo-3'), code: null }, 100);
  const { image } = context.parts.visual!;
  const differing = (a: number, b: number): number => {
    let bits = 0;
    for (let word = 0; word < image.words; word++) {
      const both = image.codes[a * image.words + word] ^ image.codes[b * image.words + word];
      for (let bit = 0; bit < 32; bit++) bits += (both >>> bit) & 1;
    }
    return bits;
  };
  for (const id of ['tattoo-1', 'plant-5']) {
    const same = id.startsWith('tattoo') ? 1 : 0;
    const picture = Math.max(0, 2 * (1 - differing(pin(id), pin('tattoo-3')) / image.bits) - 1);
    const at = pinIndexes.indexOf(pin(id));
    const shared = at < 0 ? 0 : scores[at] / scores[0];
    // tattoo-1 and tattoo-3 have the annotations "tattoo" (1) and "tattoo small" (0.5): the same ones.
    expect(found?.likeness[rowOf(id)]).toBeCloseTo((picture + same + same + shared) / 4, 5);
  }
  expect(found?.nearest[rowOf('tattoo-1')]).toBe('tattoo-3');
});

test('the push is the last term of a score, three deviations times the likeness, and terms add up to the bit', async () => {
  const plain = await ask(['plant-1', 'tattoo-1']);
  const pushed = await ask(['plant-1', 'tattoo-1'], ['tattoo-3']);
  pushed.page.forEach((row, place) => {
    const terms = pushed.terms?.[place] ?? [];
    const last = terms.at(-1)!;
    expect(last.feature).toBe('unlike tattoo-3');
    expect(last.contribution).toBe(last.weight * last.value);
    expect(terms.reduce((sum, { contribution }) => sum + contribution, 0)).toBe(pushed.scores[row]);
  });
  expect(plain.terms?.flat().some(({ feature }) => feature.startsWith('unlike'))).toBe(false);
  const by = pushedAway(Float64Array.from([1, 3, 5]), { likeness: Float64Array.from([0, 0.5, 1]), nearest: ['a', 'a', 'a'] });
  const deviation = Math.sqrt(8 / 3);
  expect([...by.scores]).toEqual(
    [1, 3 - UNLIKE_WEIGHT * deviation * 0.5, 5 - UNLIKE_WEIGHT * deviation].map((value) => expect.closeTo(value, 10)),
  );
  expect([...pushedAway(new Float64Array(2), { likeness: Float64Array.from([0, 1]), nearest: ['a', 'a'] }).scores]).toEqual([
    0,
    -UNLIKE_WEIGHT,
  ]);
});

test('an upload is an example like a pin: it finds what looks like it, beside what is liked', async () => {
  const { image } = context.parts.visual!;
  const code = image.codes.slice(pin('plant-6') * image.words, (pin('plant-6') + 1) * image.words);
  const alone = await relatedToExamples(
    context.parts,
    { like: [], unlike: [], picture: code },
    { ...options, treatment: { ...options.treatment, sources: ['visual-neighbors'] } },
  );
  expect(idsOf(alone)[0]).toBe('plant-6');
  expect(alone.missing).toEqual([]);
  const both = await relatedToExamples(context.parts, { like: [pin('tattoo-1')], unlike: [], picture: code }, options);
  const first = idsOf(both).slice(0, 6);
  expect(first.some((id) => id.startsWith('plant'))).toBe(true);
  expect(first.some((id) => id.startsWith('tattoo'))).toBe(true);
});

test('an unliked pin that nothing is known of is left out and pushes nothing away', async () => {
  const before = await ask(['plant-1']);
  upsertBatch(context.catalog, 'pins', [{ id: 'bare' }], {
    now: Date.UTC(2026, 3, 1),
    folders: { images: context.dataFolder, data: context.dataFolder },
  });
  await context.refresh();
  const after = await ask(['plant-1'], ['bare']);
  expect(idsOf(after)).toEqual(idsOf(before));
  expect([...after.scores]).toEqual([...before.scores]);
});
