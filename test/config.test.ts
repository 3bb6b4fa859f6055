import { describe, expect, it } from 'vitest';
import { readsNeedKey } from '../src/api/shell/keys.ts';
import { readConfig, SETTINGS, strangeSettings } from '../src/config.ts';
import { ServiceError } from '../src/errors.ts';

const KEY = 'a-key-of-24-characters--';

describe('settings', () => {
  it('have defaults that work, are typed and frozen', () => {
    const config = readConfig({});
    expect(config.port).toBe(8080);
    expect(config.keys).toEqual([]);
    expect(config.imagePrivateUrls).toBe(false);
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('come from the environment; flags win', () => {
    const config = readConfig({ RELATED_PINS_PORT: '9', RELATED_PINS_KEYS: `${KEY}, ${KEY}-too`, RELATED_PINS_DATA: '/x' }, { data: '/y' });
    expect([config.port, config.keys, config.data]).toEqual([9, [KEY, `${KEY}-too`], '/y']);
  });

  it('keys that could be guessed are refused without being said back', () => {
    expect(() => readConfig({ RELATED_PINS_KEYS: `${KEY},x7f3` })).toThrow(/RELATED_PINS_KEYS must have 24 characters at least each/);
    expect(() => readConfig({ RELATED_PINS_KEYS: `${KEY},x7f3` })).not.toThrow(/x7f3/);
  });

  it('origins, proxies and whether reading needs a key are checked', () => {
    const wrong = { RELATED_PINS_ORIGINS: 'shop.example', RELATED_PINS_PROXIES: 'proxy', RELATED_PINS_READ_KEY_REQUIRED: 'maybe' };
    expect(() => readConfig(wrong)).toThrow(/RELATED_PINS_ORIGINS.*RELATED_PINS_PROXIES.*RELATED_PINS_READ_KEY_REQUIRED/);
    const right = { RELATED_PINS_ORIGINS: 'https://shop.example,http://localhost:3000', RELATED_PINS_PROXIES: '10.0.0.0/8,::1' };
    expect(readConfig(right).origins).toHaveLength(2);
  });

  it('reading asks for a key beyond loopback unless it is said otherwise', () => {
    const needs = (env: NodeJS.ProcessEnv) => readsNeedKey(readConfig(env));
    expect(needs({})).toBe(false);
    expect(needs({ RELATED_PINS_HOST: '0.0.0.0' })).toBe(true);
    expect(needs({ RELATED_PINS_HOST: '0.0.0.0', RELATED_PINS_READ_KEY_REQUIRED: 'false' })).toBe(false);
    expect(needs({ RELATED_PINS_READ_KEY_REQUIRED: 'true' })).toBe(true);
    // Through a proxy on this machine everybody comes from loopback.
    expect(needs({ RELATED_PINS_PROXIES: '127.0.0.1' })).toBe(true);
    expect(needs({ RELATED_PINS_HOSTS: 'pins.example' })).toBe(true);
    expect(needs({ RELATED_PINS_HOSTS: 'localhost' })).toBe(false);
    expect(needs({ RELATED_PINS_PROXIES: '127.0.0.1', RELATED_PINS_READ_KEY_REQUIRED: 'false' })).toBe(false);
  });

  it.each([' '.repeat(24), ',', 'ключ-из-двадцати-четырёх-букв', 'a key with spaces within it'])('%j is no key', (keys) => {
    expect(() => readConfig({ RELATED_PINS_KEYS: keys })).toThrow(/RELATED_PINS_KEYS/);
    expect(readConfig({ RELATED_PINS_KEYS: '' }).keys).toEqual([]);
  });

  it('a wrong environment is refused with every problem at once', () => {
    try {
      readConfig({ RELATED_PINS_PORT: 'eighty', RELATED_PINS_SHUFFLED_SHARE: '2', RELATED_PINS_SYNCHRONOUS: 'OFF' });
      expect.unreachable();
    } catch (error) {
      expect((error as ServiceError).code).toBe('CONFIG_INVALID');
      expect((error as ServiceError).message).toMatch(
        /RELATED_PINS_PORT.*RELATED_PINS_SYNCHRONOUS.*RELATED_PINS_SHUFFLED_SHARE|RELATED_PINS_PORT.*RELATED_PINS_SHUFFLED_SHARE/,
      );
    }
  });

  it.each([
    ['PORT', '-5', 'must lie within 0..65535, it is -5'],
    ['PORT', '70000', 'must lie within 0..65535, it is 70000'],
    ['WORKERS', '-3', 'must lie within 1..256, it is -3'],
    ['LOG_LEVEL', 'loud', 'must be fatal, error, warn, info, debug, trace or silent, it is "loud"'],
    ['MAX_IN_FLIGHT', '0', 'must lie within 1..1000000, it is 0'],
    ['CANDIDATE_LIMIT', '1.5', 'must be a whole number, it is "1.5"'],
    ['DRAIN_MS', '900', 'is no setting any more: it is always 500'],
    ['INFERENCE_BATCH', '8', 'is no setting any more: use --batch of extract-features'],
    ['CATEGORIES', '/no/such/file', 'must be a JSON file with a list of names, it is "/no/such/file"'],
    ['COOCCURRENCE_METHOD', 'cosine', 'is no setting any more: use --method of build-candidates'],
  ])('RELATED_PINS_%s=%s is refused at the start', (name, value, reason) => {
    expect(() => readConfig({ [`RELATED_PINS_${name}`]: value })).toThrow(`RELATED_PINS_${name} ${reason}`);
  });

  it('a name that looks like a setting and is none is told; what Kubernetes sets is not', () => {
    const env = { RELATED_PINS_WORKER: '2', RELATED_PINS_WORKERS: '2', RELATED_PINS_SERVICE_HOST: '10.0.0.1', PATH: '' };
    expect(strangeSettings(env)).toEqual(['RELATED_PINS_WORKER']);
  });

  it('every default is allowed, and every number says its range', () => {
    expect(() => readConfig({})).not.toThrow();
    const numbers = Object.values(SETTINGS).filter(({ kind }) => kind === 'integer' || kind === 'number');
    expect(numbers.filter((row) => row.range === undefined).map(({ env }) => env)).toEqual([]);
  });
});
