import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { lockJob } from '../../src/jobs/job-lock.ts';
import { bornAt, isAlive } from '../../src/schedule/job-process.ts';
import { openJobRuns } from '../../src/schedule/job-run-store.ts';
import { setScheduled } from '../../src/schedule/schedule-file.ts';
import { Scheduler } from '../../src/schedule/scheduler.ts';
import { temporaryFolder } from '../world.ts';

const WAIT = { timeout: 100_000, interval: 50 };
/** Something to import, so that a job has something to do. */
const pinsFile = (folder: string): string => {
  const file = join(folder, 'pins.jsonl');
  writeFileSync(file, '{"id": "p1"}\n{"id": "p2"}\n');
  return file;
};

let open: Scheduler | null = null;
let bystander: ChildProcess | null = null;
afterEach(async () => {
  await open?.close();
  bystander?.kill('SIGKILL');
  open = bystander = null;
});

/** Never fires by itself within a test. */
const YEARLY = '0 0 1 1 *';

function schedulerOf(folder: string): Scheduler {
  open = new Scheduler(folder, openJobRuns(folder));
  open.start();
  return open;
}

describe('the schedule', { timeout: 240_000 }, () => {
  it('runs a job when its time has come, as a process of its own, and keeps its receipt', async () => {
    const folder = temporaryFolder();
    setScheduled(folder, 'import-catalog', { cron: '* * * * * *', flags: ['--pins', pinsFile(folder)] });
    const scheduler = schedulerOf(folder);
    await expect.poll(() => scheduler.runs(10, 'import-catalog').at(-1)?.state, WAIT).toBe('done');
    scheduler.setCron('import-catalog', null);
    const [first] = scheduler.runs(10, 'import-catalog').slice(-1);
    expect(first).toMatchObject({ cron: '* * * * * *', who: null, receipt: { pins: { read: 2, written: 2 } } });
    expect(first.pid).not.toBe(process.pid);
    const status = scheduler.status().find(({ job }) => job === 'import-catalog');
    expect(status).toMatchObject({ cron: null, nextRunAt: null, last: { job: 'import-catalog' } });
  });

  it('runs one job at a time, refuses a second run of the same, and says who asked', async () => {
    const folder = temporaryFolder();
    setScheduled(folder, 'import-catalog', { cron: YEARLY, flags: ['--pins', pinsFile(folder)] });
    const scheduler = schedulerOf(folder);
    scheduler.ask('import-catalog', 'ada');
    scheduler.ask('build-candidates', 'ada');
    expect(() => scheduler.ask('import-catalog', 'bob')).toThrow('import-catalog is already running');
    expect(() => scheduler.ask('build-candidates', 'bob')).toThrow('waiting for its turn');
    expect(() => scheduler.ask('serve', 'bob')).toThrow('no job serve');
    expect(
      scheduler
        .status()
        .map(({ state }) => state)
        .filter((state) => state !== 'idle')
        .sort(),
    ).toEqual(['running', 'waiting']);
    await expect.poll(() => scheduler.runs(10, null).map(({ state }) => state), WAIT).toEqual(['done', 'done']);
    const [second, first] = scheduler.runs(10, null);
    expect(first).toMatchObject({ job: 'import-catalog', who: 'ada', cron: null });
    expect(second.startedAt).toBeGreaterThanOrEqual(first.endedAt ?? Number.POSITIVE_INFINITY);
  });

  it('keeps why a job failed or was refused, also when somebody runs it by hand at the same time', async () => {
    const folder = temporaryFolder();
    const scheduler = schedulerOf(folder);
    scheduler.ask('train-ranker', 'ada');
    await expect.poll(() => scheduler.runs(1, 'train-ranker')[0]?.state, WAIT).toBe('refused');
    expect(scheduler.runs(1, 'train-ranker')[0].receipt).toMatchObject({ error: { code: 'RANKER_NO_PAIRS' } });
    const byHand = lockJob(folder, 'train-ranker');
    scheduler.ask('train-ranker', 'ada');
    await expect.poll(() => scheduler.runs(2, 'train-ranker').map(({ state }) => state), WAIT).toEqual(['refused', 'refused']);
    expect(scheduler.runs(1, 'train-ranker')[0].receipt).toMatchObject({ error: { code: 'JOB_RUNNING' } });
    byHand.release();
  });

  it('takes up a changed file, and keeps the one before when it is bad', async () => {
    const folder = temporaryFolder();
    const scheduler = schedulerOf(folder);
    const cronOf = (): string | null => scheduler.status().find(({ job }) => job === 'train-ranker')?.cron ?? null;
    setScheduled(folder, 'train-ranker', { cron: YEARLY, flags: [] });
    await expect.poll(cronOf, WAIT).toBe(YEARLY);
    writeFileSync(join(folder, 'schedule.json'), '{"train-ranker": {"cron": "whenever"}}');
    await expect.poll(() => scheduler.problem, WAIT).toMatch(/"whenever" is no cron expression/);
    expect(cronOf()).toBe(YEARLY);
    rmSync(join(folder, 'schedule.json'));
    await expect.poll(cronOf, WAIT).toBeNull();
    expect(scheduler.problem).toBeNull();
  });

  it('after a crash waits for the job that still runs, and calls its run lost when it is gone', async () => {
    const folder = temporaryFolder();
    bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const { pid = 0 } = bystander;
    const store = openJobRuns(folder);
    const row = { job: 'train-ranker', flags: [], cron: YEARLY, who: null, startedAt: Date.now() };
    store.begin({ ...row, pid, born: bornAt(pid) });
    // A number that was given to another process since: the job itself is gone.
    store.begin({ ...row, pid, born: 'another time' });
    store.close();
    const scheduler = schedulerOf(folder);
    scheduler.ask('build-candidates', 'ada');
    expect(scheduler.runs(10, null).map(({ state }) => state)).toEqual(['lost', 'running']);
    expect(scheduler.status().find(({ job }) => job === 'build-candidates')?.state).toBe('waiting');
    const gone = new Promise((ended) => bystander?.once('exit', ended));
    bystander.kill('SIGKILL');
    await gone;
    await expect
      .poll(() => scheduler.runs(10, null).map(({ state }) => state), WAIT)
      .toEqual([expect.not.stringMatching('running'), 'lost', 'lost']);
    expect(isAlive(pid, null)).toBe(false);
  });

  it('the lock of a job dies with its process', async () => {
    const folder = temporaryFolder();
    const held = lockJob(folder, 'train-ranker');
    expect(() => lockJob(folder, 'train-ranker')).toThrow(`process ${process.pid}`);
    lockJob(folder, 'build-candidates').release();
    held.release();
    const taking = `
      import { lockJob } from ${JSON.stringify(new URL('../../dist/src/jobs/job-lock.js', import.meta.url).href)};
      lockJob(${JSON.stringify(folder)}, 'train-ranker');
      console.log('taken');
      setInterval(() => {}, 1000);`;
    bystander = spawn(process.execPath, ['--input-type=module', '-e', taking], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((taken) => bystander?.stdout?.once('data', taken));
    expect(() => lockJob(folder, 'train-ranker')).toThrow(`process ${bystander?.pid}`);
    const gone = new Promise((ended) => bystander?.once('exit', ended));
    bystander.kill('SIGKILL');
    await gone;
    lockJob(folder, 'train-ranker').release();
  });
});
