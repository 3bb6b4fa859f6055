/**
 * Keys and what they may do, compared in constant time. Keys of the settings may do everything; scoped ones stand in
 * `keys.json` of the data folder (access-keys.ts) and are read anew when that file changes.
 */
import { timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import ipaddr from 'ipaddr.js';
import { digestOfKey, KEYS_FILE, readKeys, type Scope, SCOPES } from '../../access-keys.ts';
import { ServiceError } from '../../errors.ts';
import { stampOf } from '../../swapped-file.ts';

export interface KnownKey {
  readonly name: string;
  readonly digest: Buffer;
  readonly scopes: ReadonlySet<Scope>;
}

export class Keys {
  private readonly dataFolder: string;
  private readonly configured: readonly KnownKey[];
  private stored: readonly KnownKey[] = [];
  private stamp = '';
  /** Once there was a key file the doors stay closed, also when the last key was revoked or the file is damaged. */
  private guarded = false;

  constructor(dataFolder: string, configured: readonly string[]) {
    this.dataFolder = dataFolder;
    this.configured = configured.map((key, i) => ({ name: `setting-${i + 1}`, digest: digestOfKey(key), scopes: new Set(SCOPES) }));
    this.reload();
  }

  /** Whether keys are asked for: without any, everything is open (and the server stays on loopback). */
  get any(): boolean {
    this.reload();
    return this.guarded || this.configured.length > 0;
  }

  /** The key in an Authorization header; null: none came, or one that nobody knows. */
  find(header: string | undefined): KnownKey | null {
    const text = /^Bearer\s+(\S+)\s*$/i.exec(header ?? '')?.[1];
    if (text === undefined) return null;
    const digest = digestOfKey(text);
    let found: KnownKey | null = null;
    for (const key of [...this.configured, ...this.stored]) if (timingSafeEqual(key.digest, digest)) found = key;
    return found;
  }

  private reload(): void {
    const stamp = stampOf(join(this.dataFolder, KEYS_FILE));
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    this.guarded ||= stamp !== '';
    this.stored = [];
    this.stored = readKeys(this.dataFolder).map(({ name, sha256, scopes }) => {
      return { name, digest: Buffer.from(sha256, 'hex'), scopes: new Set(scopes) };
    });
  }
}

/** Whether a key may do it. @throws REQUEST_UNAUTHORIZED, REQUEST_FORBIDDEN */
export function checkScope(key: KnownKey | null, scope: Scope): void {
  if (key === null) throw new ServiceError('REQUEST_UNAUTHORIZED');
  if (!key.scopes.has(scope)) throw new ServiceError('REQUEST_FORBIDDEN', { scope });
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
