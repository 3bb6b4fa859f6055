/**
 * A thread that asks whether a service is alive, again and again, and says how long each answer took: in all, and without
 * the time for which the service's main thread or this one waited for a processor (Linux says it), which is the fault of
 * whatever else runs on the machine.
 */
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

export interface Probe {
  readonly ms: number;
  readonly ownMs: number;
}

const EVERY_MS = 25;
const { url, pid } = workerData as { url: string; pid: number };
let probes: Probe[] = [];

/** Milliseconds for which the two threads have waited for a processor so far; 0 where nobody counts. */
function waitedMs(): number {
  try {
    const files = [`/proc/${pid}/task/${pid}/schedstat`, '/proc/thread-self/schedstat'];
    return files.reduce((sum, file) => sum + Number(readFileSync(file, 'utf8').split(' ')[1]) / 1e6, 0);
  } catch {
    return 0;
  }
}

function probe(): void {
  const [startedAt, waited] = [performance.now(), waitedMs()];
  const note = (): void => {
    const ms = performance.now() - startedAt;
    probes.push({ ms, ownMs: Math.max(0, ms - (waitedMs() - waited)) });
  };
  // An answer that never comes counts as long as nobody stops waiting for it.
  get(`${url}/health/live`, { agent: false, timeout: 20_000 }, (reply) => reply.resume().on('end', note))
    .on('timeout', note)
    .on('error', note);
}

setInterval(probe, EVERY_MS);
parentPort?.on('message', () => {
  parentPort?.postMessage(probes);
  probes = [];
});
