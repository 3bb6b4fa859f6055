/** What everybody sees of a model: boards and looks are judged apart, so that neither hides that the other is lost. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { job as build } from '../../src/jobs/candidates/build-candidates.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import type { ModelFeature } from '../../src/ranker/scoring/linear-model.ts';
import { STARTER } from '../../src/ranker/registry/starter-model.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { promoteJudged } from '../../src/service/model-judge.ts';
import { visibleEvidence } from '../../src/service/visible-order.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { modelOf } from '../ranker/models.ts';
import { runJob } from '../run-job.ts';
import { drawing, temporaryFolder, TASTES, testConfig } from '../world.ts';

const EACH = 45;
const BOARDS = 9;
const features = (weights: Readonly<Record<string, number>>): ModelFeature[] =>
  Object.entries(weights).map(([name, weight]) => ({ name, weight, normalization: { kind: 'none' } }));
const BOARDS_ONLY = features({ 'cooccurrence-score': 1, 'from-board-cooccurrence': 1 });
const LOOKS_ONLY = features({ 'fc6-similarity': 1 });

/** Pictures of two tastes on boards that mix them: what shares a board looks like the query no more often than any other. */
async function mixedBoards(folder: string): Promise<void> {
  const images = join(folder, 'images');
  mkdirSync(images);
  const pins = TASTES.flatMap((taste) => Array.from({ length: EACH }, (_, n) => ({ id: `${taste}-${n}`, taste, n })));
  for (const { id, taste, n } of pins) writeFileSync(join(images, `${id}.png`), await drawSvg(drawing(taste, n), 'png'));
  const catalog = openCatalog(folder);
  const options = { now: Date.UTC(2026, 5, 1), folders: { images, data: folder } };
  const records = {
    pins: pins.map(({ id }) => ({ id, image: `${id}.png` })),
    boards: Array.from({ length: BOARDS }, (_, b) => ({ id: `board ${b}`, ownerId: `owner ${b}` })),
    saves: pins.map(({ id, n }) => ({ pinId: id, boardId: `board ${n % BOARDS}` })),
  };
  for (const rows of ['pins', 'boards', 'saves'] as const) upsertBatch(catalog, rows, records[rows], options);
  catalog.close();
  await runJob(extract, folder);
  await runJob(build, folder);
}

describe('what everybody sees', () => {
  let context: Context;

  beforeAll(async () => {
    const folder = temporaryFolder();
    await mixedBoards(folder);
    context = await openContext(testConfig(folder), folder, { lock: true });
    for (const [name, of] of [
      ['boards-only', BOARDS_ONLY],
      ['looks-only', LOOKS_ONLY],
      ['same', context.registry.read(STARTER).features],
    ] as const)
      context.registry.add(modelOf(name, of));
  }, 120_000);
  afterAll(() => context?.close());

  const seen = async (a: string, b: string): Promise<readonly [string, string][]> =>
    (await visibleEvidence(context.parts, { a, b }, Date.now())).map(({ word, says }) => [word, says]);

  it('a model that orders by looks alone loses boards, one by boards alone loses looks', async () => {
    expect(await seen('looks-only', 'boards-only')).toEqual([
      ['worse', expect.stringContaining('share most boards')],
      ['as good', expect.stringContaining('look-alikes')],
    ]);
    expect((await seen('boards-only', 'looks-only')).map(([word]) => word)).toEqual(['as good', 'worse']);
  });

  it('the first is refused although all of its first twelve look alike, and one that changes nothing does not take the place of the starter', async () => {
    const decision = { who: 'ada', why: '' };
    await expect(promoteJudged(context, 'looks-only', decision)).rejects.toMatchObject({
      code: 'RANKER_GUARDRAIL',
      message: expect.stringContaining('share most boards'),
    });
    await expect(promoteJudged(context, 'same', decision)).rejects.toMatchObject({
      code: 'RANKER_UNJUDGED',
      message: expect.stringContaining('that is no gain over starter'),
    });
    expect(context.registry.servingOn('closeup')).toBe(STARTER);
  });
});
