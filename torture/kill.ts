/**
 * kill -9 at random moments: while events come in, while a catalogue is imported, while lists are counted, while a model
 * is trained and promoted; an experiment runs through all of it. After each: what was acknowledged is there exactly once,
 * counted exactly once, repeating changes nothing, artifacts and models are whole, and doing the interrupted work again
 * ends as if nothing had happened.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { neighborListFolder } from '../src/candidates/neighbor-list-file.ts';
import { openCatalog } from '../src/catalog/pins/catalog-store.ts';
import { openDatabase } from '../src/catalog/database.ts';
import { reasonOf } from '../src/errors.ts';
import { readDefinition } from '../src/experiments/experiment.ts';
import { ExperimentStore } from '../src/experiments/experiment-store.ts';
import type { ExperimentReport } from '../src/experiments/report/experiment-report.ts';
import { mixedSeed, type Random, seededRandom } from '../src/math/random.ts';
import { ModelRegistry } from '../src/ranker/registry/model-registry.ts';
import { EventLedger, postEvents, reportUntilKilled, type SentEvent } from './event-intake.ts';
import type { Scenario } from './scenario.ts';
import { runJob, type ServiceProcess, startService } from './service-process.ts';
import { type SmallCatalog, writeSmallCatalog } from './small-catalog.ts';
import { countLost } from './stored-events.ts';

const EXPERIMENT = 'torture';
const CLIENTS = 3;
const INTAKE_MS_MAX = 1200;
/** Five of eight rounds are about events, where most can go wrong. */
const ROUNDS = ['events', 'import', 'events', 'candidates', 'events', 'models', 'events', 'events'] as const;

interface Site {
  readonly folder: string;
  /** The served data folder. */
  readonly data: string;
  /** A data folder with the catalogue imported and lists built; copied, never changed. */
  readonly reference: string;
  readonly catalog: SmallCatalog;
  readonly random: Random;
  readonly ledger: EventLedger;
  readonly failures: string[];
  service: ServiceProcess | null;
  lost: number;
  /** How long import and counting take undisturbed, in milliseconds. */
  importMs: number;
  buildMs: number;
  entries: unknown;
  trained: number;
}

export const kill: Scenario = async ({ minutes, seed, rounds = Number.POSITIVE_INFINITY, say }) => {
  const site = await prepare(seed);
  const deadline = Date.now() + minutes * 60_000;
  const done: Record<string, number> = { events: 0, import: 0, candidates: 0, models: 0 };
  let round = 0;
  try {
    while (round < rounds && Date.now() < deadline && site.failures.length < 20) {
      const kind = ROUNDS[round % ROUNDS.length];
      try {
        await { events: eventRound, import: importRound, candidates: candidateRound, models: modelRound }[kind](site);
      } catch (error) {
        site.failures.push(`round ${round}, ${kind}: ${reasonOf(error)}`);
        say(site.failures.at(-1) as string);
      }
      done[kind]++;
      round++;
      if (round % 10 === 0)
        say(`${round} rounds, ${site.ledger.acknowledged.size} events acknowledged, ${site.lost} lost, ${site.ledger.doubled} doubled`);
    }
  } finally {
    await site.service?.kill();
    rmSync(site.folder, { recursive: true, force: true });
  }
  const failures = [...site.failures, ...site.ledger.problems];
  const { lost, trained, ledger } = site;
  return {
    rounds: round,
    lost,
    doubled: ledger.doubled,
    failed: failures.length,
    failures,
    kinds: done,
    acknowledged: ledger.acknowledged.size,
    sent: ledger.sent.size,
    modelsTrained: trained,
  };
};

async function prepare(seed: number): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-kill-'));
  const catalog = writeSmallCatalog(join(folder, 'files'), 1500, 200, 20, seed);
  const reference = join(folder, 'reference');
  const imported = await runJob(['import-catalog', '--data', reference, ...catalog.flags]);
  const built = await runJob(['build-candidates', '--data', reference, '--only', 'cooccurrence']);
  if (imported.status !== 0 || built.status !== 0) throw new Error(`the reference was not made: ${imported.said} ${built.said}`);
  const data = join(folder, 'data');
  cpSync(reference, data, { recursive: true });
  startExperiment(data);
  return {
    folder,
    data,
    reference,
    catalog,
    random: seededRandom(mixedSeed(seed, 'kill')),
    ledger: new EventLedger(),
    failures: [],
    service: null,
    lost: 0,
    importMs: imported.ms,
    buildMs: built.ms,
    entries: (built.receipt?.cooccurrence as { entries: number }).entries,
    trained: 0,
  };
}

