import { once } from 'node:events';
import { createWriteStream, renameSync } from 'node:fs';
import { ServiceError } from '../../errors.ts';
import { columnsOf } from '../../ranker/scoring/feature-table.ts';
import { letorLines } from '../../ranker/exchange/letor-writer.ts';
import { trainingRows } from '../../ranker/training/log-data.ts';
import { listCount, rowCount } from '../../ranker/training/ranking-data.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import { RANGE_FLAGS, SETS_FLAG } from '../models/ranker-flags.ts';
import { readLog } from '../models/training-log.ts';
import { setsOf } from '../models/training-setting.ts';

const FLAGS = flags([{ flag: '--out <file>', meaning: 'the file to write', required: true }, ...RANGE_FLAGS, SETS_FLAG]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

/** The training rows of the log for any other learning-to-rank tool. */
export const job = defineJob({
  name: 'export-rows',
  summary: 'Writes the training rows of the log as a LETOR / SVMlight file (qid:), raw values, the names of the columns in its first line.',
  examples: [
    'related-pins export-rows --data var --out rows.txt',
    'related-pins export-rows --data var --sets control,visual --from 2026-01-01 --out rows.txt',
  ],
  options: FLAGS,
  run: exportRows,
});

async function exportRows({ options, dataFolder, progress, signal }: Input) {
  progress.start('reading the log', 0);
  const data = trainingRows(readLog(dataFolder, options), columnsOf(setsOf(options.sets)));
  const path = options.out;
  const draft = `${path}.${process.pid}.tmp`;
  const file = createWriteStream(draft);
  progress.start('writing lists', listCount(data));
  let done = -1; // the first line names the columns
  for (const lines of letorLines(data, (list) => String(list + 1))) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    if (!file.write(lines)) await once(file, 'drain');
    progress.update(Math.max(0, ++done));
  }
  file.end();
  await once(file, 'finish');
  renameSync(draft, path);
  progress.stop();
  return { out: path, rows: rowCount(data), queries: listCount(data), columns: data.names.length };
}
