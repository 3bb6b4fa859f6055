/** Brings a publication to a node: what the node has is linked, the rest is fetched, and every byte that is fetched is checked. */
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTime } from '../catalog/artifacts/data-copy.ts';
import { diskFullError } from '../catalog/database.ts';
import { ServiceError } from '../errors.ts';
import { type Progress, SILENT } from '../progress.ts';
import { replaceFile } from '../swapped-file.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { LocalBlocks, type PublishedFile, putTogether } from './blocks.ts';
import { checkPublication, type Publication, readPublication, refusal } from './publication.ts';

const LIST = 'publication.json';
const POINTER = 'VERSION';

/** A database is written to when it is opened, keys are replaced by those that the writer tells: each version has its own. */
const OWN = /(\.sqlite|^keys\.json)$/;

/** A publication as it lies on a node: a data folder that readers open. */
export interface PulledVersion {
  readonly folder: string;
  readonly publication: Publication;
  /** Bytes that were fetched for it; absent: it was there. */
  readonly fetchedBytes?: number;
}

/** The version that a node served last; null when it has none. */
export function pulledVersion(nodeFolder: string): PulledVersion | null {
  try {
    const version = readFileSync(join(nodeFolder, POINTER), 'utf8').trim();
    const folder = join(nodeFolder, 'versions', version);
    return { folder, publication: checkPublication(folder, JSON.parse(readFileSync(join(folder, LIST), 'utf8')), version) };
  } catch {
    return null;
  }
}

/**
 * Lays a version out beside the one that serves.
 * @throws PUBLICATION_REFUSED when something is missing or does not match its digest; DATA_DISK_FULL.
 */
export async function pull(store: ArtifactStore, version: string, nodeFolder: string, progress: Progress = SILENT): Promise<PulledVersion> {
  const folder = join(nodeFolder, 'versions', version);
  const publication = await readPublication(store, version);
  const serving = pulledVersion(nodeFolder);
  const draft = `${folder}.draft`;
  let [fetchedBytes, done] = [0, 0];
  rmSync(draft, { recursive: true, force: true });
  try {
    const local = new LocalBlocks(serving?.folder ?? '', serving?.publication.files ?? []);
    progress.start(
      'fetching blocks',
      publication.files.reduce((sum, { blocks = [] }) => sum + blocks.length, 0),
    );
    const onBlock = (): void => progress.update(++done);
    for (const file of publication.files) {
      const before = done;
      fetchedBytes += await bring(file, draft, { store, serving, local, onBlock });
      // Of a file that was linked no block was looked at.
      done = before + (file.blocks?.length ?? 0);
      progress.update(done);
    }
    writeFileSync(join(draft, LIST), JSON.stringify(publication));
    // What lies there under this name was given up: it is no version that serves.
    rmSync(folder, { recursive: true, force: true });
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error instanceof ServiceError ? error : diskFullError(error, nodeFolder);
  } finally {
    progress.stop();
  }
  return { folder, publication, fetchedBytes };
}

/** Names the version that a node serves from now on, and takes the others away. */
export function keepOnly(nodeFolder: string, version: string): void {
  replaceFile(join(nodeFolder, POINTER), `${version}\n`);
  const versions = join(nodeFolder, 'versions');
  for (const name of existsSync(versions) ? readdirSync(versions) : [])
    if (name !== version) rmSync(join(versions, name), { recursive: true, force: true });
}

interface Sources {
  readonly store: ArtifactStore;
  readonly serving: PulledVersion | null;
  readonly local: LocalBlocks;
  readonly onBlock: () => void;
}

/** Returns the bytes that were fetched. */
async function bring(file: PublishedFile, draft: string, { store, serving, local, onBlock }: Sources): Promise<number> {
  const target = join(draft, file.path);
  mkdirSync(dirname(target), { recursive: true });
  const same = OWN.test(file.path) ? undefined : serving?.publication.files.find((other) => isSame(other, file));
  const kept = same && serving ? join(serving.folder, same.path) : null;
  const linked = kept !== null && existsSync(kept);
  const refuse = (reason: string): ServiceError => refusal(store.place, reason);
  if (linked) linkSync(kept, target);
  const fetched = linked ? 0 : await putTogether(file, target, { store, local, refuse, onBlock });
  if (Number.isFinite(file.modifiedAt)) setTime(target, Number(file.modifiedAt));
  return fetched;
}

function isSame(a: PublishedFile, b: PublishedFile): boolean {
  return a.path === b.path && a.sha256 === b.sha256;
}
