/** Holds the log against what clients were told: every acknowledged event is there, each once, none that nobody sent. */
import { join } from 'node:path';
import { openDatabase } from '../src/catalog/database.ts';
import type { EventLedger } from './event-intake.ts';

export interface StoredEvents {
  /** Acknowledged and not there. */
  readonly lost: number;
  /** There more than once. */
  readonly doubled: number;
  /** A damaged file, events of nobody, events whose list is gone. */
  readonly problems: readonly string[];
}

export function compareStoredEvents(dataFolder: string, ledger: EventLedger): StoredEvents {
  const database = openDatabase(join(dataFolder, 'log.sqlite'), { readonly: true });
  try {
    const ids = (sql: string): string[] => database.prepare(sql).pluck().all() as string[];
    const problems: string[] = [];
    const says = database.pragma('quick_check(1)', { simple: true });
    if (says !== 'ok') problems.push(`log.sqlite: ${String(says)}`);
    const stored = [...ids('SELECT event_id FROM event'), ...ids('SELECT event_id FROM stray_event')];
    const there = new Set(stored);
    const strange = [...there].filter((eventId) => !ledger.sent.has(eventId)).length;
    if (strange > 0) problems.push(`${strange} events that nobody sent`);
    const orphans = ids('SELECT event_id FROM event WHERE list_index NOT IN (SELECT list_index FROM served_list)').length;
    if (orphans > 0) problems.push(`${orphans} events lost their list`);
    const lost = [...ledger.acknowledged].filter((eventId) => !there.has(eventId)).length;
    return { lost, doubled: stored.length - there.size, problems };
  } finally {
    database.close();
  }
}
