/**
 * A bucket of an S3-compatible store as the place of publications. An object is there whole or not at all, and a list of names
 * holds what was written before, so the promises of the contract are the store's own. Large files go up in parts, a few at a time.
 */
import { open, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ArtifactStore } from './artifact-store.ts';
import { field, fields, type ObjectPlace, ObjectRequests, type Patience } from './object-requests.ts';

/** Files up to this go up in one piece. With `PARTS_AT_ONCE` this bounds what an upload holds in memory. */
const PART_BYTES = 8 << 20;
const PARTS_AT_ONCE = 4;
/** The most parts that a store takes: beyond 80 GB parts are larger. */
const PARTS_MAX = 10_000;

interface Options {
  /** A folder of this machine. */
  readonly scratch: string;
  readonly signal?: AbortSignal;
  readonly patience?: Patience;
}

/** Every call throws the errors of `ObjectRequests.ask`. */
export function objectStore(at: ObjectPlace, { scratch, signal, patience }: Options): ArtifactStore {
  const requests = new ObjectRequests(at, signal, patience);
  return {
    place: at.place,
    scratch,
    async read(name) {
      return (await requests.ask({ method: 'GET', name }))?.text ?? null;
    },
    async write(name, text) {
      await requests.ask({ method: 'PUT', name, body: Buffer.from(text) });
    },
    async open(name) {
      return Readable.from(requests.bytes(name), { objectMode: false });
    },
    async put(name, source) {
      const file = await open(source);
      try {
        const { size } = await file.stat();
        const piece = async (from: number, length: number): Promise<Buffer> => {
          const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, from);
          if (bytesRead !== length) throw new Error(`${source} became shorter while it was read`);
          return buffer;
        };
        if (size <= PART_BYTES) await requests.ask({ method: 'PUT', name, body: await piece(0, size) });
        // What can't be taken back by a job that is stopped is taken back all the same.
        else await putInParts({ requests, undo: new ObjectRequests(at, undefined, patience), name, size, piece });
      } finally {
        await file.close();
      }
      await rm(source);
    },
    async names(folder) {
      const found: string[] = [];
      let token: string | null = null;
      do {
        const page: string = (await requests.ask({ method: 'GET', query: listQuery(`${at.prefix}${folder}`, token) }))?.text ?? '';
        found.push(...fields(page, 'Key').map((key) => key.slice(at.prefix.length)));
        token = field(page, 'NextContinuationToken');
      } while (token !== null);
      return found;
    },
    async remove(name) {
      await requests.ask({ method: 'DELETE', name });
    },
  };
}

function listQuery(prefix: string, token: string | null): Record<string, string> {
  return { 'list-type': '2', prefix, ...(token === null ? {} : { 'continuation-token': token }) };
}

interface Upload {
  readonly requests: ObjectRequests;
  /** Asks also when the job was stopped. */
  readonly undo: ObjectRequests;
  readonly name: string;
  readonly size: number;
  readonly piece: (from: number, length: number) => Promise<Buffer>;
}

/** Nothing is there under the name before the last call; what went up is given up when something fails. */
async function putInParts(upload: Upload): Promise<void> {
  const { requests, undo, name } = upload;
  const begun = await requests.ask({ method: 'POST', name, query: { uploads: '' } });
  const uploadId = field(begun?.text ?? '', 'UploadId') ?? '';
  try {
    const tags = await sendParts(upload, uploadId);
    const parts = tags.map((tag, n) => `<Part><PartNumber>${n + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
    const failure = await requests.ask({ method: 'POST', name, query: { uploadId }, body }).then(
      () => null,
      (error: unknown) => error,
    );
    // When the answer to the first try was lost, the second finds no such upload: what counts is the object.
    const there = await requests.ask({ method: 'HEAD', name });
    if (Number(there?.headers.get('content-length')) !== upload.size) throw failure ?? new Error(`${name} is not there after it was sent`);
  } catch (error) {
    await undo.ask({ method: 'DELETE', name, query: { uploadId } }).catch(() => null);
    throw error;
  }
}

/** The tags of all parts, in their order. */
async function sendParts({ requests, name, size, piece }: Upload, uploadId: string): Promise<string[]> {
  const bytes = Math.max(PART_BYTES, Math.ceil(size / PARTS_MAX));
  const tags: string[] = new Array<string>(Math.ceil(size / bytes)).fill('');
  let next = 0;
  let failed = false;
  const work = async (): Promise<void> => {
    while (next < tags.length && !failed) {
      const part = next++;
      const body = await piece(part * bytes, Math.min(bytes, size - part * bytes));
      const reply = await requests.ask({ method: 'PUT', name, query: { partNumber: String(part + 1), uploadId }, body });
      if (reply === null) throw new Error(`the upload of ${name} was given up by the store`);
      tags[part] = reply.headers.get('etag') ?? '';
    }
  };
  const workers = Array.from({ length: PARTS_AT_ONCE }, () => work().catch((error: unknown) => ((failed = true), Promise.reject(error))));
  // All have ended before the upload is given up or the file is closed.
  const ends = await Promise.allSettled(workers);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return tags;
}
