/**
 * Files as blocks of one size under their digests: a block that was there before is neither sent nor fetched again. Choice: fixed
 * places in the file. SQLite and the columns of pins change pages where they stand, which is where it pays; a file whose bytes
 * shift (lists that were counted again) is new as a whole.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { reasonOf, ServiceError } from '../errors.ts';
import { type CopiedFile, sha256Of } from '../catalog/artifacts/data-copy.ts';
import { diskFullError } from '../catalog/database.ts';
import type { ArtifactStore } from './artifact-store.ts';

/** A file of a publication. */
export interface PublishedFile extends CopiedFile {
  /** SHA-256 of its blocks, in their order. Absent where a program laid it out that knew none. */
  readonly blocks?: readonly string[];
}

/** Part of the format: another size is another format. */
const BLOCK_BYTES = 256 << 10;
/** Requests under way at once; with `BLOCK_BYTES` this bounds the memory. */
const AT_ONCE = 8;

export const blockName = (sha256: string): string => `blocks/${sha256}`;
/** How many blocks a file of so many bytes has. */
export const blockCount = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES);

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Works through the numbers from 0 on, a few at a time. After a failure no further one is begun, and all have ended. */
export async function eachNumber(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    try {
      while (next < count && !failed) await work(next++);
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

export interface Sending {
  readonly store: ArtifactStore;
  /** Names of blocks that are there; those that are sent join them. */
  readonly there: Set<string>;
  readonly signal?: AbortSignal;
  /** Called for each block that is dealt with, sent or not. */
  readonly onBlock?: () => void;
}

/** Sends the blocks of a file that are not there. Returns its blocks, and the bytes that were sent. */
export async function sendBlocks(path: string, { store, there, signal, onBlock }: Sending): Promise<{ blocks: string[]; sent: number }> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const blocks = new Array<string>(blockCount(size)).fill('');
    let sent = 0;
    await eachNumber(blocks.length, async (n) => {
      if (signal?.aborted) throw new ServiceError('JOB_STOPPED');
      const bytes = await readBlock(file, n);
      blocks[n] = digestOf(bytes);
      const name = blockName(blocks[n]);
      if (!there.has(name)) {
        // Before it is there: a block that stands twice in a file is sent once.
        there.add(name);
        await store.write(name, bytes);
        sent += bytes.length;
      }
      onBlock?.();
    });
    return { blocks, sent };
  } finally {
    await file.close();
  }
}

async function readBlock(file: FileHandle, n: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(BLOCK_BYTES), 0, BLOCK_BYTES, n * BLOCK_BYTES);
  return buffer.subarray(0, bytesRead);
}

/** Blocks that lie in files of this machine, by digest: where each begins. What lies there may have changed since. */
export class LocalBlocks {
  private readonly places = new Map<string, readonly [path: string, n: number]>();

  constructor(folder: string, files: readonly PublishedFile[]) {
    for (const { path, blocks = [] } of files) for (const [n, sha256] of blocks.entries()) this.places.set(sha256, [join(folder, path), n]);
  }

  /** Null when it is not there, or no longer what it was: a database is written to. */
  async find(sha256: string): Promise<Buffer | null> {
    const [path, n] = this.places.get(sha256) ?? [];
    if (path === undefined || n === undefined) return null;
    const file = await open(path).catch(() => null);
    if (file === null) return null;
    try {
      const bytes = await readBlock(file, n);
      return digestOf(bytes) === sha256 ? bytes : null;
    } finally {
      await file.close();
    }
  }
}

interface Fetching {
  readonly store: ArtifactStore;
  readonly local: LocalBlocks;
  refuse(reason: string): ServiceError;
  /** Called for each block that is in its place. */
  readonly onBlock?: () => void;
}

/**
 * Puts a file together from blocks, those of this machine first. Returns the bytes that were fetched.
 * @throws what `refuse` makes of a reason, when a block is missing or the file does not match its digest; DATA_DISK_FULL.
 */
export async function putTogether(
  { path, sha256, blocks = [] }: PublishedFile,
  target: string,
  { store, local, refuse, onBlock }: Fetching,
): Promise<number> {
  let fetched = 0;
  await mkdir(dirname(target), { recursive: true });
  const file = await open(target, 'w');
  try {
    await eachNumber(blocks.length, async (n) => {
      let bytes = await local.find(blocks[n]);
      if (bytes === null) {
        bytes = await store.read(blockName(blocks[n]));
        if (bytes === null) throw refuse(`${path} cannot be had: a block of it is missing`);
        fetched += bytes.length;
      }
      await file.write(bytes, 0, bytes.length, n * BLOCK_BYTES);
      onBlock?.();
    });
  } catch (error) {
    const full = diskFullError(error, dirname(target));
    throw full instanceof ServiceError ? full : refuse(`${path} cannot be had: ${reasonOf(error)}`);
  } finally {
    await file.close();
  }
  if ((await sha256Of(target)) !== sha256) throw refuse(`${path} does not match its digest`);
  return fetched;
}
