/** Catalogs of people's own saves: one board at a time does not exist, and its other pins are the right answers. */
import { basename, resolve } from 'node:path';
import type { JobInput } from '../../../src/jobs/job.ts';
import { leftOutCatalog, servedScene } from '../../../src/jobs/log/replay-lists.ts';
import { drawScenes, type Scene } from '../../../src/jobs/log/replay-scenes.ts';
import { openContext } from '../../../src/service/context.ts';
import { ASKED_AT } from './labeled-catalogs.ts';
import { labeledList, type LabeledCatalog, type LabeledList } from './starter-search.ts';

/** Closeups and home feeds of a data folder whose lists are built. */
export async function savedCatalogs(
  input: JobInput,
  folder: string,
  { queries, seed }: { readonly queries: number; readonly seed: number },
): Promise<LabeledCatalog[]> {
  const dataFolder = resolve(folder);
  const context = await openContext({ ...input.config, data: dataFolder }, dataFolder, { lock: true });
  try {
    const left = leftOutCatalog(context);
    const scenes = drawScenes(left.table, left.ownerOf, { closeups: queries, homeFeeds: queries, closeupsPerBoard: 2, seed });
    const lists: Record<Scene['surface'], LabeledList[]> = { closeup: [], 'home-feed': [] };
    for (const [at, scene] of scenes.entries()) {
      const { candidates, inputs } = await servedScene(left, scene, { limit: 12, now: ASKED_AT, recommendationId: `labeled-${at}` });
      if (inputs === null) continue;
      const right = Uint8Array.from(candidates.pinIndexes, (pin) => (scene.wanted.has(pin) ? 1 : 0));
      const list = labeledList(inputs.rows, right);
      if (list) lists[scene.surface].push(list);
    }
    const source = basename(dataFolder);
    return (['closeup', 'home-feed'] as const).map((kind) => ({ source, kind, lists: lists[kind] }));
  } finally {
    await context.close();
  }
}
