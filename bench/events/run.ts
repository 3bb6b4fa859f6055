/**
 * How many events does the service take in, each acknowledged only once it is durable? In batches of 100, and singly from
 * 64 clients. Peer: SQLite alone, the same rows into the same tables by the same statements of fifty rows, a commit per batch.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { figures, measure, pairedRatio, startContender } from '../contest.ts';
import { generatedCatalog } from '../generated-catalog.ts';
import { flagsOf } from '../flags.ts';

const BATCH = 100;
const LISTS = 50;

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const { seconds, rounds } = flagsOf(argv, { seconds: 8, rounds: 3 });
  const folder = mkdtempSync(join(tmpdir(), 'bench-events-'));
  try {
    cpSync(generatedCatalog({ pins: 2000, boardList: 50, visualList: 50 }), folder, { recursive: true });
    const raw: Record<string, unknown> = {};
    const rates: { ours: number[]; peer: number[] } = { ours: [], peer: [] };
    for (let i = 0; i < rounds; i++) {
      const { batched, single } = await service(folder, seconds);
      const peer = sqliteAlone(join(folder, `peer-${i}`), seconds / 2);
      rates.ours.push(Math.round(batched.perCoreSecond * BATCH));
      rates.peer.push(peer.perCoreSecond);
      raw[`round ${i + 1}`] = {
        batchesOf100: { eventsPerSecond: Math.round(batched.perSecond * BATCH), ...figures(batched) },
        single64Clients: figures(single),
        sqliteAlone: peer,
      };
    }
    const [ours, peer] = [rates.ours, rates.peer].map((values) => [...values].sort((x, y) => x - y)[values.length >> 1]);
    return { ours, peer, ...pairedRatio(rates.ours, rates.peer), unit: 'events per second of a core, in batches of 100', raw };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The service with a log of its own, so that no round writes into the tables of another. */
async function service(folder: string, seconds: number) {
  const contender = await startContender({ kind: 'service', folder });
  const lists: List[] = [];
  for (let i = 0; i < LISTS; i++) lists.push(await listOf(contender.origin, i));
  const bodies = lists.map((list) => body(list, BATCH));
  const singles = lists.map((list) => body(list, 1));
  await measure(contender, { requests: bodies, seconds: Math.min(2, seconds), clients: 8 });
  const batched = await measure(contender, { requests: bodies, seconds, clients: 8 });
  const single = await measure(contender, { requests: singles, seconds, clients: 64 });
  await contender.stop();
  return { batched, single };
}

interface List {
  readonly recommendationId: string;
  readonly items: readonly { readonly pinId: string; readonly position: number }[];
}

async function listOf(origin: string, i: number): Promise<List> {
  return (await (await fetch(`${origin}/v1/pins/pin-${i}/related?limit=25&userId=user-${i}`)).json()) as List;
}

function body({ recommendationId, items }: List, count: number) {
  const types = ['impression', 'impression', 'closeup', 'click', 'save'];
  const events = Array.from({ length: count }, (_, i) => {
    const { pinId, position } = items[i % items.length];
    return { eventId: `@@${i}`, type: types[i % 5], recommendationId, pinId, position, at: Date.now() };
  });
  return { method: 'POST' as const, path: '/v1/events', body: JSON.stringify({ events }) };
}

/** Rows of one statement, as the service inserts them. */
const ROWS = 50;

/** The same tables, the same statements, nothing around them. */
function sqliteAlone(folder: string, seconds: number): { perSecond: number; perCoreSecond: number; events: number } {
  const log = openLog(folder);
  const places = Array.from({ length: ROWS }, () => '(?, ?, ?, ?, ?, ?, ?)').join(', ');
  const insert = log.database.prepare(
    `INSERT OR IGNORE INTO event (event_id, type, list_index, pin, position, person, at) VALUES ${places}`,
  );
  const batch = log.database.transaction((first: number) => {
    for (let from = first; from < first + BATCH; from += ROWS) {
      const rows = Array.from({ length: ROWS }, (_, r) => rowOf(from + r));
      insert.run(...rows.flat());
    }
  });
  const startedAt = performance.now();
  const before = process.cpuUsage();
  let events = 0;
  for (; performance.now() < startedAt + seconds * 1000; events += BATCH) batch(events);
  const { user, system } = process.cpuUsage(before);
  const elapsed = (performance.now() - startedAt) / 1000;
  log.close();
  return { perSecond: Math.round(events / elapsed), perCoreSecond: Math.round(events / ((user + system) / 1e6)), events };
}

function rowOf(i: number): readonly (string | number | null)[] {
  return [`peer-${i}-0`, i % 5, i % LISTS, i % 2000, i % 25, null, i];
}
