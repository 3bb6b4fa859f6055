/**
 * Manners towards the servers of images: so many requests to one host at a time, a pause between their starts where the
 * operator asks for one, and a rest for everybody when a host says that it is too much.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const OF_ONE_HOST = 8;

interface Host {
  running: number;
  readonly waiting: (() => void)[];
  /** No request begins before, in performance.now(): because the host asked for it, and for the pause between two. */
  restsUntil: number;
  nextAt: number;
}

const hosts = new Map<string, Host>();

/** Runs one request to a host when it is its turn. */
export async function atHost<T>(name: string, delayMs: number, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const host = hosts.get(name) ?? { running: 0, waiting: [], restsUntil: 0, nextAt: 0 };
  hosts.set(name, host);
  if (host.running >= OF_ONE_HOST) await new Promise<void>((turn) => host.waiting.push(turn));
  else host.running++;
  try {
    for (let wait = waitOf(host); wait > 0; wait = waitOf(host)) await sleep(wait, undefined, { signal });
    host.nextAt = performance.now() + delayMs;
    return await work();
  } finally {
    const next = host.waiting.shift();
    if (next) next();
    else if (--host.running === 0 && waitOf(host) <= 0) hosts.delete(name);
  }
}

function waitOf({ restsUntil, nextAt }: Host): number {
  return Math.max(restsUntil, nextAt) - performance.now();
}

/** Nobody asks this host for so long. */
export function restHost(name: string, ms: number): void {
  const host = hosts.get(name);
  if (host) host.restsUntil = Math.max(host.restsUntil, performance.now() + ms);
}

/** Milliseconds for which a host is left in peace. */
export function restOf(name: string): number {
  return Math.max(0, (hosts.get(name)?.restsUntil ?? 0) - performance.now());
}

/** Milliseconds that a `Retry-After` header asks for: seconds or a date; null without one. */
export function retryAfterMs(header: string | string[] | undefined, now: number): number | null {
  if (typeof header !== 'string') return null;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
