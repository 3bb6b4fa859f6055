/**
 * Between two publications, what the writer takes away is gone from a node as well: pins, people who were erased, keys that were
 * revoked. The node asks the writer, and does in the copies of each version it holds what the writer did. Readers see it there
 * before their next reply, as they see what the writer itself takes away.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { KEYS_FILE, keysDigest, keysText, putKeysText } from '../access-keys.ts';
import { openCatalog } from '../catalog/pins/catalog-store.ts';
import type { ErasedPeople } from '../catalog/pins/erasure-store.ts';
import type { Fate } from '../catalog/pins/removal-store.ts';
import { reasonOf } from '../errors.ts';
import type { PulledVersion } from '../publication/pull.ts';
import { eraseNumbered } from '../service/erase-people.ts';
import type { WriterAddress } from './writer-link.ts';

const ASK_MS = 250;
const PATIENCE_MS = 5000;

interface Gone {
  readonly pins: readonly Fate[];
  /** Absent from a writer of an older program, as `keys` is. */
  readonly erased?: ErasedPeople;
  /** The writer's key file, where it is not the one of the version. */
  readonly keys?: string | null;
}

interface Told extends Gone {
  readonly through: number;
  readonly more: boolean;
}

interface FeedParts {
  readonly address: WriterAddress;
  readonly nodeFolder: string;
  /** As RELATED_PINS_SYNCHRONOUS. */
  readonly synchronous: string;
}

export class RemovalFeed {
  /** When the writer had last told all (milliseconds since 1970); 0: not since this node started. */
  toldAt = 0;
  /** Why what the writer took away is not gone here; null when it is, or the writer is away. */
  problem: string | null = null;
  private readonly parts: FeedParts;
  /** By version: the change of the writer's catalogue up to which the version knows what is away. */
  private readonly known = new Map<PulledVersion, number>();
  private ending = false;
  private working: Promise<unknown> = Promise.resolve();
  private following: Promise<void> = Promise.resolve();

  constructor(parts: FeedParts) {
    this.parts = parts;
  }

  /**
   * Follows the writer's removals into a version. It begins with those that the version before it has: nothing that was taken
   * away comes back while the writer is away.
   */
  async begin(version: PulledVersion, before: PulledVersion | null): Promise<void> {
    await this.inTurn(async () => {
      const { sequence } = version.publication;
      if (before !== null) this.take(version, toldTo(before));
      this.known.set(version, Math.min(sequence, (before && this.known.get(before)) ?? sequence));
      await this.ask();
    });
  }

  /** No longer looks after a version whose files may go. */
  async end(version: PulledVersion): Promise<void> {
    await this.inTurn(async () => void this.known.delete(version));
  }

  /** Asks until closed. */
  follow(): void {
    const work = async (): Promise<void> => {
      while (!this.ending) {
        // What could not be done (a full disk) is done the next time: `toldAt` grows old meanwhile.
        this.problem = await this.inTurn(() => this.ask()).then(
          () => null,
          (error: unknown) => reasonOf(error),
        );
        await pause(ASK_MS);
      }
    };
    this.following = work();
  }

  async close(): Promise<void> {
    this.ending = true;
    await this.following;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.working.then(work);
    this.working = done.catch(() => undefined);
    return done;
  }

  /** Brings every version up to what the writer knows now; leaves them as they are while it is away. */
  private async ask(): Promise<void> {
    for (const [version, after] of this.known) {
      let told: Told = { through: after, more: true, pins: [] };
      while (told.more && !this.ending) {
        const next = await this.goneAfter(told.through, version);
        if (next === null) return;
        told = next;
        this.take(version, told);
        // A writer that was restored from a backup counts from an earlier change on.
        this.known.set(version, told.through);
      }
    }
    this.toldAt = Date.now();
  }

  /** Does in a version, and with the keys of this node, what the writer did. */
  private take(version: PulledVersion, { pins, erased, keys }: Gone): void {
    const { nodeFolder, synchronous } = this.parts;
    if (typeof keys === 'string') for (const folder of [version.folder, nodeFolder]) putKeysText(folder, keys);
    note(version, pins);
    if (erased && erased.users.length + erased.people.length > 0) eraseNumbered(version.folder, erased, synchronous);
  }

  private async goneAfter(after: number, { folder }: PulledVersion): Promise<Told | null> {
    const { url, key } = this.parts.address;
    const headers: Record<string, string> = key === '' ? {} : { authorization: `Bearer ${key}` };
    try {
      const query = `after=${after}&keys=${keysDigest(keysText(folder))}`;
      const reply = await fetch(new URL(`/v1/removals?${query}`, url), { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
      return reply.ok ? ((await reply.json()) as Told) : null;
    } catch {
      return null;
    }
  }
}

/** What was taken away from a version after it was published. */
function toldTo({ folder, publication: { sequence, files } }: PulledVersion): Gone {
  const text = keysText(folder);
  const published = files.find(({ path }) => path === KEYS_FILE)?.sha256 ?? keysDigest('');
  const keys = keysDigest(text) === published ? null : text;
  const catalog = openCatalog(folder);
  try {
    const last = catalog.lastChange();
    const pins = catalog.removals.fatesBetween(sequence, last).filter(({ removed }) => removed);
    return { pins, erased: catalog.erasures.between(sequence, last), keys };
  } finally {
    catalog.close();
  }
}

/** The writer decides what may come back: the time at which this node heard of a removal does not count. */
function note({ folder }: PulledVersion, fates: readonly Fate[]): void {
  if (fates.length === 0) return;
  const catalog = openCatalog(folder);
  try {
    const { pins, removals } = catalog;
    const known = (away: boolean): number[] =>
      fates.flatMap(({ pinId, removed }) => (removed === away && pins.indexOf(pinId) >= 0 ? [pins.indexOf(pinId)] : []));
    catalog.transaction(() => {
      removals.removePins(known(true), Date.now());
      removals.restorePins(known(false), 0);
    });
  } finally {
    catalog.close();
  }
}
