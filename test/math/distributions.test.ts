import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as distributions from '../../src/math/distributions.ts';

interface Row {
  readonly function: keyof typeof distributions;
  readonly args: readonly (number | string)[];
  readonly value: number;
}

const rows = JSON.parse(readFileSync(new URL('../cases/distributions.json', import.meta.url), 'utf8')) as Row[];

describe('distributions agree with scipy', () => {
  for (const name of [...new Set(rows.map((row) => row.function))]) {
    test(name, () => {
      const call = distributions[name] as (...args: readonly (number | string)[]) => number;
      for (const row of rows.filter((each) => each.function === name)) {
        const got = call(...row.args);
        expect(Math.abs(got - row.value), `${name}(${row.args.join(', ')}) = ${got}, scipy ${row.value}`).toBeLessThanOrEqual(
          Math.max(1e-9 * Math.abs(row.value), 1e-300),
        );
      }
    });
  }

  test('a count outside its trials is refused', () => {
    expect(() => distributions.binomialTest(11, 10, 0.5)).toThrow(RangeError);
  });
});
