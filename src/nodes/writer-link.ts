/** Hands what a node has served to the writer, in batches, and knows whether the writer answers. */
import { setTimeout as pause } from 'node:timers/promises';
import { reasonOf } from '../errors.ts';
import type { ListQueue, WaitingBatch } from './list-queue-store.ts';

/** As many lists as one request may have, and about as many bytes. */
const LISTS_MAX = 200;
const BYTES_MAX = 4 << 20;
/** Lists that come together go together. */
const GATHER_MS = 20;
/** A writer that is not needed is asked so often whether it is there; one that is not there, too. */
const LOOK_MS = 500;
const PATIENCE_MS = 10_000;
/** What the writer says of lists that will be no better the next time. */
const INVALID = [400, 413, 422];
/** How long a node that ends goes on handing in. */
const LAST_MS = 5000;

interface Rejected {
  readonly recommendationId: string;
  readonly reason: string;
}

export interface WriterAddress {
  /** Such as http://writer:8080. */
  readonly url: string;
  /** Of the scope `lists`; empty: the writer asks for none. */
  readonly key: string;
}

export class WriterLink {
  /** Why the writer did not take what was sent last; null when it did. */
  problem: string | null = 'it was not asked yet';
  /** Whether it answers at all, so that callers may be passed on to it. */
  answers = false;
  /** Lists that the writer has. */
  handedIn = 0;
  private readonly address: WriterAddress;
  private readonly queue: ListQueue;
  private readonly onRejected: (list: Rejected) => void;
  private askedAt = Number.NEGATIVE_INFINITY;
  /** Lists of the next batch: fewer while one of them keeps the writer from taking the others. */
  private most = LISTS_MAX;
  private ending = false;
  private working: Promise<void> = Promise.resolve();

  /** `onRejected` hears of lists that the writer will never take. */
  constructor(address: WriterAddress, queue: ListQueue, onRejected: (list: Rejected) => void) {
    this.address = address;
    this.queue = queue;
    this.onRejected = onRejected;
  }

  /** Hands in what waits until closed. */
  follow(): void {
    const work = async (): Promise<void> => {
      while (!this.ending) {
        if (this.queue.count === 0 && performance.now() - this.askedAt < LOOK_MS) await pause(GATHER_MS);
        else if (!(await this.handIn())) await pause(LOOK_MS);
        else if (this.queue.count < LISTS_MAX) await pause(GATHER_MS);
      }
    };
    this.working = work();
  }

  /** Sends the oldest lists; without any it asks whether the writer is there. Whether it is, and said what becomes of them. */
  async handIn(): Promise<boolean> {
    const batch = this.queue.next(this.most, BYTES_MAX);
    const said = await this.send(batch?.body ?? '{"columns":[],"lists":[]}');
    this.askedAt = performance.now();
    if (said === null || (said === 'invalid' && batch === null)) return false;
    if (said === 'invalid' && batch !== null && batch.count > 1) {
      this.most = batch.count >> 1;
      return true;
    }
    this.most = Math.min(LISTS_MAX, 2 * this.most);
    const rejected = said === 'invalid' ? [{ recommendationId: onlyListOf(batch), reason: this.problem ?? said }] : said;
    if (batch) this.queue.done(batch);
    this.handedIn += (batch?.count ?? 0) - rejected.length;
    for (const list of rejected) this.onRejected(list);
    return true;
  }

  /** The lists that are not to be sent again; `invalid`: one of them keeps the writer from taking any; null: it takes nothing now. */
  private async send(body: string): Promise<readonly Rejected[] | 'invalid' | null> {
    const { url, key } = this.address;
    const headers = { 'content-type': 'application/json', ...(key === '' ? {} : { authorization: `Bearer ${key}` }) };
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const reply = await fetch(new URL('/v1/served-lists', url), { method: 'POST', headers, body, signal });
      // A proxy before the writer refuses in its own words.
      const said = (await reply.json().catch(() => ({}))) as { rejected?: readonly Rejected[]; code?: string; detail?: string };
      this.answers = true;
      this.problem = reply.ok ? null : `${reply.status} ${said.code ?? ''} ${said.detail ?? ''}`.trim();
      if (reply.ok) return said.rejected ?? [];
      return INVALID.includes(reply.status) ? 'invalid' : null;
    } catch (error) {
      this.answers = false;
      const { cause } = error as { cause?: unknown };
      this.problem = cause === undefined ? reasonOf(error) : `${reasonOf(error)}: ${reasonOf(cause)}`;
      return null;
    }
  }

  /** Hands in what is left, as far as the writer takes it. */
  async close(): Promise<void> {
    this.ending = true;
    await this.working;
    const until = performance.now() + LAST_MS;
    while (this.queue.count > 0 && performance.now() < until && (await this.handIn()));
  }
}

function onlyListOf(batch: WaitingBatch | null): string {
  const { lists } = JSON.parse(batch?.body ?? '{"lists":[]}') as { lists: readonly { recommendationId?: string }[] };
  return lists[0]?.recommendationId ?? '';
}
