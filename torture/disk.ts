/**
 * A full disk: the data folder lies on a tmpfs of a few MiB that is filled to the brim while the service runs. Writes are
 * refused with DATA_DISK_FULL, reads go on, what was acknowledged is whole; with space again everything is written.
 * A round is one filling. Mounting needs root; without it the scenario says so and is skipped.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from '../src/errors.ts';
import { mixedSeed, type Random, seededRandom } from '../src/math/random.ts';
import { EventLedger, reportUntilKilled, type SentEvent } from './event-intake.ts';
import type { Scenario } from './scenario.ts';
import { runJob, type ServiceProcess, startService } from './service-process.ts';
import { writeSmallCatalog } from './small-catalog.ts';
import { countLost } from './stored-events.ts';

const DISK_MIB = 64;
const PINS = 300;
/** What a round may leave behind; with less space than this it begins with a fresh data folder. */
const ROOM_BYTES = 40 * 2 ** 20;
/** More than the write-ahead logs hold, whose pages are written again without asking for space. */
const BATCHES_MAX = 400;
const REPORT_MS = 400;

export const disk: Scenario = async ({ minutes, seed, rounds = Number.POSITIVE_INFINITY, say }) => {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-disk-'));
  const mount = join(folder, 'small');
  mkdirSync(mount);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', mount]);
  if (mounted.status !== 0) {
    rmSync(folder, { recursive: true, force: true });
    const skipped = 'mounting a small tmpfs needs root';
    say(`skipped: ${skipped}`);
    return { rounds: 0, failed: 0, failures: [], skipped };
  }
  const failures: string[] = [];
  const ledgers: EventLedger[] = [];
  const refusals: Record<string, number> = {};
  const deadline = Date.now() + minutes * 60_000;
  let service: ServiceProcess | null = null;
  let round = 0;
  let lost = 0;
  try {
    const made = join(folder, 'made');
    const catalog = writeSmallCatalog(join(folder, 'files'), PINS, 30, 10, seed);
    await runJob(['import-catalog', '--data', made, ...catalog.flags]);
    await runJob(['build-candidates', '--data', made, '--only', 'cooccurrence']);
    const random = seededRandom(mixedSeed(seed, 'disk'));
    while (round < rounds && Date.now() < deadline) {
      const data = join(mount, 'data');
      rmSync(data, { recursive: true, force: true });
      cpSync(made, data, { recursive: true });
      const ledger = new EventLedger();
      ledgers.push(ledger);
      service = await startService(data);
      const { url } = service;
      do {
        await reportFor(REPORT_MS, url, ledger, random);
        const filler = join(mount, 'filler');
        fill(filler);
        await writesAreRefused(url, round, ledger, refusals, failures);
        rmSync(filler);
        await reportFor(REPORT_MS, url, ledger, random);
        round++;
      } while (round < rounds && Date.now() < deadline && freeBytes(mount) > ROOM_BYTES);
      await service.kill();
      lost += countLost(data, ledger);
    }
  } catch (error) {
    failures.push(reasonOf(error));
  } finally {
    await service?.kill();
    spawnSync('umount', [mount]);
    rmSync(folder, { recursive: true, force: true });
  }
  failures.push(...ledgers.flatMap(({ problems }) => problems));
  const sumOf = (count: (ledger: EventLedger) => number): number => ledgers.reduce((sum, ledger) => sum + count(ledger), 0);
  return {
    rounds: round,
    lost,
    doubled: sumOf(({ doubled }) => doubled),
    failed: failures.length,
    failures,
    acknowledged: sumOf(({ acknowledged }) => acknowledged.size),
    refusals,
  };
};

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

async function reportFor(ms: number, url: string, ledger: EventLedger, random: Random): Promise<void> {
  let over = false;
  const client = reportUntilKilled(url, PINS, ledger, seededRandom(random.integer(2 ** 31)), () => over);
  await new Promise((later) => setTimeout(later, ms));
  over = true;
  await client;
}

/** Writes until there is no space for another byte. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (let bytes = 1 << 20; bytes >= 1; bytes >>= 1) {
      try {
        while (writeSync(file, Buffer.alloc(bytes)) === bytes);
      } catch {
        // full for pieces of this size; smaller ones may still fit
      }
    }
  } finally {
    closeSync(file);
  }
}

/** On a full disk: pins and events in growing batches until one no longer fits, and lists are served all the while. */
async function writesAreRefused(
  url: string,
  round: number,
  ledger: EventLedger,
  refusals: Record<string, number>,
  failures: string[],
): Promise<void> {
  for (const kind of ['pins', 'events'] as const) {
    const codes = new Set<string>();
    for (let batch = 0; batch < BATCHES_MAX && !codes.has('DATA_DISK_FULL'); batch++) {
      const ids = Array.from({ length: 1000 }, (_, i) => `full-${round}-${batch}-${i}`);
      const events = kind === 'events' ? ids.map((eventId, i) => clickOfNobody(eventId, `p${i % PINS}`)) : [];
      for (const event of events) ledger.sent.set(event.eventId, event);
      const rows = kind === 'pins' ? ids.map((id) => ({ id, title: 'x'.repeat(400) })) : events;
      const reply = await fetch(`${url}/v1/${kind}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ [kind]: rows }),
      });
      const body = (await reply.json()) as { code?: string };
      const code = body.code ?? String(reply.status);
      codes.add(code);
      if (reply.status === 200) for (const { eventId } of events) ledger.acknowledged.add(eventId);
      refusals[`${kind} ${code}`] = (refusals[`${kind} ${code}`] ?? 0) + 1;
      if (reply.status !== 200 && code !== 'DATA_DISK_FULL') failures.push(`${kind} on a full disk: ${reply.status} ${code}`);
    }
    if (!codes.has('DATA_DISK_FULL')) failures.push(`${kind}: nothing was refused on a full disk`);
    const list = await fetch(`${url}/v1/pins/p1/related`);
    await list.arrayBuffer();
    if (list.status !== 200) failures.push(`a list on a full disk: ${list.status}`);
  }
}

function clickOfNobody(eventId: string, pinId: string): SentEvent {
  return { eventId, type: 'click', recommendationId: `unknown-${eventId}`, pinId, position: 1, userId: 'u1', at: Date.now() };
}
