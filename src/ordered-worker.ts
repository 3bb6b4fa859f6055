import { type MessagePort, Worker } from 'node:worker_threads';

/** A worker thread that answers every message with one message, in order. Once it has crashed, every question is rejected. */
export class OrderedWorker<Question, Answer> {
  /** Why the thread ended by itself; null while it runs. */
  crash: Error | null = null;
  private readonly worker: Worker;
  private readonly waiting: { readonly done: (answer: Answer) => void; readonly failed: (error: Error) => void }[] = [];
  private closing = false;

  /** The process may end while nothing waits for an answer. */
  constructor(script: URL, workerData: unknown) {
    this.worker = new Worker(script, { workerData });
    this.worker.unref();
    this.worker.on('message', (answer: Answer) => {
      this.waiting.shift()?.done(answer);
      if (this.waiting.length === 0) this.worker.unref();
    });
    this.worker.on('error', (error: Error) => this.end(error));
    this.worker.on('exit', (code) => this.end(new Error(`the thread ended with ${code}`)));
  }

  /** What `given` lists belongs to the thread from then on. */
  ask(question: Question, given: readonly MessagePort[] = []): Promise<Answer> {
    if (this.crash !== null) return Promise.reject(this.crash);
    this.worker.ref();
    return new Promise((done, failed) => {
      this.waiting.push({ done, failed });
      this.worker.postMessage(question, given);
    });
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.worker.terminate();
  }

  private end(error: Error): void {
    if (this.closing) return;
    this.crash ??= error;
    for (const { failed } of this.waiting.splice(0)) failed(this.crash);
  }
}
