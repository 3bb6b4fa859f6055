/**
 * The bytes of an image by path or web address. Addresses come from strangers: only http and https; the host is resolved
 * once, every address it has is checked and the connection goes to a checked one, so a name that changes its mind between
 * check and connect gains nothing; redirects (three at most) are checked the same way; size, time and pace are bounded.
 * A refusal says nothing of names and addresses, or strangers would map an internal network by it: that stands in its cause.
 */
import { lookup as resolveHost } from 'node:dns';
import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import type { LookupFunction } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import ipaddr from 'ipaddr.js';
import type { Dispatcher } from 'undici';
import { reasonOf, ServiceError } from '../../errors.ts';
import type { Config } from '../../config.ts';
import { findFile } from './image-file.ts';
import { atHost, restHost, restOf, retryAfterMs } from './image-hosts.ts';
import { imageLocation, isWebAddress } from './image-reference.ts';

export interface ImageFetchOptions {
  readonly dataFolder: string;
  readonly byteLimit: number;
  /** The setting imagePrivateUrls. */
  readonly allowPrivate?: boolean;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Give up on a server that has sent less than this many bytes for each second after the first two. */
  readonly leastBytesPerSecond?: number;
  /** Which addresses may be connected to; by default public unicast ones. */
  readonly addressAllowed?: (address: string) => boolean;
  readonly resolve?: typeof resolveHost;
  /** The User-Agent that servers see; some refuse requests without one. */
  readonly userAgent?: string;
  /** Times that a passing refusal (429, 503, a cut connection) is met before it is given up; absent: once, for somebody waits. */
  readonly attempts?: number;
  /** Least milliseconds between two requests to one host. */
  readonly hostDelayMs?: number;
}

/** What the settings say of fetching; jobs and the service in the background try passing refusals again. */
export function imageFetching(config: Config, dataFolder: string): ImageFetchOptions {
  const { uploadLimitBytes: byteLimit, imagePrivateUrls: allowPrivate, imageUserAgent: userAgent, imageHostDelayMs: hostDelayMs } = config;
  return { dataFolder, byteLimit, allowPrivate, userAgent, hostDelayMs, attempts: ATTEMPTS };
}

/** True for a refusal that may be over later: the picture is to be asked for again. */
export function isPassing(error: unknown): boolean {
  return error instanceof ServiceError && error.fields.passing === true;
}

const ATTEMPTS = 3;
/** Wait before the second attempt; it doubles. A server that asks for more than the longest wait is left for a later run. */
const BACKOFF_MS = 500;
const WAIT_MAX_MS = 20_000;
const PASSING_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504]);
/** What the system and undici call a connection that broke, was not made in time, or a resolver that has no answer now. */
const PASSING_CODES = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNREFUSED',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** Where no setting is at hand. */
const USER_AGENT = 'related-pins';
const REDIRECTS_MAX = 3;
const TIMEOUT_MS = 15_000;
/** From then on a pace is asked for, which is looked at so often. */
const PACE_GRACE_MS = 2000;
const PACE_LOOK_MS = 250;
/** The one message for every address that cannot be asked: unknown, not allowed, or not listening. */
const NOBODY_THERE = 'it leads to no public address that answers';
const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);

/** Loads the package that fetches, which takes a moment, before a request needs it. */
export async function warmFetch(): Promise<void> {
  await import('undici');
}

/** Reads the image behind a stored reference. @throws IMAGE_URL_REFUSED, IMAGE_TOO_LARGE, IMAGE_REFUSED. */
export async function fetchImage(reference: string, options: ImageFetchOptions): Promise<Uint8Array> {
  const location = imageLocation(reference, options.dataFolder);
  if (isWebAddress(location)) return fetchPatiently(location, options);
  return readImageFile(location, options.byteLimit, isAbsolute(reference) ? null : options.dataFolder);
}

