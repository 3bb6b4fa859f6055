/**
 * Keys and what they may do, compared in constant time. Keys of the settings may do everything; scoped ones stand in
 * `keys.json` of the data folder (access-keys.ts), which is read again when it changes.
 */
import { timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { digestOfKey, KEYS_FILE, readKeys, type Scope, SCOPES } from '../../access-keys.ts';
import type { Config } from '../../config.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { stampOf } from '../../swapped-file.ts';
import { hostNameOf, isLoopbackName } from './host-name.ts';

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
  /** Called when the key file can't be read: no stored key is known until it is mended. For the operator, never for a caller. */
  onProblem: ((reason: string) => void) | null = null;

  /** @throws CONFIG_INVALID when the key file is damaged: a server does not start with it. */
  constructor(dataFolder: string, configured: readonly string[]) {
    this.dataFolder = dataFolder;
    this.configured = configured.map((key, i) => ({ name: `setting-${i + 1}`, digest: digestOfKey(key), scopes: new Set(SCOPES) }));
    this.reload();
    if (this.stored.length === 0) readKeys(dataFolder);
  }

  /** Whether keys are asked for: without any, everything is open (and the server stays on loopback). */
  get any(): boolean {
    if (this.guarded || this.configured.length > 0) return true;
    this.reload();
    return this.guarded;
  }

  /** The key in an Authorization header; null: none came, or one that nobody knows. */
  find(header: string | undefined): KnownKey | null {
    const text = /^Bearer\s+(\S+)\s*$/i.exec(header ?? '')?.[1];
    if (text === undefined) return null;
    this.reload();
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
    try {
      this.stored = readKeys(this.dataFolder).map(({ name, sha256, scopes }) => {
        return { name, digest: Buffer.from(sha256, 'hex'), scopes: new Set(scopes) };
      });
    } catch (error) {
      this.onProblem?.(reasonOf(error));
    }
  }
}

/** Whether a key may do it. @throws REQUEST_UNAUTHORIZED, REQUEST_FORBIDDEN */
export function checkScope(key: KnownKey | null, scope: Scope): void {
  if (key === null) throw new ServiceError('REQUEST_UNAUTHORIZED');
  if (!key.scopes.has(scope)) throw new ServiceError('REQUEST_FORBIDDEN', { scope });
}

/** Beyond loopback a key is required. @throws CONFIG_INVALID saying why. */
export function checkListening(host: string, keys: Keys): void {
  if (keys.any || isLoopbackName(host)) return;
  throw new ServiceError('CONFIG_INVALID', {
    problems: `listening on ${host} would let everybody write: set RELATED_PINS_KEYS, or listen on 127.0.0.1`,
  });
}

/**
 * Whether reading asks for a key as well, once there are keys: as the setting says, else wherever others than this machine may
 * ask. They may beyond loopback, through a proxy, and under any name that leads here from elsewhere.
 */
export function readsNeedKey(config: Pick<Config, 'readKeyRequired' | 'host' | 'proxies' | 'hosts'>): boolean {
  const { readKeyRequired, host, proxies, hosts } = config;
  if (readKeyRequired !== 'auto') return /^(true|1|yes)$/.test(String(readKeyRequired));
  return !isLoopbackName(host) || proxies.length > 0 || hosts.some((name) => !isLoopbackName(hostNameOf(name)));
}
