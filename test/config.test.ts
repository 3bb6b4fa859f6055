import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { ServiceError } from '../src/errors.ts';

describe('settings', () => {
  it('have defaults that work, are typed and frozen', () => {
    const config = readConfig({});
    expect(config.port).toBe(8080);
    expect(config.keys).toEqual([]);
    expect(config.imagePrivateUrls).toBe(false);
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('come from the environment; flags win', () => {
    const config = readConfig({ RELATED_PINS_PORT: '9', RELATED_PINS_KEYS: 'a, b', RELATED_PINS_DATA: '/x' }, { data: '/y' });
    expect([config.port, config.keys, config.data]).toEqual([9, ['a', 'b'], '/y']);
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
});
