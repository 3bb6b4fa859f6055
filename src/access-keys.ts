/**
 * Scoped keys in `keys.json` of a data folder. A key is 256 random bits and is shown once; kept is its SHA-256 alone.
 * Choice: no salt and no slow hash, because nobody guesses 256 random bits; what is looked up on every request stays cheap.
 * The file is swapped by rename, so a running server reads the old keys or the new ones.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf, ServiceError } from './errors.ts';
import { replaceFile } from './swapped-file.ts';

/** `people`: what is stored about single users. `lists`: what nodes have served. */
export const SCOPES = ['read', 'people', 'events', 'catalogue', 'lists', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

interface StoredKey {
  readonly name: string;
  /** Hex SHA-256 of the key. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
  /** ISO 8601. */
  readonly createdAt?: string;
}

export const KEYS_FILE = 'keys.json';
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export function digestOfKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** The keys of a data folder; none before the first was made. @throws CONFIG_INVALID when the file is damaged. */
export function readKeys(dataFolder: string): readonly StoredKey[] {
  const file = join(dataFolder, KEYS_FILE);
  if (!existsSync(file)) return [];
  const refuse = (reason: string): ServiceError => new ServiceError('CONFIG_INVALID', { problems: `${file}: ${reason}` });
  let rows: unknown;
  try {
    rows = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw refuse(reasonOf(error));
  }
  if (!Array.isArray(rows)) throw refuse('it is no list of keys');
  for (const row of rows as Partial<StoredKey>[]) {
    if (typeof row?.name !== 'string') throw refuse('a key has no name');
    if (!/^[0-9a-f]{64}$/.test(row.sha256 ?? '')) throw refuse(`key ${row.name} has no SHA-256`);
    const strange = Array.isArray(row.scopes) ? row.scopes.find((scope) => !SCOPES.includes(scope)) : 'none';
    if (strange !== undefined) throw refuse(`key ${row.name} has the scope ${strange}; there are: ${SCOPES.join(', ')}`);
  }
  return rows as StoredKey[];
}

/** Makes a key and keeps its digest. The text that is returned can not be had again. */
export function createKey(dataFolder: string, name: string, scopes: readonly string[]): string {
  const usage = (reason: string): ServiceError => new ServiceError('JOB_USAGE', { reason });
  if (!NAME.test(name)) throw usage('A key name has 1 to 100 letters, digits, dots, dashes and underscores.');
  const strange = scopes.find((scope) => !(SCOPES as readonly string[]).includes(scope));
  if (strange !== undefined || scopes.length === 0) {
    throw usage(`${strange === undefined ? 'Name a scope' : `There is no scope ${strange}`}; there are: ${SCOPES.join(', ')}.`);
  }
  const keys = readKeys(dataFolder);
  if (keys.some((key) => key.name === name)) throw usage(`A key named ${name} exists; revoke it first, or choose another name.`);
  const key = `rp_${randomBytes(32).toString('base64url')}`;
  const stored = {
    name,
    sha256: digestOfKey(key).toString('hex'),
    scopes: scopes as readonly Scope[],
    createdAt: new Date().toISOString(),
  };
  writeKeys(dataFolder, [...keys, stored]);
  return key;
}

/** Takes a key back: requests with it are refused from then on. */
export function revokeKey(dataFolder: string, name: string): StoredKey {
  const keys = readKeys(dataFolder);
  const gone = keys.find((key) => key.name === name);
  if (!gone) {
    const known = keys.map((key) => key.name).join(', ') || 'none';
    throw new ServiceError('NOTHING_TO_DO', { reason: `There is no key named ${name}; there are: ${known}.` });
  }
  writeKeys(
    dataFolder,
    keys.filter((key) => key !== gone),
  );
  return gone;
}

/** The key file as it stands, to be laid beside a copy of the data; empty when there is none. */
export function keysText(dataFolder: string): string {
  const file = join(dataFolder, KEYS_FILE);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** Puts a key file that another machine has in the place of the one that is here. */
export function putKeysText(dataFolder: string, text: string): void {
  if (text === '') rmSync(join(dataFolder, KEYS_FILE), { force: true });
  else replaceFile(join(dataFolder, KEYS_FILE), text, 0o600);
}

/** The SHA-256 of a key file, in hex. */
export function keysDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function writeKeys(dataFolder: string, keys: readonly StoredKey[]): void {
  replaceFile(join(dataFolder, KEYS_FILE), `${JSON.stringify(keys, null, 1)}\n`, 0o600);
}
