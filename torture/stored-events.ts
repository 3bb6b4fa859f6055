/** Holds the log against what clients were told. */
import { join } from 'node:path';
import { openDatabase } from '../src/catalog/database.ts';
import type { EventLedger } from './event-intake.ts';

/**
 * How many acknowledged events are not in the log of a data folder. The ledger takes down those that are there twice, and what
 * else is wrong: a damaged file, events that nobody sent, events whose list is gone.
 */
export function countLost(dataFolder: string, ledger: EventLedger): number {
  const database = openDatabase(join(dataFolder, 'log.sqlite'), { readonly: true });
  try {
    const ids = (sql: string): string[] => database.prepare(sql).pluck().all() as string[];
    const says = database.pragma('quick_check(1)', { simple: true });
    if (says !== 'ok') ledger.problems.push(`log.sqlite: ${String(says)}`);
    const stored = [...ids('SELECT event_id FROM event'), ...ids('SELECT event_id FROM stray_event')];
    const there = new Set(stored);
    const strange = [...there].filter((eventId) => !ledger.sent.has(eventId)).length;
    if (strange > 0) ledger.problems.push(`${strange} events that nobody sent`);
    const orphans = ids('SELECT event_id FROM event WHERE list_index NOT IN (SELECT list_index FROM served_list)').length;
    if (orphans > 0) ledger.problems.push(`${orphans} events lost their list`);
    ledger.doubled += stored.length - there.size;
    return [...ledger.acknowledged].filter((eventId) => !there.has(eventId)).length;
  } finally {
    database.close();
  }
}
