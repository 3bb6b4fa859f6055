import { createHmac } from 'node:crypto';

/** The name under which a user is stored. */
export type NameUser = (userId: string) => string;

const PSEUDONYM = /^~[A-Za-z0-9_-]{32}$/;
const BYTES = 24;

/**
 * Users under their own ids, or, with a secret, under a keyed digest (HMAC-SHA-256, 192 bits): who has the files but not
 * the secret can neither read an id nor try ids out. A pseudonym is its own pseudonym, so that what was stored (and what
 * `GET /v1/users` lists) can be asked for again.
 */
export function userNaming(secret: string): NameUser {
  if (secret === '') return (userId) => userId;
  return (userId) =>
    PSEUDONYM.test(userId) ? userId : `~${createHmac('sha256', secret).update(userId).digest().subarray(0, BYTES).toString('base64url')}`;
}
