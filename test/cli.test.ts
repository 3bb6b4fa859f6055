import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const CLI = join(import.meta.dirname, '../dist/src/cli.js');
const run = (...args: string[]) => spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8' });

describe('the command line', () => {
  it('lists its jobs and says its version', () => {
    const help = run('--help');
    expect(help.status).toBe(0);
    expect(help.stdout).toContain('import-catalog');
    expect(run('--version').stdout).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('an unknown job is refused with the near ones named', () => {
    const wrong = run('import-catalogue');
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('import-catalog');
  });

  it('every job has a summary and examples in its help', () => {
    const names = [...run('--help').stdout.matchAll(/^ {2}([a-z]+(?:-[a-z]+)*)\s/gm)].map((row) => row[1]);
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) {
      const help = run(name, '--help');
      expect(help.status, name).toBe(0);
      expect(help.stdout, name).toContain('Examples:');
      expect(help.stdout, name).toContain(`related-pins ${name}`);
    }
  });

  it('a wrong flag exits 2', () => {
    expect(run('import-catalog', '--no-such-flag').status).toBe(2);
  });
});
