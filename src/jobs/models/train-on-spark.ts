/** train-ranker with the rows dealt to the tasks of Spark. */
import { rmSync } from 'node:fs';
import { writeLogSegments } from '../../catalog/log/log-segments.ts';
import { ServiceError } from '../../errors.ts';
import { DealtLog } from '../../ranker/training/dealt-rows.ts';
import { dealtCurve, trainDealt } from '../../ranker/training/dealt-training.ts';
import type { LogTraining } from '../../ranker/training/log-training.ts';
import { writeTrainingPlan } from '../../ranker/training/training-shards.ts';
import { servingSince } from '../../vision/net-folder.ts';
import { onSpark, sharedFolder } from '../spark.ts';
import { noLists, requireEnough, withLogs } from './training-log.ts';
import { learningFrom, type LogInput, type Setting } from './training-setting.ts';

/** What needs the rows in memory. */
const HELD_ONLY = ['ladder', 'report'] as const;

/** With the rows dealt to the tasks of Spark. */
export async function trainOnSpark(input: LogInput, { surface, grades, learning }: Setting) {
  const { options, progress, dataFolder } = input;
  const asked = HELD_ONLY.filter((name) => options[name] !== undefined && options[name] !== false);
  if (options.propensity !== 'none' || asked.length > 0)
    throw new ServiceError('JOB_USAGE', {
      reason: '--ladder, --report and --propensity look at rows of all lists: they are not for --on spark',
    });
  const folder = sharedFolder(input, 'training');
  progress.start('writing the log', 0);
  const plan = withLogs(dataFolder, {}, (logs) => {
    const range = { from: options.from ?? servingSince(dataFolder), to: options.to, surfaces: [surface], parts: options.parts };
    return writeTrainingPlan(folder, writeLogSegments(folder, logs, range), grades);
  });
  if (plan.keys.length === 0) throw noLists(dataFolder);
  const done = await onSpark(input, 'train-ranker', folder, async (run) => {
    const log = await DealtLog.of(folder, plan, run);
    if (log.groups.length === 0) throw noLists(dataFolder);
    if (learning.c === null) requireEnough(log.acted, surface);
    const trained: LogTraining = await trainDealt(log, { ...learning, onStep: (step) => progress.note(step) });
    const onShare = (share: number): void => progress.note(learningFrom(share));
    const curve = options.learningCurve ? await dealtCurve(log, trained, { ...learning, onShare }) : null;
    return { trained, curve, held: null, ladder: null, propensity: null };
  });
  rmSync(folder, { recursive: true });
  return done;
}
