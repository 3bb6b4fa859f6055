import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DEFAULT_COOCCURRENCE } from '../../src/candidates/cooccurrence/board-cooccurrence.ts';
import { buildCooccurrence } from '../../src/candidates/list-builds.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { serveFirstTraffic } from '../../lab/studies/demo/demo-traffic.ts';
import { SILENT } from '../../src/progress.ts';
import { People } from '../../lab/world/people.ts';
import { makeRecipe, WORLD_END } from '../../lab/world/recipe.ts';
import { boardLine, pinLine, saveLines } from '../../lab/world/texts.ts';
import { temporaryFolder, testConfig } from '../world.ts';

const LISTS = 20;
const recipe = makeRecipe({ kind: 'planted', seed: 1, pins: 200, boards: 40, users: 60 });
const people = new People(recipe, new Uint8Array(recipe.pins.length));
const signal = new AbortController().signal;

/** A data folder with the world's words, boards and saves; no picture. */
async function openWorld(): Promise<Context> {
  const folder = temporaryFolder();
  const catalog = openCatalog(folder);
  const options = { now: WORLD_END, folders: { images: folder, data: folder } };
  upsertBatch(
    catalog,
    'pins',
    recipe.pins.map((_, i) => ({ ...pinLine(recipe, i), image: undefined })),
    options,
  );
  upsertBatch(
    catalog,
    'boards',
    recipe.boards.map((board) => boardLine(recipe, board)),
    options,
  );
  upsertBatch(
    catalog,
    'saves',
    recipe.boards.flatMap((board) => saveLines(recipe, board)),
    options,
  );
  const setting = { artifacts: join(folder, 'artifacts'), threads: 1, progress: SILENT, signal };
  await buildCooccurrence(catalog, DEFAULT_COOCCURRENCE, setting);
  catalog.close();
  return openContext(testConfig(folder), folder, { lock: true });
}

function serve(context: Context): Promise<void> {
  const input = { options: {}, args: [], config: context.config, dataFolder: context.dataFolder, progress: SILENT, signal };
  return serveFirstTraffic(context, { recipe, people, lists: LISTS, done: 0, onBatch: () => undefined }, input);
}

/** What people did, list by list. */
function logged({ log }: Context) {
  return [...log.lists.lists()].map(({ listIndex, recommendationId }) => ({
    recommendationId,
    events: log.events.eventsOf(listIndex).map(({ type, pinIndex, position, at }) => ({ type, pinIndex, position, at })),
  }));
}

// Lists are committed before their events: a run that was killed between the two never wrote the events of that batch.
it('a run that was killed between lists and events is gone on from without losing an event', async () => {
  const whole = await openWorld();
  await serve(whole);
  const expected = logged(whole);
  expect(expected).toHaveLength(LISTS);
  expect(expected.flatMap(({ events }) => events).length).toBeGreaterThan(LISTS);

  const killed = await openWorld();
  await Promise.all([...whole.log.lists.lists()].map((list) => killed.log.lists.append(list)));
  expect(logged(killed).flatMap(({ events }) => events)).toEqual([]);
  await serve(killed);
  expect(logged(killed)).toEqual(expected);
  await serve(killed);
  expect(logged(killed), 'a second time').toEqual(expected);
  await whole.close();
  await killed.close();
});
