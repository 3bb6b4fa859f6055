/**
 * A bucket of an S3-compatible store as the place of publications. An object is there whole or not at all, and a list of names
 * holds what was written before, so the promises of the contract are the store's own.
 */
import type { ArtifactStore } from './artifact-store.ts';
import { field, fields, type ObjectPlace, ObjectRequests, type Patience } from './object-requests.ts';

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
    read: (name) => requests.ask({ method: 'GET', name }),
    async write(name, content) {
      await requests.ask({ method: 'PUT', name, body: Buffer.from(content) });
    },
    async names(folder) {
      const found: string[] = [];
      let token: string | null = null;
      do {
        const page: string = String((await requests.ask({ method: 'GET', query: listQuery(`${at.prefix}${folder}`, token) })) ?? '');
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