/** An experiment runs through all of it: what it counts must be what the log holds. */
function startExperiment(data: string): void {
  const database = openDatabase(join(data, 'experiments.sqlite'));
  const store = new ExperimentStore(database);
  const author = { by: 'torture', at: Date.now() };
  const arms = [
    { key: 'control', weight: 0.5 },
    { key: 'boards', weight: 0.5, treatment: { sources: ['board-cooccurrence'] } },
  ];
  store.define(readDefinition({ key: EXPERIMENT, arms, metrics: ['saves-per-user'], counterfactualShare: 0.1 }), author);
  store.start(EXPERIMENT, author);
  database.close();
}

/** The running service's report against the log: every list of an arm once, every pin saved from it once. */
async function checkReport({ data, failures, service }: Site): Promise<void> {
  const reply = await fetch(`${service?.url}/v1/experiments/${EXPERIMENT}/report`);
  const report = (await reply.json()) as ExperimentReport;
  const [row] = report.rows;
  const saves = [row.value, row.controlValue].map((value, i) => Math.round((value ?? 0) * [row.users, row.controlUsers][i]));
  const counted = { lists: report.arms.reduce((sum, arm) => sum + arm.lists, 0), saves: saves[0] + saves[1] };
  const database = openDatabase(join(data, 'log.sqlite'), { readonly: true });
  const count = (sql: string): number => database.prepare(sql).pluck().get() as number;
  const logged = {
    lists: count('SELECT count(*) FROM served_list WHERE arm IS NOT NULL'),
    saves: count("SELECT count(DISTINCT list_index || '/' || pin) FROM event WHERE type = 4"),
  };
  database.close();
  if (JSON.stringify(counted) !== JSON.stringify(logged))
    failures.push(`the experiment counted ${JSON.stringify(counted)}, the log holds ${JSON.stringify(logged)}`);
}

async function eventRound(site: Site): Promise<void> {
  const { ledger, random, data } = site;
  const service = site.service ?? (await startService(data));
  let killed = false;
  const before = ledger.sent.size;
  const clients = Array.from({ length: CLIENTS }, (_, i) => {
    const own = seededRandom(mixedSeed(random.integer(2 ** 31), `client ${i}`));
    return reportUntilKilled(service.url, site.catalog.pins, ledger, own, () => killed);
  });
  await pause(30 + random.integer(INTAKE_MS_MAX));
  killed = true;
  await service.kill();
  site.service = null;
  await Promise.all(clients);
  site.lost += countLost(site.data, site.ledger);
  site.service = await startService(data);
  const sent = [...ledger.sent.values()].slice(before);
  const acknowledged = sent.filter(({ eventId }) => ledger.acknowledged.has(eventId));
  const open = sent.filter(({ eventId }) => !ledger.acknowledged.has(eventId));
  for (const batch of batchesOf(acknowledged)) await ledger.repeat(site.service.url, batch);
  for (const batch of batchesOf(open)) ledger.acknowledge(batch, await postEvents(site.service.url, batch));
  site.lost += countLost(site.data, site.ledger);
  await checkReport(site);
}

function batchesOf(events: readonly SentEvent[]): SentEvent[][] {
  const batches: SentEvent[][] = [];
  for (let at = 0; at < events.length; at += 500) batches.push(events.slice(at, at + 500));
  return batches;
}

function checkWhole(site: Site, database: ReturnType<typeof openDatabase>, name: string): void {
  const says = database.pragma('quick_check(1)', { simple: true });
  if (says !== 'ok') site.failures.push(`${name}: ${String(says)}`);
}

