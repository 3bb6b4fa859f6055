/**
 * How many events does the service take in, each acknowledged only once it is durable? In batches of 100, and singly from
 * 64 clients. Peer: SQLite alone, the same rows into the same tables by prepared statements, a commit per batch.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { figures, measure, round, startContender } from '../contest.ts';
import { flag } from '../closeup/run.ts';
import { generatedCatalog } from '../generated-catalog.ts';

const BATCH = 100;
const LISTS = 50;

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const seconds = Number(flag(argv, '--seconds') ?? 8);
  const folder = mkdtempSync(join(tmpdir(), 'bench-events-'));
  try {
    cpSync(generatedCatalog({ pins: 2000, boardList: 50, visualList: 50 }), folder, { recursive: true });
    const service = await startContender({ kind: 'service', folder });
    const lists: List[] = [];
    for (let i = 0; i < LISTS; i++) lists.push(await listOf(service.origin, i));
    const bodies = lists.map((list) => body(list, BATCH));
    const singles = lists.map((list) => body(list, 1));
    await measure(service, { requests: bodies, seconds: Math.min(2, seconds), clients: 8 });
    const batched = await measure(service, { requests: bodies, seconds, clients: 8 });
    const single = await measure(service, { requests: singles, seconds, clients: 64 });
    await service.stop();
    const peer = sqliteAlone(join(folder, 'peer'), seconds / 2);
    const ours = Math.round(batched.perCoreSecond * BATCH);
    const raw = {
      batchesOf100: { eventsPerSecond: Math.round(batched.perSecond * BATCH), ...figures(batched) },
      single64Clients: figures(single),
      sqliteAlone: peer,
    };
    return {
      ours,
      peer: peer.perCoreSecond,
      ratio: round(ours / peer.perCoreSecond),
      unit: 'events per second of a core, in batches of 100',
      raw,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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

/** The same tables, the same inserts, nothing around them. */
function sqliteAlone(folder: string, seconds: number): { perSecond: number; perCoreSecond: number; events: number } {
  const log = openLog(folder);
  const insert = log.database.prepare(
    'INSERT OR IGNORE INTO event (event_id, type, list_index, pin, position, person, at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const batch = log.database.transaction((first: number) => {
    for (let i = first; i < first + BATCH; i++) insert.run(`peer-${i}-0`, i % 5, i % LISTS, i % 2000, i % 25, null, i);
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
