import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SOURCES = join(import.meta.dirname, '../../src');
/** Texts in quotes or backticks. */
const TEXTS = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g;
/** SQLite weighs ways to such an answer (src/catalog/database.ts). */
const WEIGHED = /\b(?:ORDER BY|GROUP BY|SELECT DISTINCT|JOIN|LIMIT)\b/;
/** A parameter that it may look at while it does. */
const BARE = /(?:[=<>]|\bLIMIT)\s*[?@]/;

test('statements that SQLite plans keep their plan: without a plus before a parameter it plans again at each call', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const texts = files.flatMap((file) =>
    (readFileSync(join(SOURCES, file), 'utf8').match(TEXTS) ?? []).map((text) => ({ file, text: text.replace(/\s+/g, ' ') })),
  );
  const weighed = texts.filter(({ text }) => WEIGHED.test(text));
  expect(weighed.length).toBeGreaterThan(40);
  expect(weighed.filter(({ text }) => BARE.test(text)).map(({ file, text }) => `${file}: ${text}`)).toEqual([]);
});
