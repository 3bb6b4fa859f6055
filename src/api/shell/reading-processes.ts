/**
 * Several processes behind one port: each answers closeups, own lists and home feeds from state of its own, and sends what
 * it served to the one process that writes. A reader that dies is replaced; meanwhile the others answer.
 */
import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { Context } from '../../service/context.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { logServed } from './log-served.ts';
import { workerUrl } from '../../worker-url.ts';
import type { Metrics } from './metrics.ts';
import { memoryFlags } from './serving-memory.ts';
import { type ReaderWord, unpackedList, type WriterWord } from './reading-messages.ts';
import type { App } from '../routes/routes.ts';

/** Pause before a reader that died is replaced. */
const REPLACE_MS = 500;
/** A reader that has not ended by then is frozen: its drain takes ten seconds at most. */
const STOP_MS = 15_000;
const STOP: WriterWord = { kind: 'stop' };

export class ReadingProcesses {
  private readonly context: Context;
  private readonly metrics: Metrics;
  private readonly app: App;
  private readonly writer: string;
  private readonly readers = new Set<Worker>();
  private stopping = false;

  /** `writer` is the path of the socket of `app`. */
  constructor(context: Context, metrics: Metrics, app: App, writer: string) {
    this.context = context;
    this.metrics = metrics;
    this.app = app;
    this.writer = writer;
    const exec = fileURLToPath(workerUrl(import.meta.url, '../../reading-process.ts'));
    cluster.setupPrimary({ exec, args: [], execArgv: memoryFlags(process.execArgv), serialization: 'advanced' });
  }

  /** Settles with the address once all readers listen. */
  async start(count: number): Promise<string> {
    const addresses = await Promise.all(Array.from({ length: count }, () => this.startOne()));
    return addresses[0];
  }

  private startOne(): Promise<string> {
    const { config, dataFolder } = this.context;
    const reader = cluster.fork();
    this.readers.add(reader);
    const word: WriterWord = { kind: 'serve', config, dataFolder, writer: this.writer };
    return new Promise((listening, failed) => {
      reader.on('message', (said: ReaderWord) => {
        if (said.kind === 'hearing') reader.send(this.stopping ? STOP : word);
        else if (said.kind === 'listening') listening(said.address);
        else if (said.kind === 'failed')
          failed(said.refused ? new ServiceError(said.refused.code, said.refused.fields) : new Error(said.reason));
        else this.hear(reader, said);
      });
      reader.once('exit', (code) => {
        failed(new Error(`a reading process ended with ${code}`));
        this.replace(reader, code);
      });
    });
  }

  private hear(reader: Worker, said: Extract<ReaderWord, { kind: 'lists' | 'metrics' }>): void {
    if (said.kind === 'metrics') return this.metrics.hear(reader.id, said.metrics);
    for (const list of said.lists) logServed(this.context, this.metrics, this.app.log, unpackedList(list));
  }

  private replace(reader: Worker, code: number | null): void {
    this.readers.delete(reader);
    this.metrics.forget(reader.id);
    if (this.stopping) return;
    this.app.log.error({ code, pid: reader.process.pid }, 'a reading process ended and is replaced');
    setTimeout(() => {
      if (!this.stopping) this.startOne().catch((error: unknown) => this.app.log.error({ reason: reasonOf(error) }, 'no reading process'));
    }, REPLACE_MS).unref();
  }

  /** Settles when every reader has answered what it had begun, sent what it had served, and is gone. */
  async close(): Promise<void> {
    this.stopping = true;
    const gone = [...this.readers].map((reader) => {
      return new Promise<void>((ended) => {
        const kill = setTimeout(() => reader.process.kill('SIGKILL'), STOP_MS);
        reader.once('exit', () => {
          clearTimeout(kill);
          ended();
        });
        if (reader.isConnected()) reader.send(STOP);
      });
    });
    await Promise.all(gone);
  }
}