async function importRound(site: Site): Promise<void> {
  const data = join(site.folder, 'import');
  rmSync(data, { recursive: true, force: true });
  const job = ['import-catalog', '--data', data, ...site.catalog.flags];
  await runJob(job, { killAfterMs: momentIn(site, site.importMs) });
  const again = await runJob(job);
  if (again.status !== 0) throw new Error(`the import did not go on: ${again.said}`);
  const repeated = await runJob(job);
  if (repeated.receipt?.written !== 0) site.failures.push(`a repeated import wrote ${String(repeated.receipt?.written)} rows`);
  const catalog = openCatalog(data);
  try {
    checkWhole(site, catalog.database, 'catalog.sqlite');
    const expected = [site.catalog.pins, site.catalog.boards, site.catalog.saves];
    const found = [catalog.pins.count(), catalog.boards.count(), catalog.saves.count()];
    found.forEach((count, i) => {
      if (count < expected[i]) site.lost += expected[i] - count;
      if (count > expected[i]) site.ledger.doubled += count - expected[i];
    });
  } finally {
    catalog.close();
  }
}

async function candidateRound(site: Site): Promise<void> {
  const data = join(site.folder, 'candidates');
  rmSync(data, { recursive: true, force: true });
  cpSync(site.reference, data, { recursive: true });
  const job = ['build-candidates', '--data', data, '--only', 'cooccurrence'];
  await runJob(job, { killAfterMs: momentIn(site, site.buildMs) });
  const artifacts = neighborListFolder(join(data, 'artifacts'), 'cooccurrence');
  const whole = artifacts.open();
  if (whole === null) throw new Error('no version is in use after the kill');
  whole.close();
  const again = await runJob(job);
  if (again.status !== 0) throw new Error(`the count did not go on: ${again.said}`);
  const { entries } = again.receipt?.cooccurrence as { entries: number };
  if (entries !== site.entries) site.failures.push(`${entries} entries after a kill, ${String(site.entries)} without`);
  artifacts.open()?.close();
  const left = readdirSync(artifacts.folder).filter((name) => name.endsWith('.tmp')).length;
  if (left > 1) site.failures.push(`${left} temporary files are left`);
}

/** Trains on a copy of the log as the last kill left it. */
async function modelRound(site: Site): Promise<void> {
  await site.service?.kill();
  site.service = null;
  const data = join(site.folder, 'models');
  const models = join(data, 'models');
  const kept = join(site.folder, 'kept-models');
  if (existsSync(models)) cpSync(models, kept, { recursive: true });
  rmSync(data, { recursive: true, force: true });
  cpSync(site.data, data, { recursive: true });
  if (existsSync(kept)) cpSync(kept, models, { recursive: true });
  const name = `model-${site.trained + 1}`;
  const train = ['train-ranker', '--data', data, '--name', name, '--c', '0.01', '--workers', '1'];
  await runJob(train, { killAfterMs: 200 + site.random.integer(2000) });
  checkModels(site, models);
  const trained = new ModelRegistry(models).has(name) || (await trainedAgain(site, train));
  if (!trained) return;
  site.trained++;
  const promote = ['promote-model', name, '--data', data, '--force', '--why', 'torture'];
  await runJob(promote, { killAfterMs: 100 + site.random.integer(500) });
  checkModels(site, models);
  const done = await runJob(promote);
  if (done.status !== 0) site.failures.push(`the promotion did not go through: ${done.said}`);
  checkModels(site, models);
  const { serving } = new ModelRegistry(models).roles();
  if (serving !== name) site.failures.push(`${serving} serves after ${name} was promoted`);
}

/** False when the log has nothing to learn from yet. */
async function trainedAgain(site: Site, train: readonly string[]): Promise<boolean> {
  const { status, said } = await runJob(train);
  if (status !== 0 && !/RANKER_NO_PAIRS/.test(said)) site.failures.push(`training did not go through: ${said}`);
  return status === 0;
}

/** Every model reads, and the one that serves is there. */
function checkModels(site: Site, folder: string): void {
  const registry = new ModelRegistry(folder);
  for (const { name, problem } of registry.list()) if (problem) site.failures.push(`model ${name}: ${problem}`);
  const { serving } = registry.roles();
  if (!registry.has(serving)) site.failures.push(`${serving} shall serve and is not there`);
}

/** Somewhere in the run of a job, its start and its end included. */
function momentIn(site: Site, ms: number): number {
  return ms * (0.2 + 0.85 * site.random.next());
}

function pause(ms: number): Promise<void> {
  return new Promise((over) => setTimeout(over, ms));
}
