import pino from 'pino';

/** Bytes gathered before a write, and how long a line waits at most. */
const BLOCK_BYTES = 8192;
const WAIT_MS = 250;
/** Lines that nobody takes (a full disk, a reader that hangs) are held up to here; what comes then is dropped and counted. */
const HELD_BYTES = 8 << 20;

export interface RequestLog {
  readonly stream: ReturnType<typeof pino.destination>;
  /** Lines dropped so far because nobody took them. */
  readonly dropped: number;
  /** Writes what has been gathered: a thread that ends is not asked for it. */
  flush(): void;
}

/**
 * Where log lines go: standard output, written a block at a time behind the requests. A line per request written at once
 * would cost each of them a system call. What has been gathered is written when the process ends; killed, it loses them.
 * A log that can not be written ends nothing: the service goes on, and writes again as soon as there is room.
 */
export function requestLog(destination: string | number = process.stdout.fd ?? 1, heldBytes = HELD_BYTES): RequestLog {
  const stream = pino.destination({ dest: destination, sync: false, minLength: BLOCK_BYTES, maxLength: heldBytes, periodicFlush: WAIT_MS });
  let dropped = 0;
  stream.on('drop', () => void dropped++);
  // Without a listener a full disk would end the process; the lines stay in the stream, which tries again with the next one.
  stream.on('error', () => undefined);
  return {
    stream,
    get dropped() {
      return dropped;
    },
    flush() {
      try {
        stream.flushSync();
      } catch {
        // Nobody takes it: the lines go with the thread.
      }
    },
  };
}
