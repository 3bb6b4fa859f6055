/**
 * Between two publications, what the writer takes away leaves the lists of a node as well: the node asks the writer, and notes
 * it in the catalogue of each version it holds. Readers see it there before their next reply, as they see a takedown of the
 * writer (catalog/pins/removal-store.ts).
 */
import { setTimeout as pause } from 'node:timers/promises';
import { openCatalog } from '../catalog/pins/catalog-store.ts';
import type { Fate } from '../catalog/pins/removal-store.ts';
import type { PulledVersion } from '../publication/pull.ts';
import type { WriterAddress } from './writer-link.ts';

const ASK_MS = 250;
const PATIENCE_MS = 5000;

interface Fates {
  readonly through: number;
  readonly more: boolean;
  readonly pins: readonly Fate[];
}

export class RemovalFeed {
  /** When the writer had last told all (milliseconds since 1970); 0: not since this node started. */
  toldAt = 0;
  private readonly address: WriterAddress;
  /** By version: the change of the writer's catalogue up to which the version knows what is away. */
  private readonly known = new Map<PulledVersion, number>();
  private ending = false;
  private working: Promise<unknown> = Promise.resolve();
  private following: Promise<void> = Promise.resolve();

  constructor(address: WriterAddress) {
    this.address = address;
  }

  /**
   * Follows the writer's removals into a version. It begins with those that the version before it has: no removed pin comes back
   * while the writer is away.
   */
  async begin(version: PulledVersion, before: PulledVersion | null): Promise<void> {
    await this.inTurn(async () => {
      const { sequence } = version.publication;
      const told = before === null ? [] : toldTo(before);
      note(version, told);
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
        await this.inTurn(() => this.ask());
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
      let fates: Fates | null = { through: after, more: true, pins: [] };
      while (fates?.more && !this.ending) {
        fates = await this.fatesAfter(fates.through);
        if (fates === null) return;
        note(version, fates.pins);
        // A writer that was restored from a backup counts from an earlier change on.
        this.known.set(version, fates.through);
      }
    }
    this.toldAt = Date.now();
  }

  private async fatesAfter(after: number): Promise<Fates | null> {
    const { url, key } = this.address;
    const headers: Record<string, string> = key === '' ? {} : { authorization: `Bearer ${key}` };
    try {
      const reply = await fetch(new URL(`/v1/removals?after=${after}`, url), { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
      return reply.ok ? ((await reply.json()) as Fates) : null;
    } catch {
      return null;
    }
  }
}

/** Pins that were removed from a version after it was published. */
function toldTo({ folder, publication }: PulledVersion): Fate[] {
  const catalog = openCatalog(folder);
  try {
    return catalog.removals.fatesBetween(publication.sequence, catalog.lastChange()).filter(({ removed }) => removed);
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
