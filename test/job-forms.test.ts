import { describe, expect, it } from 'vitest';
import { JOBS } from '../src/jobs/table.ts';
import { flagsOf, JOB_FORMS, valuesOf } from '../src/schedule/job-forms.ts';
import { SCHEDULABLE_JOBS } from '../src/schedule/schedule-file.ts';

describe('what may be asked of a job over HTTP', () => {
  it.each(SCHEDULABLE_JOBS)('%s: every field is a flag or argument of the job, and names no file or folder', async (name) => {
    const row = JOBS.find(([each]) => each === name);
    const { job } = await row![2]();
    for (const field of JOB_FORMS[name].fields) {
      if (field.kind === 'argument') {
        expect(job.args?.map(({ form }) => form.replace(/[<>[\]]/g, ''))).toContain(field.name);
        continue;
      }
      const option = job.options.find(({ flag }) => flag.split(' ')[0] === `--${field.name}`);
      expect(option, field.name).toBeDefined();
      expect(/ /.test(option!.flag), `${field.name} takes a value`).toBe(field.kind !== 'flag');
      expect(option!.flag).not.toMatch(/<(file|folder)>/);
    }
    const required = job.options.filter((option) => option.required === true).map(({ flag }) => flag.split(' ')[0].slice(2));
    expect(required.filter((flag) => !JOB_FORMS[name].fields.some((field) => field.name === flag))).toEqual([]);
  });

  it('makes words of values and values of words', () => {
    const values = { surface: 'closeup', holdout: 0.1, 'choose-c': true, from: '' };
    const flags = flagsOf('train-ranker', values);
    expect(flags).toEqual(['--surface=closeup', '--holdout=0.1', '--choose-c']);
    expect(valuesOf('train-ranker', flags)).toEqual({ surface: 'closeup', holdout: '0.1', 'choose-c': true });
    expect(valuesOf('train-ranker', ['--holdout', '0.2'])).toEqual({ holdout: '0.2' });
    expect(valuesOf('train-ranker', ['--report', '/tmp/x.html'])).toBeNull();
    expect(flagsOf('report-experiment', { key: 'e', rebuild: true })).toEqual(['e', '--rebuild']);
  });

  it.each([
    ['train-ranker', { report: '/etc/x' }, 'takes no report'],
    ['train-ranker', { holdout: 'a tenth' }, 'holdout must be a number'],
    ['train-ranker', { surface: 'moon' }, 'one of closeup'],
    ['extract-features', { workers: '1.5' }, 'whole number'],
    ['report-experiment', {}, 'needs key'],
    ['report-experiment', { key: '--csv' }, 'dash'],
    ['refresh', { 'no-objects': 'yes' }, 'true or false'],
  ])('%s refuses %j', (job, values, says) => {
    expect(() => flagsOf(job, values)).toThrow(says);
  });
});
