/** A list served without HTTP: ranked by the spine, logged like any other. Jobs and the demo's people use it. */
import type { LogDatabase } from '../catalog/log/log-database.ts';
import { DEFAULT_TREATMENT } from '../treatment.ts';
import type { ListOptions, RankedList } from './ranked-list.ts';
import { servedRecord } from './served-record.ts';

/** Options of a plain list; unnamed parts have their usual values. */
export function plainOptions(given: Partial<ListOptions> & Pick<ListOptions, 'recommendationId' | 'now'>): ListOptions {
  return {
    treatment: DEFAULT_TREATMENT,
    forced: false,
    arm: null,
    userId: null,
    limit: 25,
    cursor: null,
    exclude: new Set(),
    category: null,
    buyableOnly: false,
    ...given,
  };
}

/** Settles when the list is durable in the log. */
export function logList(log: LogDatabase, list: RankedList): Promise<void> {
  const { candidatesMs, rowsMs, scoresMs, orderMs } = list.timings;
  return log.lists.append(servedRecord(list, candidatesMs + rowsMs + scoresMs + orderMs));
}
