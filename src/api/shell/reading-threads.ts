/**
 * Several threads behind one port: each answers closeups, own lists and home feeds from state of its own and tables that all
 * share, and hands what it served to the thread that started it: the one that writes, or a node that hands it on. Each has a
 * listener of its own on the port. A reader that ends by itself is replaced; meanwhile the others answer.
 */
import { Worker } from 'node:worker_threads';
import type { FastifyBaseLogger } from 'fastify';
import type { PinNames } from '../../catalog/log/sent-list.ts';
import type { ServedList } from '../../catalog/log/served-list.ts';
import type { Config } from '../../config.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { NO_TABLES, type SharedTables } from '../../features/shared-tables.ts';
import { workerUrl } from '../../worker-url.ts';
import { checkAddress, SHARES_PORTS } from './listen.ts';
import type { ReaderMetrics } from './reader-metrics.ts';
import { type ReaderOrder, type ReaderWord, unpackedList } from './reading-messages.ts';

/** Pause before a reader that ended is replaced. */
const REPLACE_MS = 500;
/** A reader that has not ended by then is frozen: its drain takes ten seconds at most. */
const STOP_MS = 15_000;
const STOP = 'stop';
const NO_SHARING = `threads cannot share a port on ${process.platform}: serve with --workers 1, and a node on Linux`;

export interface Readers {
  readonly config: Config;
  /** The path of the socket to which they pass on what they do not answer. */
  readonly writer: string;
  /** Lists come with the ids of their pins: whoever takes them does not number pins alike. */
  readonly byId: boolean;
  readonly metrics: ReaderMetrics;
  readonly log: FastifyBaseLogger;
  /** Called for each list that was served. */
  take(list: ServedList, names: PinNames | null): void;
}

/** What readers serve. */
interface Served {
  readonly dataFolder: string;
  /** Tables of it that are in memory already. */
  tables: SharedTables;
}

export class ReadingThreads {
  private readonly behind: Readers;
  private served: Served;
  private readonly readers = new Map<Worker, number>();
  /** Told to stop: nobody takes their place. */
  private readonly leaving = new Set<Worker>();
  private stopping = false;
  private port: number;

  constructor(behind: Readers, dataFolder: string, tables: SharedTables = NO_TABLES) {
    this.behind = behind;
    this.served = { dataFolder, tables };
    this.port = behind.config.port;
  }

  /**
   * Settles with the address once all readers listen.
   * @throws CONFIG_INVALID when threads can't share a port here, or the address can't be had: readers would share it with
   * whoever else of this user asks to share.
   */
  async start(count: number): Promise<string> {
    if (!SHARES_PORTS) throw new ServiceError('CONFIG_INVALID', { problems: NO_SHARING, field: 'workers' });
    await checkAddress(this.behind.config);
    const address = await this.startOne(this.served);
    this.port = Number(new URL(address).port);
    await Promise.all(Array.from({ length: count - 1 }, () => this.startOne(this.served)));
    return address;
  }

  /**
   * As many readers of another data folder take over: those of the present one stop when all of them listen, and end what they
   * have begun. When one of them can't begin, the present ones go on. Settles when the present ones are gone.
   */
  async moveTo(dataFolder: string): Promise<void> {
    const before = [...this.readers.keys()].filter((reader) => !this.leaving.has(reader));
    const next: Served = { dataFolder, tables: NO_TABLES };
    const moves = [await settled(this.startOne(next))];
    moves.push(...(await Promise.all(before.slice(1).map(() => settled(this.startOne(next))))));
    const failed = moves.find((move) => move !== null);
    const gone = failed ? [...this.readers.keys()].filter((reader) => !before.includes(reader)) : before;
    if (!failed) this.served = next;
    await Promise.all(gone.map((reader) => this.stopOne(reader)));
    if (failed) throw failed.reason;
  }

  private startOne(served: Served): Promise<string> {
    const { config, writer, byId } = this.behind;
    const { dataFolder, tables } = served;
    const slot = this.freeSlot();
    const order: ReaderOrder = { config: { ...config, port: this.port }, dataFolder, writer, byId, tables, slot };
    const reader = new Worker(workerUrl(import.meta.url, '../../reading-thread.ts'), { workerData: order, name: `reader-${slot}` });
    this.readers.set(reader, slot);
    if (this.stopping) reader.postMessage(STOP);
    let serves = false;
    let reason = 'it ended';
    return new Promise((listening, failed) => {
      reader.on('message', (said: ReaderWord) => {
        if (said.kind === 'listening') {
          serves = true;
          served.tables = said.tables;
          listening(said.address);
        } else if (said.kind === 'failed')
          failed(said.refused ? new ServiceError(said.refused.code, said.refused.fields) : new Error(said.reason));
        else this.hear(reader, said);
      });
      // An exception that nobody caught, or a full heap: it ends this thread alone.
      reader.once('error', (error) => (reason = reasonOf(error)));
      const { threadId } = reader;
      reader.once('exit', (code) => {
        failed(new Error(`a reading thread ended with ${code}: ${reason}`));
        this.readers.delete(reader);
        this.behind.metrics.forget(threadId);
        if (serves && !this.leaving.delete(reader)) this.replace(code, reason);
      });
    });
  }

  private freeSlot(): number {
    const taken = new Set(this.readers.values());
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }

  private hear(reader: Worker, said: Extract<ReaderWord, { kind: 'lists' | 'metrics' }>): void {
    if (said.kind === 'metrics') return this.behind.metrics.hear(reader.threadId, said.metrics);
    said.lists.forEach((list, i) => this.behind.take(unpackedList(list), said.names?.[i] ?? null));
  }

  private replace(code: number, reason: string): void {
    if (this.stopping) return;
    this.behind.log.error({ code, reason }, 'a reading thread ended and is replaced');
    this.startLater();
  }

  private startLater(): void {
    setTimeout(() => {
      if (this.stopping) return;
      this.startOne(this.served).catch((error: unknown) => {
        this.behind.log.error({ reason: reasonOf(error) }, 'no reading thread');
        this.startLater();
      });
    }, REPLACE_MS).unref();
  }

  /** Settles when every reader has answered what it had begun, sent what it had served, and is gone. */
  async close(): Promise<void> {
    this.stopping = true;
    await Promise.all([...this.readers.keys()].map((reader) => this.stopOne(reader)));
  }

  private stopOne(reader: Worker): Promise<void> {
    if (!this.readers.has(reader)) return Promise.resolve();
    this.leaving.add(reader);
    return new Promise<void>((ended) => {
      const kill = setTimeout(() => void reader.terminate(), STOP_MS);
      reader.once('exit', () => {
        clearTimeout(kill);
        ended();
      });
      reader.postMessage(STOP);
    });
  }
}

async function settled(move: Promise<unknown>): Promise<{ readonly reason: unknown } | null> {
  try {
    await move;
    return null;
  } catch (reason) {
    return { reason };
  }
}
