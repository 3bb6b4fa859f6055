import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { replayFolder } from '../../src/catalog/log/replayed-list.ts';
import { readConfig } from '../../src/config.ts';
import { job as pruneLog } from '../../src/jobs/log/prune-log.ts';
import { job as reportLog } from '../../src/jobs/log/report-log.ts';
import { SILENT } from '../../src/progress.ts';
import { servedList } from '../catalog/served-list-case.ts';

const DAY = 24 * 3600 * 1000;
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'related-pins-prune-'));
  openCatalog(folder).close();
  const log = openLog(folder);
  for (let n = 0; n < 20; n++) {
    const at = Date.now() - (20 - n) * DAY + DAY / 24;
    await log.lists.append(servedList({ recommendationId: `r${n}`, at, userId: 'ann' }));
    await log.events.append([
      {
        eventId: `e${n}`,
        type: n % 2 === 0 ? 'click' : 'impression',
        recommendationId: `r${n}`,
        pinIndex: 10,
        position: 1,
        userId: 'ann',
        at: at + 5,
      },
    ]);
  }
  log.close();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const input = <Options extends object>(options: Options) => ({
  options,
  args: [],
  config: readConfig({}),
  dataFolder: folder,
  progress: SILENT,
  signal: new AbortController().signal,
});

it('deletes what is old, keeps the report, and has nothing left to do the second time', async () => {
  const before = await reportLog.run(input({ since: '' }));
  expect(before.days).toHaveLength(20);
  expect(await pruneLog.run(input({ keepDays: 10, keepRowsDays: 5 }))).toMatchObject({ lists: 10, events: 10, rowsDropped: 5, left: 0 });
  expect(await reportLog.run(input({ since: '' }))).toEqual(before);
  expect(await pruneLog.run(input({ keepDays: 10, keepRowsDays: 5 }))).toMatchObject({ lists: 0, events: 0, rowsDropped: 0 });
});

it('refuses an age at which lists are not done yet, and none at all', async () => {
  await expect(pruneLog.run(input({ keepDays: 2 }))).rejects.toMatchObject({ code: 'JOB_USAGE' });
  await expect(pruneLog.run(input({}))).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
});

it('a report of nothing says so, and names the lists that replay-saves left apart', async () => {
  const later = await reportLog.run(input({ since: '2999-01-01' }));
  expect(reportLog.describe?.(later)).toEqual(['No list was served to anybody in this time.']);
  mkdirSync(replayFolder(folder));
  const log = openLog(replayFolder(folder));
  await log.lists.append(servedList({ recommendationId: 'replay-1-0', at: Date.now(), userId: null }));
  log.close();
  expect(reportLog.describe?.(await reportLog.run(input({ since: '2999-01-01' })))).toEqual([
    'No list was served to anybody in this time. The log of replay-saves, which train-ranker reads, holds 1 list.',
  ]);
});
