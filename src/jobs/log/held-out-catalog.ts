/**
 * A copy of the catalogue from which some saves are gone, with all that was derived from them: derived category vectors,
 * save counts, co-occurrence lists. What serves from it can't know the answers.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cooccurrenceOptionsOf, threadsOf } from '../../candidates/cooccurrence/cooccurrence-options.ts';
import { buildCooccurrence } from '../../candidates/list-builds.ts';
import { type CatalogStore, openCatalog } from '../../catalog/pins/catalog-store.ts';
import { deriveSeed } from '../../math/random.ts';
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
    const { progress, signal, config } = input;
    const setting = { artifacts: join(folder, 'artifacts'), threads: threadsOf(config), progress, signal };
    await buildCooccurrence(copy, cooccurrenceOptionsOf(config), setting);
    return { folder, saves, kept: copy.saves.count() };
  } finally {
    copy.close();
  }
}

function chosenSaves(catalog: CatalogStore, share: number, seed: number): HeldOutSave[] {
  const chosen: HeldOutSave[] = [];
  for (const save of catalog.saves.all()) {
    const hash = deriveSeed(seed, `${save.boardIndex} ${save.pinIndex}`) >>> 0;
    if (mixed(hash) < share * 2 ** 32) chosen.push(save);
  }
  return chosen;
}

/** Spreads the low bits of a hash over all of it (the finalizer of MurmurHash3). */
function mixed(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
