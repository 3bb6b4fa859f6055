/**
 * A machine that is lost under load, and its data folder brought back on another one from continuous backups: how much is
 * gone, and how long it takes. What was acknowledged before the newest backup began has to be there; what is lost is
 * younger. A round is one loss.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/catalog/database.ts';
import { reasonOf } from '../src/errors.ts';
import { mixedSeed, seededRandom } from '../src/math/random.ts';
import { EventLedger, reportUntilKilled } from './event-intake.ts';
import type { Scenario } from './scenario.ts';
import { CLI, runJob, startService } from './service-process.ts';
import { writeSmallCatalog } from './small-catalog.ts';

const PINS = 1000;
const EVERY_SECONDS = 5;
/** The service is lost after so long, at a moment that is drawn. */
const LOAD_MS = [12_000, 22_000] as const;
/** Between two lists of a client. */
const PAUSE_MS = 20;

export const restore: Scenario = async ({ minutes, seed, rounds = Number.POSITIVE_INFINITY, say }) => {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-restore-'));
  const random = seededRandom(mixedSeed(seed, 'restore'));
  const failures: string[] = [];
  const figures: Awaited<ReturnType<typeof lose>>[] = [];
  const deadline = Date.now() + minutes * 60_000;
  try {
    const catalog = writeSmallCatalog(join(folder, 'files'), PINS, 100, 30, seed);
    const data = join(folder, 'data');
    for (const job of [
      ['import-catalog', ...catalog.flags],
      ['build-candidates', '--only', 'cooccurrence'],
    ]) {
      const { status, said } = await runJob([...job, '--data', data]);
      if (status !== 0) throw new Error(said);
    }
    while (figures.length < rounds && Date.now() < deadline && failures.length < 20) {
      const loadMs = LOAD_MS[0] + random.integer(LOAD_MS[1] - LOAD_MS[0]);
      const figure = await lose(folder, loadMs, seededRandom(random.integer(2 ** 31)), failures);
      figures.push(figure);
      say(JSON.stringify(figure));
    }
  } catch (error) {
    failures.push(reasonOf(error));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { rounds: figures.length, failed: failures.length, failures, everySeconds: EVERY_SECONDS, figures };
};

async function lose(folder: string, loadMs: number, random: ReturnType<typeof seededRandom>, failures: string[]) {
  const [data, backups] = [join(folder, 'data'), join(folder, 'backups')];
  rmSync(backups, { recursive: true, force: true });
  const ledger = new EventLedger();
  const service = await startService(data);
  const flags = ['back-up', '--data', data, '--out', backups, '--every', String(EVERY_SECONDS), '--keep', '3'];
  const backing = spawn(process.execPath, [CLI, ...flags], { stdio: 'ignore' });
  let lost = false;
  const client = reportUntilKilled(service.url, PINS, ledger, random, () => lost, PAUSE_MS);
  await new Promise((moment) => setTimeout(moment, loadMs));
  lost = true;
  const lostAt = Date.now();
  backing.kill('SIGKILL');
  await service.kill();
  await client;
  failures.push(...ledger.problems);
  renameSync(data, `${data}-of-the-lost-machine`);
  const whole = readdirSync(backups).filter((name) => readdirSync(join(backups, name)).includes('backup.json'));
  const newest = join(backups, whole.sort().at(-1) ?? 'none');
  const startedAt = performance.now();
  const { status, said } = await runJob(['restore', '--from', newest, '--data', data]);
  if (status !== 0) throw new Error(`it was not restored: ${said}`);
  const again = await startService(data);
  const restoredMs = performance.now() - startedAt;
  await again.stop();
  rmSync(`${data}-of-the-lost-machine`, { recursive: true, force: true });
  const missing = missingOf(data, ledger, failures);
  // The name of a backup is the second in which it began.
  const beganAt = Date.parse(`${newest.slice(-19, -8)}${newest.slice(-8).replaceAll('-', ':')}Z`);
  const madeAt = Date.parse((JSON.parse(readFileSync(join(newest, 'backup.json'), 'utf8')) as { madeAt: string }).madeAt);
  const before = missing.filter((at) => at < beganAt).length;
  if (before > 0) failures.push(`${before} events that were acknowledged before the newest backup began are gone`);
  return {
    acknowledged: ledger.acknowledged.size,
    gone: missing.length,
    goneSeconds: seconds(missing.length === 0 ? 0 : lostAt - Math.min(...missing)),
    backupSeconds: seconds(madeAt - beganAt),
    restoreSeconds: seconds(restoredMs),
  };
}

/** When the acknowledged events that the log does not hold were acknowledged. */
function missingOf(data: string, ledger: EventLedger, failures: string[]): number[] {
  const database = openDatabase(join(data, 'log.sqlite'), { readonly: true });
  try {
    const says = database.pragma('quick_check(1)', { simple: true });
    if (says !== 'ok') failures.push(`log.sqlite: ${String(says)}`);
    const there = new Set(database.prepare('SELECT event_id FROM event UNION ALL SELECT event_id FROM stray_event').pluck().all());
    return [...ledger.acknowledgedAt].filter(([eventId]) => !there.has(eventId)).map(([, at]) => at);
  } finally {
    database.close();
  }
}

const seconds = (ms: number): number => Math.round(ms / 100) / 10;