/** `within`: the data folder of a reference that was given relative to it; a link in it must not lead out of it. */
async function readImageFile(path: string, byteLimit: number, within: string | null): Promise<Uint8Array> {
  try {
    const meant = (await findFile(path)) ?? path;
    if (within !== null) await refuseOutside(meant, within);
    const found = await stat(meant);
    if (!found.isFile()) throw new ServiceError('IMAGE_REFUSED', { reason: 'it is no file' });
    if (found.size > byteLimit) throw tooLarge(byteLimit);
    return await readFile(meant);
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    const missing = (error as { code?: unknown }).code === 'ENOENT';
    throw new ServiceError('IMAGE_REFUSED', { reason: missing ? 'there is no such file' : reasonOf(error) }, error);
  }
}

/** The image folder itself may be a link to where the pictures lie; a link inside it that leads elsewhere is refused. */
async function refuseOutside(path: string, dataFolder: string): Promise<void> {
  const target = await realpath(path);
  const roots = await Promise.all([dataFolder, join(dataFolder, 'images')].map((root) => realpath(root).catch(() => null)));
  if (roots.some((root) => root !== null && target.startsWith(root + sep))) return;
  throw new ServiceError('IMAGE_REFUSED', { reason: 'it is a link that leads out of the image folder' });
}

/** Asks again, after a while, where the refusal is a passing one. */
async function fetchPatiently(address: string, options: ImageFetchOptions): Promise<Uint8Array> {
  const { attempts = 1, hostDelayMs = 0, signal } = options;
  if (!URL.canParse(address)) throw refused('it is no address');
  const { host } = new URL(address);
  for (let attempt = 1; ; attempt++) {
    try {
      // Somebody waits for a single attempt: a host that rests is not waited for.
      if (attempts === 1 && restOf(host) > 0) throw passing('the server is busy', restOf(host));
      return await atHost(host, hostDelayMs, signal, () => fetchFromWeb(address, options));
    } catch (error) {
      if (!isPassing(error) || attempt >= attempts || signal?.aborted) throw error;
      const asked = (error as ServiceError).fields.retryAfterMs as number | null;
      const waitMs = asked ?? BACKOFF_MS * 2 ** (attempt - 1);
      if (waitMs > WAIT_MAX_MS) throw error;
      await sleep(waitMs, undefined, { signal });
    }
  }
}

async function fetchFromWeb(start: string, options: ImageFetchOptions): Promise<Uint8Array> {
  const allowed = options.allowPrivate ? () => true : (options.addressAllowed ?? isPublicAddress);
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const timeout = AbortSignal.timeout(timeoutMs);
  const pace = new Pace(options.leastBytesPerSecond ?? 0);
  const signal = AbortSignal.any([timeout, pace.signal, ...(options.signal ? [options.signal] : [])]);
  // 110 files that a job without web addresses never needs.
  const { Agent, request } = await import('undici');
  const agent = new Agent({
    connect: { lookup: checkedLookup(allowed, options.resolve ?? resolveHost), timeout: timeoutMs },
    maxResponseSize: options.byteLimit,
  });
  try {
    let url = start;
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      const checked = checkedUrl(url, allowed);
      const headers = { accept: 'image/*', 'user-agent': options.userAgent ?? USER_AGENT };
      const reply = await request(checked, { dispatcher: agent, signal, headers });
      if (!REDIRECT_STATUSES.has(reply.statusCode)) return await bodyOf(reply, options.byteLimit, pace, checked.host);
      reply.body.on('error', () => {}).destroy();
      url = nextUrl(url, reply.headers.location);
    }
    throw refused(`it redirects more than ${REDIRECTS_MAX} times`);
  } catch (error) {
    throw asServiceError(error, timeout.aborted || pace.signal.aborted, options.byteLimit);
  } finally {
    pace.stop();
    await agent.destroy();
  }
}

