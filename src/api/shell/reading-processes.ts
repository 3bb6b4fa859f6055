/**
 * Several processes behind one port: each answers closeups, own lists and home feeds from state of its own, and hands what
 * it served to the process that started it: the one that writes, or a node that hands it on. A reader that dies is replaced;
 * meanwhile the others answer.
 */
import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { FastifyBaseLogger } from 'fastify';
import type { PinNames } from '../../catalog/log/sent-list.ts';
import type { ServedList } from '../../catalog/log/served-list.ts';
import type { Config } from '../../config.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { workerUrl } from '../../worker-url.ts';
import type { ReaderMetrics } from './reader-metrics.ts';
import { memoryFlags } from './serving-memory.ts';
import { type ReaderWord, unpackedList, type WriterWord } from './reading-messages.ts';

/** Pause before a reader that died is replaced. */
const REPLACE_MS = 500;
/** A reader that has not ended by then is frozen: its drain takes ten seconds at most. */
const STOP_MS = 15_000;
const STOP: WriterWord = { kind: 'stop' };

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

export class ReadingProcesses {
  private readonly behind: Readers;
  private dataFolder: string;
  private readonly readers = new Set<Worker>();
  /** Told to stop: nobody takes their place. */
  private readonly leaving = new Set<Worker>();
  private stopping = false;

  constructor(behind: Readers, dataFolder: string) {
    this.behind = behind;
    this.dataFolder = dataFolder;
    const exec = fileURLToPath(workerUrl(import.meta.url, '../../reading-process.ts'));
    cluster.setupPrimary({ exec, args: [], execArgv: memoryFlags(process.execArgv), serialization: 'advanced' });
  }

  /** Settles with the address once all readers listen. */
  async start(count: number): Promise<string> {
    const addresses = await Promise.all(Array.from({ length: count }, () => this.startOne(this.dataFolder)));
    return addresses[0];
  }

  /**
   * As many readers of another data folder take over: those of the present one stop when all of them listen, and end what they
   * have begun. When one of them can't begin, the present ones go on. Settles when the present ones are gone.
   */
  async moveTo(dataFolder: string): Promise<void> {
    const before = [...this.readers].filter((reader) => !this.leaving.has(reader));
    const moves = before.map(() => this.startOne(dataFolder));
    const failed = (await Promise.allSettled(moves)).find((move) => move.status === 'rejected');
    const gone = failed ? [...this.readers].filter((reader) => !before.includes(reader)) : before;
    if (!failed) this.dataFolder = dataFolder;
    await Promise.all(gone.map((reader) => this.stopOne(reader)));
    if (failed) throw failed.reason;
  }

  private startOne(dataFolder: string): Promise<string> {
    const { config, writer, byId } = this.behind;
    const reader = cluster.fork();
    this.readers.add(reader);
    const word: WriterWord = { kind: 'serve', config, dataFolder, writer, byId };
    let serves = false;
    return new Promise((listening, failed) => {
      reader.on('message', (said: ReaderWord) => {
        if (said.kind === 'hearing') reader.send(this.stopping ? STOP : word);
        else if (said.kind === 'listening') {
          serves = true;
          listening(said.address);
        } else if (said.kind === 'failed')
          failed(said.refused ? new ServiceError(said.refused.code, said.refused.fields) : new Error(said.reason));
        else this.hear(reader, said);
      });
      reader.once('exit', (code) => {
        failed(new Error(`a reading process ended with ${code}`));
        this.readers.delete(reader);
        this.behind.metrics.forget(reader.id);
        if (serves && !this.leaving.delete(reader)) this.replace(reader, code);
      });
    });
  }

  private hear(reader: Worker, said: Extract<ReaderWord, { kind: 'lists' | 'metrics' }>): void {
    if (said.kind === 'metrics') return this.behind.metrics.hear(reader.id, said.metrics);
    said.lists.forEach((list, i) => this.behind.take(unpackedList(list), said.names?.[i] ?? null));
  }

  private replace(reader: Worker, code: number | null): void {
    if (this.stopping) return;
    this.behind.log.error({ code, pid: reader.process.pid }, 'a reading process ended and is replaced');
    this.startLater();
  }

  private startLater(): void {
    setTimeout(() => {
      if (this.stopping) return;
      this.startOne(this.dataFolder).catch((error: unknown) => {
        this.behind.log.error({ reason: reasonOf(error) }, 'no reading process');
        this.startLater();
      });
    }, REPLACE_MS).unref();
  }

  /** Settles when every reader has answered what it had begun, sent what it had served, and is gone. */
  async close(): Promise<void> {
    this.stopping = true;
    await Promise.all([...this.readers].map((reader) => this.stopOne(reader)));
  }

  private stopOne(reader: Worker): Promise<void> {
    if (!this.readers.has(reader)) return Promise.resolve();
    this.leaving.add(reader);
    return new Promise<void>((ended) => {
      const kill = setTimeout(() => reader.process.kill('SIGKILL'), STOP_MS);
      reader.once('exit', () => {
        clearTimeout(kill);
        ended();
      });
      if (reader.isConnected()) reader.send(STOP);
    });
  }
}
