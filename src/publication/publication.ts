/**
 * What is published: a list of files with their digests, named by a digest of the list. Files lie under their own digests, so
 * that what did not change is neither written nor fetched again.
 *
 *   CURRENT              {"format":1,"version":"...","before":"...","writer":"..."}   swapped last
 *   versions/VERSION.json   the list
 *   files/SHA256            the bytes
 */
import { createHash } from 'node:crypto';
import type { CopiedFile } from '../catalog/artifacts/data-copy.ts';
import { ServiceError } from '../errors.ts';
import type { ArtifactStore } from './artifact-store.ts';

const FORMAT = 1;
const POINTER = 'CURRENT';
const VERSION = /^[0-9a-f]{16}$/;
/** Names that a publication gives; whatever else lies there is not ours to take away. */
const OWN = /^(files\/[0-9a-f]{64}|versions\/[0-9a-f]{16}\.json)$/;

export interface Publication {
  readonly format: number;
  readonly version: string;
  /** ISO 8601. */
  readonly madeAt: string;
  /** The last change of the catalogue that is surely in it. */
  readonly sequence: number;
  readonly files: readonly CopiedFile[];
}

interface Pointer {
  readonly format: number;
  readonly version: string;
  /** The version that served before this one; its files are kept. */
  readonly before: string | null;
  /** Whose it is (writer-id.ts); null where an older program published. */
  readonly writer: string | null;
}

export const fileName = (sha256: string): string => `files/${sha256}`;
const listName = (version: string): string => `versions/${version}.json`;

export function refusal(place: string, reason: string, cause?: unknown): ServiceError {
  return new ServiceError('PUBLICATION_REFUSED', { place, reason }, cause);
}

/** The name of a list of files: a digest of their paths and digests, and of the change of the catalogue they hold. */
function versionOf(files: readonly CopiedFile[], sequence: number): string {
  const lines = files.map(({ path, sha256 }) => `${path} ${sha256}\n`).sort();
  return createHash('sha256')
    .update(`${FORMAT} ${sequence}\n${lines.join('')}`)
    .digest('hex')
    .slice(0, 16);
}

export function publicationOf(files: readonly CopiedFile[], sequence: number, madeAt: Date): Publication {
  return { format: FORMAT, version: versionOf(files, sequence), madeAt: madeAt.toISOString(), sequence, files };
}

/** The version in use; null before the first. @throws PUBLICATION_REFUSED when the pointer is damaged or of another format. */
export async function currentVersion(store: ArtifactStore): Promise<string | null> {
  return (await readPointer(store))?.version ?? null;
}

async function readPointer(store: ArtifactStore): Promise<Pointer | null> {
  const text = await store.read(POINTER);
  if (text === null) return null;
  const { format, version, before = null, writer = null } = parsed(store, POINTER, text) as Partial<Pointer>;
  if (format !== FORMAT) throw refusal(store.place, `it is of format ${format}, this program reads ${FORMAT}`);
  if (typeof version !== 'string' || !VERSION.test(version)) throw refusal(store.place, `${POINTER} names no version`);
  return { format, version, before, writer };
}

/** @throws PUBLICATION_REFUSED when the list is missing, damaged, or names a file outside of a data folder. */
export async function readPublication(store: ArtifactStore, version: string): Promise<Publication> {
  const text = await store.read(listName(version));
  if (text === null) throw refusal(store.place, `version ${version} is not there`);
  return checkPublication(store.place, parsed(store, listName(version), text), version);
}

/** The same; null where it is refused, not where the store is away. */
export async function readOrRefused(store: ArtifactStore, version: string): Promise<Publication | null> {
  return readPublication(store, version).catch((error: unknown) => {
    if (error instanceof ServiceError && error.code === 'PUBLICATION_REFUSED') return null;
    throw error;
  });
}

/** @throws PUBLICATION_REFUSED */
export function checkPublication(place: string, given: unknown, version: string): Publication {
  const publication = given as Publication;
  const { files, sequence } = publication;
  if (!Array.isArray(files) || !files.every(isFile)) throw refusal(place, `the list of version ${version} is damaged`);
  const outside = files.find(({ path }) => path.split('/').includes('..') || path.startsWith('/'));
  if (outside) throw refusal(place, `version ${version} names a file outside of itself: ${outside.path}`);
  if (versionOf(files, sequence) !== version) throw refusal(place, `the list of version ${version} does not match its digest`);
  return publication;
}

function isFile(file: Partial<CopiedFile> | null): boolean {
  return typeof file?.path === 'string' && typeof file.sha256 === 'string' && /^[0-9a-f]{64}$/.test(file.sha256);
}

function parsed(store: ArtifactStore, name: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw refusal(store.place, `${name} is damaged${name === POINTER ? ': remove it and publish again' : ''}`, error);
  }
}

/** Who publishes. */
export interface Publisher {
  readonly writer: string;
  /** What another writer published may be replaced. */
  readonly takeOver: boolean;
}

/**
 * The version in use; null before the first.
 * @throws PUBLICATION_OF_ANOTHER when another writer published it and this one does not take over; PUBLICATION_REFUSED.
 */
export async function versionToReplace(store: ArtifactStore, { writer, takeOver }: Publisher): Promise<PublishedVersion | null> {
  const pointer = await readPointer(store);
  if (pointer === null) return null;
  const isOwn = pointer.writer === writer;
  if (!isOwn && pointer.writer !== null && !takeOver)
    throw new ServiceError('PUBLICATION_OF_ANOTHER', { place: store.place, writer: pointer.writer, own: writer });
  return { version: pointer.version, before: pointer.before, isOwn };
}

interface PublishedVersion {
  readonly version: string;
  readonly before: string | null;
  readonly isOwn: boolean;
}

/**
 * Makes a publication the current one, whose files are all there, and takes away what neither it nor the one before needs.
 * @throws PUBLICATION_OF_ANOTHER when another writer published meanwhile.
 */
export async function swapIn(store: ArtifactStore, publication: Publication, publisher: Publisher): Promise<void> {
  const { version, files } = publication;
  const previous = await versionToReplace(store, publisher);
  const before = previous?.version === version ? previous.before : (previous?.version ?? null);
  await store.write(listName(version), JSON.stringify(publication));
  await store.write(POINTER, JSON.stringify({ format: FORMAT, version, before, writer: publisher.writer } satisfies Pointer));
  const kept = new Set([listName(version), ...files.map(({ sha256 }) => fileName(sha256))]);
  if (before !== null) {
    kept.add(listName(before));
    const older = await readOrRefused(store, before);
    for (const { sha256 } of older?.files ?? []) kept.add(fileName(sha256));
  }
  for (const folder of ['versions/', 'files/'])
    for (const name of await store.names(folder)) if (OWN.test(name) && !kept.has(name)) await store.remove(name);
}
