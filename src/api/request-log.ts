import pino from 'pino';

/** Bytes gathered before a write, and how long a line waits at most. */
const BLOCK_BYTES = 8192;
const WAIT_MS = 250;

/**
 * Where log lines go: standard output, written a block at a time behind the requests. A line per request written at once
 * would cost each of them a system call. What has been gathered is written when the process ends; killed, it loses them.
 */
export function requestLogStream(): ReturnType<typeof pino.destination> {
  return pino.destination({ sync: false, minLength: BLOCK_BYTES, periodicFlush: WAIT_MS });
}
