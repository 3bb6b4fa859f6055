import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { JOBS as LAB } from '../lab/studies/table.ts';
import { JOBS } from '../src/jobs/table.ts';

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

  it('every job has a name, a summary, examples that call it, and help', async () => {
    expect(JOBS.length).toBeGreaterThan(5);
    const tables = [...JOBS.map((row) => ({ row, command: 'related-pins' })), ...LAB.map((row) => ({ row, command: 'npm run lab --' }))];
    for (const { row, command } of tables) {
      const [name, , load] = row;
      const { job } = await load();
      expect(job.name).toBe(name);
      expect(job.summary.length, name).toBeGreaterThan(10);
      expect(
        job.examples.some((example) => example.includes(`${command} ${name}`) || example.includes(`npm run ${name}`)),
        name,
      ).toBe(true);
    }
    const help = run('import-catalog', '--help');
    expect(help.status).toBe(0);
    expect(help.stdout).toContain('Examples:');
  });

  it('a wrong flag or number exits 2, says which, and where help is; with --json in one line too', () => {
    const flag = run('import-catalog', '--no-such-flag');
    expect(flag.status).toBe(2);
    expect(flag.stderr).toContain("unknown option '--no-such-flag'");
    expect(flag.stderr).toContain('related-pins import-catalog --help');
    const number = run('serve', '--workers', 'several', '--json');
    expect(number.status).toBe(2);
    expect(number.stderr).toContain("option '--workers <n>' argument 'several' is invalid. A whole number is needed.");
    expect(JSON.parse(number.stdout)).toMatchObject({ error: { code: 'JOB_USAGE' } });
  });

  it('what is no choice of a flag, no time, or out of its range is refused before any work, with what there is', () => {
    const refused = [
      [['build-candidates', '--method', 'voting'], 'It must be one of count, cosine, jaccard, p3alpha, rp3beta, auto.'],
      [['train-ranker', '--sets', 'control,moon'], 'It must be one of control, visual, cross, object, vectors.'],
      [['train-ranker', '--from', 'yesterday'], 'A time is needed (ISO 8601).'],
      [['train-ranker', '--c', '0'], 'It must be above 0.'],
      [['import-net', 'x.onnx', '--objectness-min', '2'], 'It must lie within 0..1.'],
      [['ramp-experiment', 'e', '--traffic', '2'], 'It must lie within 0..1.'],
    ] as const;
    for (const [args, reason] of refused) {
      const { status, stderr } = run(...args);
      expect(status, stderr).toBe(2);
      expect(stderr).toContain(reason);
    }
  });

  it('a port that is none is refused before any work, and help names the data folder of the job', () => {
    for (const args of [['serve'], ['open', import.meta.dirname]]) {
      const { status, stderr } = run(...args, '--port', '99999');
      expect(status).toBe(2);
      expect(stderr).toContain("argument '99999' is invalid. It must lie within 0..65535.");
    }
    expect(run('open', '--help').stdout.replace(/\s+/g, ' ')).toContain('the data folder (default: .related-pins in the folder)');
    expect(run('serve', '--help').stdout.replace(/\s+/g, ' ')).toContain('the data folder (default: RELATED_PINS_DATA, then ./var)');
  });

  it('the beginning of a name is enough to be told the job', () => {
    expect(run('serv').stderr).toContain('Did you mean serve?');
  });

  it('a reader that has seen enough is no failure', () => {
    const { status, stdout, stderr } = spawnSync('bash', ['-c', `(sleep 1; node "$0" --help) | true; echo "\${PIPESTATUS[0]}"`, CLI], {
      encoding: 'utf8',
    });
    expect([status, stdout.trim(), stderr]).toEqual([0, '0', '']);
  });
});
