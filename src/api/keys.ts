/**
 * Keys and what they may do. Kept only as SHA-256 digests and compared in constant time. Keys of the settings may do
 * everything; scoped ones stand in `keys.json` of the data folder and are read anew when that file changes.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ipaddr from 'ipaddr.js';
import { ServiceError } from '../errors.ts';

export const SCOPES = ['read', 'events', 'catalogue', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export interface StoredKey {
  readonly name: string;
  /** Hex SHA-256 of the key. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
}

interface KnownKey {
  readonly name: string;
  readonly digest: Buffer;
  readonly scopes: ReadonlySet<Scope>;
}

export const KEYS_FILE = 'keys.json';

export class Keys {
  private readonly file: string;
  private readonly configured: readonly KnownKey[];
  private stored: readonly KnownKey[] = [];
  private stamp = '';

  constructor(dataFolder: string, configured: readonly string[]) {
    this.file = join(dataFolder, KEYS_FILE);
    this.configured = configured.map((key, i) => ({ name: `setting-${i + 1}`, digest: digestOf(key), scopes: new Set(SCOPES) }));
    this.reload();
  }

  /** Whether any key exists: without one, everything is open (and the server stays on loopback). */
  get any(): boolean {
    this.reload();
    return this.configured.length + this.stored.length > 0;
  }

  /** The name of the key in an Authorization header. @throws REQUEST_UNAUTHORIZED, REQUEST_FORBIDDEN */
  check(header: string | undefined, scope: Scope): string {
    const text = /^Bearer\s+(\S+)\s*$/i.exec(header ?? '')?.[1];
    if (text === undefined) throw new ServiceError('REQUEST_UNAUTHORIZED');
    const digest = digestOf(text);
    let found: KnownKey | null = null;
    for (const key of [...this.configured, ...this.stored]) if (timingSafeEqual(key.digest, digest)) found = key;
    if (found === null) throw new ServiceError('REQUEST_UNAUTHORIZED');
    if (!found.scopes.has(scope)) throw new ServiceError('REQUEST_FORBIDDEN', { scope });
    return found.name;
  }

  private reload(): void {
    const stat = existsSync(this.file) ? statSync(this.file) : null;
    const stamp = stat ? `${stat.ino} ${stat.mtimeMs} ${stat.size}` : '';
    if (stamp === this.stamp) return;
    this.stored = stat ? readKeys(this.file) : [];
    this.stamp = stamp;
  }
}

function readKeys(file: string): KnownKey[] {
  const rows = JSON.parse(readFileSync(file, 'utf8')) as StoredKey[];
  return rows.map(({ name, sha256, scopes }) => {
    const digest = Buffer.from(sha256, 'hex');
    if (digest.length !== 32) throw new ServiceError('CONFIG_INVALID', { problems: `${file}: key ${name} has no SHA-256` });
    return { name, digest, scopes: new Set(scopes) };
  });
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** Beyond loopback a key is required. @throws CONFIG_INVALID saying why. */
export function checkListening(host: string, keys: Keys): void {
  if (keys.any || isLoopback(host)) return;
  throw new ServiceError('CONFIG_INVALID', {
    problems: `listening on ${host} would let everybody write: set RELATED_PINS_KEYS, or listen on 127.0.0.1`,
  });
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}
