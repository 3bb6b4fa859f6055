import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { appendAudit } from '../src/audit-trail.ts';
import { temporaryFolder } from './world.ts';

it('the trail is cut at a size, old files are few, and subjects are short', () => {
  const folder = temporaryFolder();
  for (let i = 0; i < 300; i++) appendAudit(folder, { who: 'page', action: 'POST', subject: `${i} ${'a'.repeat(2000)}` }, 2000);
  const files = readdirSync(folder).sort();
  expect(files).toEqual(['audit.1.jsonl', ...[2, 3, 4, 5, 6, 7].map((age) => `audit.${age}.jsonl`), 'audit.jsonl']);
  for (const file of files) expect(statSync(join(folder, file)).size).toBeLessThan(2400);
  const lines = readFileSync(join(folder, 'audit.jsonl'), 'utf8').trim().split('\n');
  expect((JSON.parse(lines.at(-1) ?? '') as { subject: string }).subject).toMatch(/^299 a{196}$/);
  expect((statSync(join(folder, 'audit.jsonl')).mode & 0o777).toString(8)).toBe('600');
});