/** Aborts its signal when bytes come too slowly. */
class Pace {
  /** Received so far. */
  bytes = 0;
  private readonly abort = new AbortController();
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(leastBytesPerSecond: number) {
    if (leastBytesPerSecond === 0) return;
    const startedAt = performance.now();
    this.timer = setInterval(() => {
      const seconds = (performance.now() - startedAt - PACE_GRACE_MS) / 1000;
      if (seconds > 0 && this.bytes < seconds * leastBytesPerSecond) this.abort.abort();
    }, PACE_LOOK_MS);
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

function checkedUrl(text: string, allowed: (address: string) => boolean): URL {
  if (!URL.canParse(text)) throw refused('it is no address');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused(`${url.protocol} is not http or https`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // A literal address is connected to without a lookup, so it is checked here.
  if (ipaddr.isValid(host) && !allowed(host)) throw refused(NOBODY_THERE, new Error(`${host} is no public address`));
  return url;
}

function nextUrl(from: string, location: string | string[] | undefined): string {
  if (typeof location !== 'string' || !URL.canParse(location, from)) throw refused('it redirects to nowhere');
  return new URL(location, from).href;
}

/** A lookup for the connection itself: what it hands on was checked, and nothing is looked up again. */
function checkedLookup(allowed: (address: string) => boolean, resolve: typeof resolveHost): LookupFunction {
  return (host, settings, callback) => {
    resolve(host, { ...settings, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const bad = addresses.find(({ address }) => !allowed(address));
      if (bad || addresses.length === 0) {
        return callback(refused(NOBODY_THERE, new Error(`${host} leads to ${bad?.address ?? 'nowhere'}, no public address`)), '', 0);
      }
      if (settings.all) return (callback as unknown as (e: null, a: typeof addresses) => void)(null, addresses);
      callback(null, addresses[0].address, addresses[0].family);
    });
  };
}

/** Where public IPv6 addresses are given out; what else is called unicast holds IPv4 addresses in old forms (`::127.0.0.1`). */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** True for public unicast addresses only; IPv4 inside IPv6 is judged as what it maps to. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' || (parsed as ipaddr.IPv6).match(GLOBAL_IPV6);
}

async function bodyOf(reply: Dispatcher.ResponseData, byteLimit: number, pace: Pace, host: string): Promise<Uint8Array> {
  if (reply.statusCode !== 200) {
    reply.body.on('error', () => {}).destroy();
    const reason = `the server answers ${reply.statusCode}`;
    if (!PASSING_STATUSES.has(reply.statusCode)) throw refused(reason);
    const retryAfter = retryAfterMs(reply.headers['retry-after'], Date.now());
    if (retryAfter !== null) restHost(host, Math.min(retryAfter, WAIT_MAX_MS));
    throw passing(reason, retryAfter);
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of reply.body as AsyncIterable<Uint8Array>) {
    pace.bytes += piece.length;
    if (pace.bytes > byteLimit) throw tooLarge(byteLimit);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function asServiceError(error: unknown, isLate: boolean, byteLimit: number): unknown {
  if (error instanceof ServiceError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return tooLarge(byteLimit);
  if (isLate) return passing('the server takes too long', null, error);
  const isBroken = typeof code === 'string' && PASSING_CODES.has(code);
  return isBroken ? passing(NOBODY_THERE, null, error) : refused(NOBODY_THERE, error);
}

function refused(reason: string, cause?: unknown): ServiceError {
  return new ServiceError('IMAGE_URL_REFUSED', { reason }, cause);
}

/** A temporary refusal has the same message; a mark says that it may be tried again. */
function passing(reason: string, retryAfter: number | null, cause?: unknown): ServiceError {
  return new ServiceError('IMAGE_URL_REFUSED', { reason, passing: true, retryAfterMs: retryAfter }, cause);
}

function tooLarge(byteLimit: number): ServiceError {
  return new ServiceError('IMAGE_TOO_LARGE', { reason: `it has more than ${byteLimit} bytes` });
}
