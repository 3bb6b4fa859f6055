import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nextRunOf, readSchedule, scheduledJob, setScheduled } from '../../src/schedule/schedule-file.ts';
import { temporaryFolder } from '../world.ts';

describe('schedule file', () => {
  const folder = temporaryFolder();

  it('is empty where there is none, and keeps the other lines when one is set or taken away', () => {
    expect(readSchedule(folder)).toEqual({});
    setScheduled(folder, 'train-ranker', { cron: '0 3 * * *', flags: ['--holdout', '0.1'] });
    setScheduled(folder, 'build-candidates', { cron: '30 2 * * *', flags: [] });
    setScheduled(folder, 'build-candidates', null);
    expect(readSchedule(folder)).toEqual({ 'train-ranker': { cron: '0 3 * * *', flags: ['--holdout', '0.1'] } });
    expect(JSON.parse(readFileSync(join(folder, 'schedule.json'), 'utf8'))).toHaveProperty('train-ranker');
  });

  it.each([
    ['{', /schedule\.json: /],
    ['[]', /no record by job name/],
    ['{"serve": {"cron": "* * * * *"}}', /no job serve that can be scheduled/],
    ['{"train-ranker": {}}', /train-ranker has no cron expression/],
    ['{"train-ranker": {"cron": "61 * * * *"}}', /no cron expression/],
    ['{"train-ranker": {"cron": "0 3 * * *", "flags": ["--data=/"]}}', /given --data=\/ by the schedule itself/],
    ['{"train-ranker": {"cron": "0 0 30 2 *"}}', /names no time to come/],
  ])('refuses %s', (text, reason) => {
    const bad = temporary();
    writeFileSync(join(bad, 'schedule.json'), text);
    expect(() => readSchedule(bad)).toThrow(reason);
  });

  it('counts in UTC, whatever the clock of the machine says', () => {
    expect(new Date(nextRunOf('0 3 * * *', Date.UTC(2026, 2, 28, 3, 0, 0))).toISOString()).toBe('2026-03-29T03:00:00.000Z');
    expect(nextRunOf('*/5 * * * * *', 1_000)).toBe(5_000);
    expect(scheduledJob('train-ranker', { cron: '@daily' })).toEqual({ cron: '@daily', flags: [] });
  });
});

const temporary = (() => {
  let count = 0;
  const root = temporaryFolder();
  return (): string => {
    const folder = join(root, String(count++));
    setScheduled(folder, 'train-ranker', null);
    return folder;
  };
})();
