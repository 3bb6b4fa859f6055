/**
 * A copy of the catalogue from which some saves are gone, with all that was derived from them: derived category vectors,
 * save counts, co-occurrence lists. What serves from it can't know the answers.
 */
import { availableParallelism } from 'node:os';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_COOCCURRENCE } from '../../candidates/cooccurrence/cooccurrence-options.ts';
import { buildCooccurrence } from '../../candidates/list-builds.ts';
import { type CatalogStore, openCatalog } from '../../catalog/pins/catalog-store.ts';
import { mixedSeed } from '../../math/random.ts';
import type { JobInput } from '../job.ts';

export interface HeldOutSave {
  readonly boardIndex: number;
  readonly pinIndex: number;
  readonly userIndex: number;
  readonly at: number;
}

export interface HeldOutCatalog {
  readonly folder: string;
  readonly saves: readonly HeldOutSave[];
  readonly kept: number;
}

/** Holds out about `share` of the saves, by a hash of board and pin, and builds the lists without them. */
export async function holdOutSaves(input: JobInput, share: number, seed: number): Promise<HeldOutCatalog> {
  const folder = join(input.dataFolder, 'replay');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const original = openCatalog(input.dataFolder);
  await original.database.backup(join(folder, 'catalog.sqlite'));
  original.close();
  const copy = openCatalog(folder);
  try {
    const saves = chosenSaves(copy, share, seed);
    copy.saves.remove(saves);
    copy.sequence.setNumber('categoriesDerivedThrough', -1);
    copy.deriveCategories();
    const { progress, signal } = input;
    const setting = { artifacts: join(folder, 'artifacts'), threads: availableParallelism(), progress, signal };
    await buildCooccurrence(copy, DEFAULT_COOCCURRENCE, setting);
    return { folder, saves, kept: copy.saves.count() };
  } finally {
    copy.close();
  }
}

function chosenSaves(catalog: CatalogStore, share: number, seed: number): HeldOutSave[] {
  const chosen: HeldOutSave[] = [];
  for (const save of catalog.saves.all()) {
    const hash = mixedSeed(seed, `${save.boardIndex} ${save.pinIndex}`) >>> 0;
    if (hash < share * 2 ** 32) chosen.push(save);
  }
  return chosen;
}
