import type { Progress } from '../progress.ts';

/** Where a job stands, as it tells the process that started it. */
interface ProgressMessage {
  readonly step: string;
  readonly done: number;
  /** 0: unknown. */
  readonly total: number;
}

/** Messages no more often than this. */
const PAUSE_MS = 300;

/** Tells the parent process over its channel; notes go to standard error as always. */
export function messageProgress(send: (message: ProgressMessage) => void): Progress {
  let message: ProgressMessage = { step: '', done: 0, total: 0 };
  let toldAt = 0;
  const tell = (next: ProgressMessage, always: boolean): void => {
    message = next;
    const now = Date.now();
    if (!always && now - toldAt < PAUSE_MS) return;
    toldAt = now;
    send(message);
  };
  return {
    start: (step, total) => tell({ step, done: 0, total }, true),
    update: (done) => tell({ ...message, done }, done === message.total),
    stop() {},
    note: (line) => console.error(line),
  };
}
