/** Signed requests to an S3-compatible store: sent again where that may help, and refused in our own words where it can't. */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { type ErrorCode, reasonOf, ServiceError } from '../errors.ts';

/** A bucket, or a folder in it, and how to get in. */
export interface ObjectPlace {
  /** As the operator named it, such as s3://bucket/prefix. */
  readonly place: string;
  /** Such as https://s3.eu-west-1.amazonaws.com; the bucket is the first part of each path. */
  readonly endpoint: string;
  readonly bucket: string;
  /** Empty, or ending with a slash. */
  readonly prefix: string;
  readonly region: string;
  readonly keyId: string;
  readonly secret: string;
  /** Of temporary credentials; empty: they are not temporary. */
  readonly token: string;
}

interface ObjectRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** Below the prefix; absent: the bucket is asked. */
  readonly name?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface Patience {
  readonly tries: number;
  /** Before the second try, in milliseconds; twice as long before each further one. */
  readonly firstPauseMs: number;
}

/** Some eight seconds: a node tries again by itself, a job says what was wrong. */
const PATIENCE: Patience = { tries: 6, firstPauseMs: 250 };
/** For a whole request: a block of 256 KiB at 9 kB a second. */
const REQUEST_MS = 30_000;

/** Refusals by the store's own code: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const CODES: Readonly<Record<string, ErrorCode>> = {
  InvalidAccessKeyId: 'STORE_CREDENTIALS',
  SignatureDoesNotMatch: 'STORE_CREDENTIALS',
  AccessDenied: 'STORE_CREDENTIALS',
  ExpiredToken: 'STORE_CREDENTIALS',
  InvalidToken: 'STORE_CREDENTIALS',
  NoSuchBucket: 'STORE_BUCKET_UNKNOWN',
  RequestTimeTooSkewed: 'STORE_CLOCK',
};
/** What passes: 5xx, too many requests, a request that came too slowly. */
const PASSING = /^(RequestTimeout|SlowDown|OperationAborted)$/;

const GONE = /^NoSuch(Key|Version)$/;

/** What a store said that may help when it is asked again. */
class PassingError extends Error {}

export class ObjectRequests {
  private readonly at: ObjectPlace;
  private readonly patience: Patience;
  private readonly signal: AbortSignal | undefined;

  constructor(at: ObjectPlace, signal?: AbortSignal, patience: Patience = PATIENCE) {
    this.at = at;
    this.signal = signal;
    this.patience = patience;
  }

  /**
   * A request and what the reply holds; null: there is no such object.
   * @throws STORE_CREDENTIALS, STORE_BUCKET_UNKNOWN, STORE_CLOCK, STORE_REFUSED; STORE_UNAVAILABLE after the last try; JOB_STOPPED.
   */
  async ask(request: ObjectRequest): Promise<Buffer | null> {
    return this.again(async () => {
      const reply = await this.send(request);
      return reply === null ? null : Buffer.from(await reply.arrayBuffer());
    });
  }

  private async again<T>(work: () => Promise<T>): Promise<T> {
    for (let failed = 1; ; failed++) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof ServiceError || failed >= this.patience.tries) throw this.told(error);
        await this.rest(failed);
      }
    }
  }

  private async rest(failed: number): Promise<void> {
    if (this.signal?.aborted) throw new ServiceError('JOB_STOPPED');
    await pause(this.patience.firstPauseMs * 2 ** (failed - 1), undefined, { signal: this.signal }).catch(() => {
      throw new ServiceError('JOB_STOPPED');
    });
  }

  private told(error: unknown): ServiceError {
    if (error instanceof ServiceError) return error;
    if (this.signal?.aborted) return new ServiceError('JOB_STOPPED');
    const { cause } = error as { cause?: unknown };
    return this.error('STORE_UNAVAILABLE', cause instanceof Error ? reasonOf(cause) : reasonOf(error), error);
  }

  private async send(request: ObjectRequest): Promise<Response | null> {
    const { method, body } = request;
    const { url, headers } = await this.signed(request);
    // Not signed: proxies may change it.
    headers.set('Accept-Encoding', 'identity');
    const signal = AbortSignal.any([AbortSignal.timeout(REQUEST_MS), ...(this.signal ? [this.signal] : [])]);
    const reply = await fetch(url, { method, headers, body: body as BodyInit | undefined, signal, redirect: 'manual' });
    if (reply.ok) return reply;
    const text = await reply.text();
    const code = field(text, 'Code') ?? '';
    if (reply.status === 404 && GONE.test(code)) return null;
    if (reply.status >= 500 || reply.status === 429 || PASSING.test(code)) throw new PassingError(said(text) || `status ${reply.status}`);
    const region = field(text, 'Region') ?? reply.headers.get('x-amz-bucket-region') ?? '';
    const elsewhere = region === '' || region === this.at.region ? '' : `; the bucket is in the region ${region}: set AWS_REGION`;
    const known = CODES[code] ?? (reply.status === 401 || reply.status === 403 ? 'STORE_CREDENTIALS' : 'STORE_REFUSED');
    throw this.error(known, `${said(text) || `status ${reply.status}`}${elsewhere}`);
  }

  /** The digest of what is sent is signed, so the store refuses bytes that were changed on the way. */
  private async signed({ method, name, query = {}, body }: ObjectRequest): Promise<{ url: URL; headers: Headers }> {
    const { endpoint, bucket, prefix, region, keyId, secret, token } = this.at;
    const path = name === undefined ? bucket : `${bucket}/${prefix}${name}`;
    const url = new URL(`${endpoint}/${path.split('/').map(encodeURIComponent).join('/')}`);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    const digest = createHash('sha256')
      .update(body ?? '')
      .digest('hex');
    const credentials = { accessKeyId: keyId, secretAccessKey: secret, sessionToken: token === '' ? undefined : token };
    const headers = { 'X-Amz-Content-Sha256': digest };
    const signer = new AwsV4Signer({ method, url: url.href, headers, service: 's3', region, ...credentials });
    return signer.sign();
  }

  private error(code: ErrorCode, reason: string, cause?: unknown): ServiceError {
    return new ServiceError(code, { place: this.at.place, reason }, cause);
  }
}

/** The store's code and words; empty where it gave none. */
function said(text: string): string {
  const words = [field(text, 'Code'), field(text, 'Message')].filter((word) => word !== null).join(': ');
  return words.replace(/\.$/, '');
}

/** The text of the first element of a name; null without one. */
export function field(text: string, name: string): string | null {
  return fields(text, name)[0] ?? null;
}

/** The texts of all elements of a name, which hold no others. */
export function fields(text: string, name: string): string[] {
  return [...text.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, inner]) => plain(inner));
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function plain(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(lt|gt|quot|apos|amp));/gi, (_, hex: string, decimal: string, name: string) =>
    name ? ENTITIES[name.toLowerCase()] : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)),
  );
}
