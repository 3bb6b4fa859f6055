import { createHmac } from 'node:crypto';

/** The name under which a user is stored. */
export type NameUser = (userId: string) => string;

/** Secrets in the order in which they were in use, the present one last; one alone as text; none or an empty text: ids as they come. */
export type UserSecrets = string | readonly string[];

/** `~` and a digest; from the second secret on with its place among them: `~2.`. */
const PSEUDONYM = /^~(?:([1-9]\d{0,2})\.)?[A-Za-z0-9_-]{32}$/;
const BYTES = 24;

/**
 * Users under their own ids, or, with a secret, under a keyed digest (HMAC-SHA-256, 192 bits): who has the files but not
 * the secret can neither read an id nor try ids out. With several secrets each digests the name that the one before gave, so
 * that names stored under an earlier secret can be brought forward without the ids. A name is its own name, so that what was
 * stored (and what `GET /v1/users` lists) can be asked for again.
 */
export function userNaming(secrets: UserSecrets): NameUser {
  const keys = [secrets].flat().filter((secret) => secret !== '');
  return (userId) => {
    const stored = PSEUDONYM.exec(userId);
    let name = userId;
    for (let used = stored ? Number(stored[1] ?? 1) : 0; used < keys.length; used++) name = pseudonym(keys[used], name, used + 1);
    return name;
  };
}

function pseudonym(key: string, name: string, place: number): string {
  const digest = createHmac('sha256', key).update(name).digest().subarray(0, BYTES).toString('base64url');
  return place === 1 ? `~${digest}` : `~${place}.${digest}`;
}

/** The secrets of the settings. */
export function secretsOf({
  userKey,
  userKeysBefore,
}: {
  readonly userKey: string;
  readonly userKeysBefore: readonly string[];
}): UserSecrets {
  return userKey === '' ? '' : [...userKeysBefore, userKey];
}

/** Every name a user may be stored under: the id itself, and what each of the secrets so far made of it. */
export function storedNames(userId: string, secrets: UserSecrets): readonly string[] {
  const keys = [secrets].flat().filter((secret) => secret !== '');
  return [...new Set([userId, ...keys.map((_, last) => userNaming(keys.slice(0, last + 1))(userId))])];
}
