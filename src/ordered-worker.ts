import { Worker } from 'node:worker_threads';

/** A worker thread that answers every message with one message, in order. A crash rejects what waits for an answer. */
export class OrderedWorker<Question, Answer> {
  private readonly worker: Worker;
  private readonly waiting: { readonly done: (answer: Answer) => void; readonly failed: (error: Error) => void }[] = [];

  /** The process may end while nothing waits for an answer. */
  constructor(script: URL, workerData: unknown) {
    this.worker = new Worker(script, { workerData });
    this.worker.unref();
    this.worker.on('message', (answer: Answer) => {
      this.waiting.shift()?.done(answer);
      if (this.waiting.length === 0) this.worker.unref();
    });
    this.worker.on('error', (error: Error) => {
      for (const { failed } of this.waiting.splice(0)) failed(error);
    });
  }

  ask(question: Question): Promise<Answer> {
    this.worker.ref();
    return new Promise((done, failed) => {
      this.waiting.push({ done, failed });
      this.worker.postMessage(question);
    });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}
