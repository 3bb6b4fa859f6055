import { expect, it } from 'vitest';
import { createKey, revokeKey } from '../../src/access-keys.ts';
import { KeyGuesses } from '../../src/api/shell/key-guesses.ts';
import { Keys } from '../../src/api/shell/keys.ts';
import { networkOf } from '../../src/api/shell/rate-limit.ts';
import { temporaryFolder } from '../world.ts';

const bearer = (key: string): string => `Bearer ${key}`;

it('ten wrong keys a second are refused one by one, further ones unseen, right or wrong', () => {
  const folder = temporaryFolder();
  const [used, unused] = ['used', 'unused'].map((name) => createKey(folder, name, ['read']));
  const guesses = new KeyGuesses(new Keys(folder, []), 1);
  expect(guesses.find(bearer(used), '10.0.0.1', 0)?.name).toBe('used');
  for (let i = 0; i < 10; i++) expect(guesses.find(bearer(`wrong-${i}`), '10.0.0.1', 0)).toBeNull();
  expect(() => guesses.find(bearer('wrong'), '10.0.0.1', 0)).toThrow(/try again in 1 s/);
  expect(() => guesses.find(bearer(unused), '10.0.0.1', 0)).toThrow(/try again/);
  expect(guesses.find(bearer(used), '10.0.0.1', 0)?.name, 'a key that was used from there').toBe('used');
  expect(guesses.find(bearer(unused), '10.0.0.2', 0)?.name, 'from elsewhere').toBe('unused');
  expect(guesses.find(undefined, '10.0.0.1', 0)).toBeNull();
  expect(guesses.find(bearer('wrong'), '10.0.0.1', 100)).toBeNull();
  expect(guesses.find(bearer(unused), '10.0.0.1', 300)?.name).toBe('unused');
});

it('a key that was used and is revoked is one more wrong key', () => {
  const folder = temporaryFolder();
  const key = createKey(folder, 'shop', ['read']);
  const guesses = new KeyGuesses(new Keys(folder, []), 1);
  expect(guesses.find(bearer(key), '10.0.0.1', 0)?.name).toBe('shop');
  revokeKey(folder, 'shop');
  expect(guesses.find(bearer(key), '10.0.0.1', 0)).toBeNull();
});

it('a share of the processes has a share of the guesses', () => {
  const guesses = new KeyGuesses(new Keys(temporaryFolder(), []), 0.2);
  for (let i = 0; i < 2; i++) expect(guesses.find(bearer('wrong'), '10.0.0.1', 0)).toBeNull();
  expect(() => guesses.find(bearer('wrong'), '10.0.0.1', 0)).toThrow(/try again/);
});

it('one customer of IPv6 is one caller', () => {
  expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe(networkOf('2001:db8:1:2::9'));
  expect(networkOf('2001:db8:1:2::9')).not.toBe(networkOf('2001:db8:1:3::9'));
  expect([networkOf('::ffff:10.0.0.1'), networkOf('10.0.0.1')]).toEqual(['10.0.0.1', '10.0.0.1']);
});
