/**
 * What is published: a list of files with their digests, named by a digest of the list. Files lie in blocks under the digests of
 * these (blocks.ts), so that what did not change is neither written nor fetched again.
 *
 *   CURRENT              {"format":2,"version":"...","before":"...","writer":"..."}   swapped last
 *   versions/VERSION.json   the list
 *   blocks/SHA256           the bytes
 */
import { createHash } from 'node:crypto';
import { ServiceError } from '../errors.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { blockCount, blockName, eachNumber, type PublishedFile } from './blocks.ts';

/** 1: each file was one object, below `files/`. A writer replaces such a publication, nodes say what to do. */
const FORMAT = 2;
const POINTER = 'CURRENT';
const VERSION = /^[0-9a-f]{16}$/;
/** Names that a publication gives; whatever else lies there is not ours to take away. */
const OWN = /^((files|blocks)\/[0-9a-f]{64}|versions\/[0-9a-f]{16}\.json)$/;

export interface Publication {
  readonly format: number;
  readonly version: string;
  /** ISO 8601. */
  readonly madeAt: string;
  /** The last change of the catalogue that is surely in it. */
  readonly sequence: number;
  readonly files: readonly PublishedFile[];
}

interface Pointer {
  readonly format: number;
  readonly version: string;
  /** The version that served before this one; its files are kept. */
  readonly before: string | null;
  /** Whose it is (writer-id.ts); null where an older program published. */
  readonly writer: string | null;
}

const SHA256 = /^[0-9a-f]{64}$/;
const listName = (version: string): string => `versions/${version}.json`;

export function refusal(place: string, reason: string, cause?: unknown): ServiceError {
  return new ServiceError('PUBLICATION_REFUSED', { place, reason }, cause);
}

/**
 * The name of a list of files: a digest of their paths and digests, and of the change of the catalogue they hold. It begins with 1
 * as in the first format: what a node laid out under that one serves on.
 */
function versionOf(files: readonly PublishedFile[], sequence: number): string {
  const lines = files.map(({ path, sha256 }) => `${path} ${sha256}\n`).sort();
  return createHash('sha256')
    .update(`1 ${sequence}\n${lines.join('')}`)
    .digest('hex')
    .slice(0, 16);
}

export function publicationOf(files: readonly PublishedFile[], sequence: number, madeAt: Date): Publication {
  return { format: FORMAT, version: versionOf(files, sequence), madeAt: madeAt.toISOString(), sequence, files };
}

/** The version in use; null before the first. @throws PUBLICATION_REFUSED when the pointer is damaged or of another format. */
export async function currentVersion(store: ArtifactStore): Promise<string | null> {
  const pointer = await readPointer(store);
  if (pointer === null) return null;
  const { format, version } = pointer;
  if (format < FORMAT)
    throw refusal(store.place, `it is of format ${format}, this program reads ${FORMAT}: publish again with this version of the program`);
  return version;
}

/** Null before the first publication. @throws PUBLICATION_REFUSED when it is damaged, or of a newer format. */
async function readPointer(store: ArtifactStore): Promise<Pointer | null> {
  const text = await store.read(POINTER);
  if (text === null) return null;
  const { format, version, before = null, writer = null } = parsed(store, POINTER, text) as Partial<Pointer>;
  if (typeof format !== 'number' || format > FORMAT)
    throw refusal(store.place, `it is of format ${format}, this program reads ${FORMAT}: install the version that publishes there`);
  if (typeof version !== 'string' || !VERSION.test(version)) throw refusal(store.place, `${POINTER} names no version`);
  return { format, version, before, writer };
}

/** @throws PUBLICATION_REFUSED when the list is missing, damaged, or names a file outside of a data folder. */
export async function readPublication(store: ArtifactStore, version: string): Promise<Publication> {
  const text = await store.read(listName(version));
  if (text === null) throw refusal(store.place, `version ${version} is not there`);
  const publication = checkPublication(store.place, parsed(store, listName(version), text), version);
  const odd = publication.files.find(
    ({ bytes, blocks }) => blocks?.length !== blockCount(bytes) || !blocks.every((sha256) => SHA256.test(sha256)),
  );
  if (odd) throw refusal(store.place, `the list of version ${version} does not say of which blocks ${odd.path} is`);
  return publication;
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

function isFile(file: Partial<PublishedFile> | null): boolean {
  return typeof file?.path === 'string' && typeof file.sha256 === 'string' && SHA256.test(file.sha256);
}

function parsed(store: ArtifactStore, name: string, text: Buffer): unknown {
  try {
    return JSON.parse(text.toString()) as unknown;
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
  // Of an older format nothing is used again.
  const before = pointer.format === FORMAT ? pointer.before : null;
  return { version: pointer.version, before, isOwn };
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
  const { version } = publication;
  const previous = await versionToReplace(store, publisher);
  const before = previous?.version === version ? previous.before : (previous?.version ?? null);
  await store.write(listName(version), JSON.stringify(publication));
  await store.write(POINTER, JSON.stringify({ format: FORMAT, version, before, writer: publisher.writer } satisfies Pointer));
  const kept = new Set([listName(version), ...blocksOf(publication)]);
  const older = before === null ? null : await readOrRefused(store, before);
  if (older !== null) for (const name of [listName(older.version), ...blocksOf(older)]) kept.add(name);
  const names = (await Promise.all(['versions/', 'blocks/', 'files/'].map((folder) => store.names(folder)))).flat();
  const gone = names.filter((name) => OWN.test(name) && !kept.has(name));
  await eachNumber(gone.length, (n) => store.remove(gone[n]));
}

function blocksOf({ files }: Publication): string[] {
  return files.flatMap(({ blocks = [] }) => blocks.map(blockName));
}
