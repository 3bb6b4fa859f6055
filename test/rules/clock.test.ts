import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const TESTS = join(import.meta.dirname, '..');

test('no test asserts by the clock: a busy machine makes such a test fail, a fast one makes it pass', () => {
  const clock = /expect\((?:performance|Date)\.now\(|\b(?:elapsed|took)\w*\)\.toBe|\w+Ms\)\.toBe(?:Less|Greater)Than/;
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.test.ts') && !file.includes('clock'),
  );
  const found = files.flatMap((file) =>
    readFileSync(join(TESTS, file), 'utf8')
      .split('\n')
      .flatMap((line, at) => (clock.test(line) ? [`${file}:${at + 1} ${line.trim()}`] : [])),
  );
  expect(files.length).toBeGreaterThan(100);
  expect(found).toEqual([]);
});
