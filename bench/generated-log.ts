/**
 * What people did on a generated catalogue, as the log of the service holds it: lists of many queries by users with saves of
 * their own, some of whose pins were clicked and saved. Made once, kept beside the catalogue.
 */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { COOCCURRENCE_KIND } from '../src/candidates/cooccurrence/cooccurrence-store.ts';
import { NeighborListFile, neighborListFolder } from '../src/candidates/neighbor-list-file.ts';
import { openLog } from '../src/catalog/log/log-database.ts';
import { plainItems, type ServedList } from '../src/catalog/log/served-list.ts';
import type { EventType } from '../src/catalog/pins/records.ts';
import { seededRandom } from '../src/math/random.ts';

/** Users of the generated boards. */
export const USERS = 5000;
const LENGTH = 25;
const AT = Date.UTC(2026, 4, 30);
const BATCH = 500;

/** A folder that holds a log.sqlite in which each of these queries was asked once and answered to. */
export async function generatedLog(catalog: string, queries: readonly number[]): Promise<string> {
  const folder = join(catalog, `bench-log-${queries.length}`);
  if (existsSync(folder)) return folder;
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  const lists = NeighborListFile.open(neighborListFolder(join(catalog, 'artifacts'), COOCCURRENCE_KIND));
  if (!lists) throw new Error(`${catalog} holds no co-occurrence lists`);
  const log = openLog(draft);
  const random = seededRandom(23);
  for (let from = 0; from < queries.length; from += BATCH) {
    const some = queries.slice(from, from + BATCH).map((query, i) => {
      const pins = lists.read(query, 200).pinIndexes;
      const shown = Array.from({ length: LENGTH }, () => pins[random.integer(pins.length)]);
      return servedList(from + i, query, [...new Set(shown)]);
    });
    await Promise.all(some.map((list) => log.lists.append(list)));
    const engaged = some.flatMap((list) =>
      (['click', 'closeup', 'save'] as readonly EventType[]).map((type, n) => ({
        eventId: `${list.recommendationId}-${n}`,
        type,
        recommendationId: list.recommendationId,
        pinIndex: list.items.pinIndexes[random.integer(list.items.count)],
        position: null,
        userId: list.userId,
        at: list.at + 1000 * n,
      })),
    );
    await log.events.append(engaged);
  }
  while (log.pairs.catchUp() > 0);
  log.close();
  lists.close();
  renameSync(draft, folder);
  return folder;
}

function servedList(place: number, queryPinIndex: number, pins: readonly number[]): ServedList {
  return {
    recommendationId: `bench-list-${place}`,
    at: AT + place,
    surface: 'closeup',
    queryPinIndex,
    userId: `user-${place % USERS}`,
    arm: null,
    modelVersion: 'every-column',
    treatment: '{}',
    forced: false,
    shuffled: false,
    latencyMs: 5,
    degraded: [],
    items: plainItems(pins),
  };
}
