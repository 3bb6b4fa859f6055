import type { Grades } from '../../grades.ts';
import type { EngagementLog } from './engagement-log.ts';
import type { JudgedList } from './judged-list.ts';
import type { ListRange, ServedListLog } from './served-list-log.ts';

export interface JudgedRange extends ListRange {
  /** An action later than this after the list was served is not its doing. */
  readonly attributionMs?: number;
  /** What each action is worth; absent: GRADES. */
  readonly grades?: Grades;
  /** Keep lists whose treatment the caller forced (left out of training otherwise). */
  readonly withForced?: boolean;
  /** Keep lists on which nothing happened. They teach no pair but count for exposure. */
  readonly withUntouched?: boolean;
}

/** Choice: a save three days after the list was looked at is still its doing; the papers fix no window. */
const ATTRIBUTION_MS = 3 * 24 * 3600 * 1000;

/** Served lists joined with what people did, oldest first, one in memory at a time. Both sides may be a log, or a segment of one. */
export function* judgedLists(
  lists: Pick<ServedListLog, 'lists'>,
  events: Pick<EngagementLog, 'gradesOf'>,
  range: JudgedRange,
): Generator<JudgedList> {
  const attributionMs = range.attributionMs ?? ATTRIBUTION_MS;
  for (const list of lists.lists(range)) {
    if (list.forced && !range.withForced) continue;
    // Its rows went by age: it counts in reports and teaches nothing.
    if (range.withRows !== false && list.items.count > 0 && list.items.rows.rows === 0) continue;
    const grades = events.gradesOf(list.listIndex, list.at, list.items.pinIndexes, attributionMs, range.grades);
    if (!range.withUntouched && grades.every((grade) => grade === 0)) continue;
    yield { ...list, grades };
  }
}
