/** Publishes what nodes serve from: a copy of the serving part of a data folder, taken while the writer goes on. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CopiedFile, copyData } from '../catalog/artifacts/data-copy.ts';
import { openDatabase } from '../catalog/database.ts';
import { writePast } from '../catalog/log/past-log.ts';
import { Sequence } from '../catalog/log/sequence-store.ts';
import { ServiceError } from '../errors.ts';
import { writeFoundMarks } from '../marks/mark-store.ts';
import { type Progress, SILENT } from '../progress.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { blockCount, blockName, type PublishedFile, sendBlocks } from './blocks.ts';
import { publicationOf, readOrRefused, swapIn, versionToReplace } from './publication.ts';
import { writerId } from './writer-id.ts';

/** Lists as served, photos, pictures that teach marks, runs of jobs and what was read in the dark stay with the writer. */
const SERVED = /^((artifacts|models|nets)(\/|$)|(catalog|log|features|detections|experiments|marks)\.sqlite$|(keys|metrics)\.json$)/;
const VERSION_FILE = /^(.*)\/(\d{6,})\.bin$/;
interface PublishReceipt {
  readonly version: string;
  /** False when nothing changed since the version that is there. */
  readonly published: boolean;
  readonly files: number;
  readonly bytes: number;
  /** Bytes that were not there before. */
  readonly newBytes: number;
  readonly place: string;
}

interface PublishOptions {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  readonly now?: Date;
  /** Whether what another writer published there is replaced; it is refused otherwise. */
  readonly takeOver?: boolean;
}

/**
 * @throws NOTHING_TO_DO without a catalogue; BACKUP_REFUSED when a file that is in use is missing; PUBLICATION_OF_ANOTHER when
 * another writer published there.
 */
export async function publish(
  dataFolder: string,
  store: ArtifactStore,
  { progress = SILENT, signal, now = new Date(), takeOver = false }: PublishOptions = {},
): Promise<PublishReceipt> {
  const sequence = catalogSequence(dataFolder);
  const publisher = { writer: writerId(dataFolder), takeOver };
  const serving = await versionToReplace(store, publisher);
  const before = serving === null ? null : await readOrRefused(store, serving.version);
  const there = new Set(await store.names('blocks/'));
  // A block that went missing is put back, also where nothing else changed.
  const whole = before?.files.filter(({ blocks = [] }) => blocks.every((sha256) => there.has(blockName(sha256))));
  const known = new Map(whole?.map((file) => [file.path, file]));
  rmSync(store.scratch, { recursive: true, force: true });
  mkdirSync(store.scratch, { recursive: true, mode: 0o700 });
  try {
    const copied = await copyData(dataFolder, store.scratch, {
      progress,
      signal,
      wants: (path) => SERVED.test(path) && isInUse(dataFolder, path),
      known(path, bytes, modifiedAt) {
        const file = known.get(path);
        return file && file.bytes === bytes && file.modifiedAt === modifiedAt ? file : null;
      },
      rewrite(path, source, target) {
        if (path === 'log.sqlite') writePast(source, dirname(target), now);
        else if (path === 'marks.sqlite') writeFoundMarks(source, target);
        else return false;
        return true;
      },
    });
    const files: PublishedFile[] = [];
    let [newBytes, done] = [0, 0];
    const isSame = ({ path, sha256 }: CopiedFile): boolean => known.get(path)?.sha256 === sha256;
    progress.start(
      'sending blocks',
      copied.reduce((sum, file) => sum + (isSame(file) ? 0 : blockCount(file.bytes)), 0),
    );
    for (const file of copied) {
      const { blocks, sent } = isSame(file)
        ? { blocks: known.get(file.path)?.blocks ?? [], sent: 0 }
        : await sendBlocks(join(store.scratch, file.path), { store, there, signal, onBlock: () => progress.update(++done) });
      files.push({ ...file, blocks });
      newBytes += sent;
    }
    const publication = publicationOf(files, sequence, now);
    const isNew = publication.version !== before?.version || serving?.isOwn === false;
    if (isNew) await swapIn(store, publication, publisher);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    return { version: publication.version, published: isNew || newBytes > 0, files: files.length, bytes, newBytes, place: store.place };
  } finally {
    progress.stop();
    rmSync(store.scratch, { recursive: true, force: true });
  }
}

function catalogSequence(dataFolder: string): number {
  const path = join(dataFolder, 'catalog.sqlite');
  if (!existsSync(path)) throw new ServiceError('NOTHING_TO_DO', { reason: `There is no catalogue in ${dataFolder}.` });
  const database = openDatabase(path, { readonly: true });
  try {
    return new Sequence(database).current();
  } finally {
    database.close();
  }
}

/** Versions of artifacts that are not in use, and notes about files of this machine, are nothing to a node. */
function isInUse(dataFolder: string, path: string): boolean {
  if (path.endsWith('.verified')) return false;
  const version = path.startsWith('artifacts/') ? VERSION_FILE.exec(path) : null;
  if (version === null) return true;
  const pointer = join(dataFolder, dirname(path), 'CURRENT');
  return existsSync(pointer) && readFileSync(pointer, 'utf8').trim() === version[2];
}
