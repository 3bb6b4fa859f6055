import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { counted } from '../../src/counted.ts';
import { job as findMarks } from '../../src/jobs/search/find-marks.ts';

const JOBS = join(import.meta.dirname, '../../src/jobs');
const NOUNS =
  'boards|boxes|bytes|crops|days|detections|dimensions|dots|entries|events|features|files|images|iterations|judgements|key points|labels|' +
  'lists|marks|metrics|numbers|objects|pairs|photos|pictures|pins|queries|rows|saves|tasks|times|units|users|vectors|words';
/** A count that is no constant, and a word for several after it. Columns of a table are padded: there the word is a heading. */
const SEVERAL = new RegExp(String.raw`\$\{(?![A-Z_]+\})[\w.?]+\} (${NOUNS})\b`, 'g');
/** Shares of a number that is several. */
const ALLOWED = new Set(['${seen.length} lists']);

test('a count has the word of its number', () => {
  expect([0, 1, 2].map((count) => counted(count, 'label'))).toEqual(['0 labels', '1 label', '2 labels']);
  expect([1, 3].map((count) => counted(count, 'query', 'queries'))).toEqual(['1 query', '3 queries']);
});

test('find-marks says one label, one mark and one pin', () => {
  const one = { read: 1, looked: 1, compared: 1, refused: {}, postponed: 0, unchanged: 0, marks: 1, pins: 1, labels: 1, seconds: 1 };
  expect(findMarks.describe!(one)).toEqual([
    '1 picture: 1 looked at, 1 compared with 1 label',
    '1 mark on 1 pin: the page has a chip for each label, requests ask by filter=mark=LABEL',
  ]);
});

test('the messages of jobs write no count before a word for several by hand', () => {
  const files = readdirSync(JOBS, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(50);
  const found = files.flatMap((name) => readFileSync(join(JOBS, name), 'utf8').match(SEVERAL) ?? []);
  expect(found.filter((text) => !ALLOWED.has(text))).toEqual([]);
});
