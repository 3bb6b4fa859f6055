import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { JOBS as LAB } from '../../lab/studies/table.ts';
import { REJECTION_REASONS } from '../../src/catalog/pins/records.ts';
import { SETTINGS } from '../../src/config.ts';
import { ERRORS } from '../../src/errors.ts';
import { JOBS } from '../../src/jobs/table.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe('documents say what the code says', () => {
  it('docs/ERRORS.md lists every code with its status, and no other', () => {
    const listed = [...read('docs/ERRORS.md').matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)].map((row) => `${row[1]} ${row[2]}`);
    expect(listed.sort()).toEqual(
      Object.entries(ERRORS)
        .map(([code, { status }]) => `${code} ${status}`)
        .sort(),
    );
  });

  it('docs/ERRORS.md lists every reason for which a row stays out, and no other', () => {
    const listed = [...read('docs/ERRORS.md').matchAll(/^\| `([A-Z0-9_]+)` \| (?!\d)/gm)].map((row) => row[1]);
    expect(listed).toEqual([...REJECTION_REASONS]);
  });

  it('.env.example lists every setting with its default', () => {
    const listed = [...read('.env.example').matchAll(/^#?\s?(RELATED_PINS_\w+)=(.*)$/gm)].map((row) => `${row[1]}=${row[2]}`);
    expect(listed).toEqual(Object.values(SETTINGS).map((row) => `${row.env}=${row.default}`));
  });

  it('the README table lists every setting', () => {
    const listed = [...read('README.md').matchAll(/^\| `(RELATED_PINS_\w+)` \|/gm)].map((row) => row[1]);
    expect(listed).toEqual(Object.values(SETTINGS).map((row) => row.env));
  });

  it('every job of the command line is named in the README', () => {
    const jobs = [...JOBS, ...LAB].map(([name]) => name);
    expect(jobs.length).toBeGreaterThan(0);
    expect(jobs.filter((job) => !read('README.md').includes(job))).toEqual([]);
  });

  it('every bench has a README', () => {
    const benches = ['closeup', 'events', 'rank', 'hamming', 'cooccurrence', 'rank-svm', 'import'].filter((name) =>
      existsSync(join(ROOT, 'bench', name, 'run.ts')),
    );
    expect(benches.filter((name) => !existsSync(join(ROOT, 'bench', name, 'README.md')))).toEqual([]);
  });

  it('the lock file carries no download addresses', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved":\s*"http/);
  });
});
