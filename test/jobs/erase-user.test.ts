import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backUp } from '../../src/catalog/artifacts/backup.ts';
import { openDatabase } from '../../src/catalog/database.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { userNaming } from '../../src/catalog/pins/user-pseudonym.ts';
import { readDefinition } from '../../src/experiments/experiment.ts';
import { ExperimentStore } from '../../src/experiments/experiment-store.ts';
import { JudgementStore } from '../../src/experiments/judgement-store.ts';
import { holds, isWholeIn, searchFolder } from '../../src/jobs/catalog/erasure-proof.ts';
import { job } from '../../src/jobs/catalog/erase-user.ts';
import { SILENT } from '../../src/progress.ts';
import { runJob } from '../run-job.ts';
import { temporaryFolder, worldFolder } from '../world.ts';

const HALVES = [
  { key: 'control', weight: 0.5 },
  { key: 'treatment', weight: 0.5 },
];

/** A judge who is also in an arm by hand, in two versions and in an audit line of an earlier program. */
function judgeAndForce(folder: string, userId: string, secret = ''): void {
  const database = openDatabase(join(folder, 'experiments.sqlite'));
  const naming = userNaming(secret);
  const studies = new JudgementStore(database, naming);
  studies.addGrades('study', [{ queryPinId: 'plant-1', pinId: 'plant-2' }], 1);
  studies.answer(studies.next('study', userId)?.taskId ?? '', userId, 3, 1);
  studies.answer(studies.next('study', 'somebody-else')?.taskId ?? '', 'somebody-else', 2, 1);
  const experiments = new ExperimentStore(database, naming);
  const definition = (arm: string) => readDefinition({ key: 'e', arms: HALVES, forced: { [userId]: arm, 'somebody-else': 'control' } });
  experiments.define(definition('control'), { by: 'test', at: 1 });
  experiments.define(definition('treatment'), { by: 'test', at: 2 });
  database
    .prepare("INSERT INTO experiment_audit (key, at, by, action, version, detail) VALUES ('e', 3, 'test', 'changed', 2, ?)")
    .run(`forced: {"${naming(userId)}":"control"} -> {}`);
  database.close();
}

describe('the proof that a person is gone', () => {
  it('is that no file holds the id any more, or which do', async () => {
    const folder = await worldFolder();
    writeFileSync(join(folder, 'notes.txt'), 'call bob-plant tomorrow');
    const proven = await runJob(job, folder, { user: 'ann-plant' });
    expect(proven).toMatchObject({ known: true, searched: true, filesThatStillHoldTheId: [], proven: true });
    expect(job.exitCode?.(proven)).toBe(0);
    const receipt = await runJob(job, folder, { user: 'bob-plant' });
    expect(receipt).toMatchObject({ searched: true, filesThatStillHoldTheId: ['notes.txt'], proven: false });
    expect(job.exitCode?.(receipt)).toBe(1);
    expect(job.describe?.(receipt)).toContain('still found in: notes.txt');
    expect(job.describe?.(receipt).join()).toContain('1 board left without an owner');
  });

  it('judges and people who were put into an arm by hand are gone as well, their answers and the others stay', async () => {
    const folder = await worldFolder();
    judgeAndForce(folder, 'anna.person@example.org');
    const receipt = await runJob(job, folder, { user: 'anna.person@example.org' });
    expect(receipt).toMatchObject({ known: true, judgements: 1, experimentsThatNamedThem: 1, proven: true });
    const database = openDatabase(join(folder, 'experiments.sqlite'));
    expect(new JudgementStore(database).summary('study')).toMatchObject({ judgements: 2, judges: 2 });
    const experiments = new ExperimentStore(database);
    expect([1, 2].map((version) => experiments.definitionAt('e', version)?.forced)).toEqual([
      { 'somebody-else': 'control' },
      { 'somebody-else': 'control' },
    ]);
    expect(experiments.get('e').definition.forced).toEqual({ 'somebody-else': 'control' });
    database.close();
  });

  it('with a secret no file holds the id of a judge or of somebody in an arm by hand', async () => {
    const folder = await worldFolder();
    judgeAndForce(folder, 'berta.person@example.org', 'a secret of some length');
    expect(await holds(join(folder, 'experiments.sqlite'), [Buffer.from('berta.person')])).toBe(false);
  });

  // An id of two characters was not looked for, because its bytes stand in any file by chance.
  it('whole ids are looked for: another id that begins or ends with this one is somebody else', async () => {
    const folder = await worldFolder();
    const catalog = openCatalog(folder);
    const options = { now: 1000, folders: { images: folder, data: folder } };
    const saves = ['u1', 'u10', 'u1-2', 'xu1'].map((userId) => ({ pinId: 'plant-1', boardId: 'plants of ann', userId }));
    upsertBatch(catalog, 'saves', saves, options);
    catalog.close();
    writeFileSync(join(folder, 'others.jsonl'), '{"user": "u10"}\n{"user": "u1-2"}\n{"user": "xu1"}\n');
    const receipt = await runJob(job, folder, { user: 'u1' });
    expect(receipt).toMatchObject({ known: true, saves: 1, searched: true, filesThatStillHoldTheId: [], proven: true });
    writeFileSync(join(folder, 'others.jsonl'), '{"user": "u1"}\n');
    expect(await runJob(job, folder, { user: 'u1' })).toMatchObject({ filesThatStillHoldTheId: ['others.jsonl'], proven: false });
    const left = openCatalog(folder);
    expect(['u1', 'u10', 'u1-2', 'xu1'].map((id) => left.users.indexOf(id) >= 0)).toEqual([false, true, true, true]);
    left.close();
  });

  it('what was deleted in a database is written over, and what still stands in a row is named', async () => {
    const folder = await worldFolder();
    const path = join(folder, 'own.sqlite');
    const database = openDatabase(path);
    database.exec('CREATE TABLE note (id INTEGER PRIMARY KEY, about TEXT)');
    const insert = database.prepare('INSERT INTO note (about) VALUES (?)');
    for (let i = 0; i < 500; i++) insert.run(`about cleo-plant, ${'x'.repeat(300)}`);
    insert.run('about nobody');
    database.exec("DELETE FROM note WHERE about LIKE '%cleo%'");
    database.close();
    const needle = [Buffer.from('cleo-plant')];
    expect(await holds(path, needle), 'free pages hold what was deleted').toBe(true);
    expect(await runJob(job, folder, { user: 'cleo-plant' })).toMatchObject({ filesThatStillHoldTheId: [], proven: true });
    expect(await holds(path, needle)).toBe(false);
    const again = openDatabase(path);
    again.prepare('INSERT INTO note (about) VALUES (?)').run('about cleo-plant');
    again.close();
    const found = await runJob(job, folder, { user: 'cleo-plant' });
    expect(found).toMatchObject({ filesThatStillHoldTheId: ['own.sqlite'], where: ['own.sqlite (note.about)'], proven: false });
  });

  it('a write-ahead log that another process keeps busy is not called clean', async () => {
    const folder = await worldFolder();
    const path = join(folder, 'own.sqlite');
    const database = openDatabase(path);
    database.exec("CREATE TABLE note (about TEXT); INSERT INTO note VALUES ('about cleo-plant'), ('about nobody')");
    const reader = openDatabase(path, { readonly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM note').get();
    database.exec("DELETE FROM note WHERE about LIKE '%cleo%'");
    const receipt = await runJob(job, folder, { user: 'cleo-plant' });
    expect(receipt).toMatchObject({ proven: false, filesThatStillHoldTheId: [], unproven: [{ file: 'own.sqlite' }] });
    reader.close();
    database.close();
    expect(await runJob(job, folder, { user: 'cleo-plant' })).toMatchObject({ proven: true });
  }, 60_000);

  it('backups that were made before hold the person, and are named until they are gone', async () => {
    const folder = await worldFolder();
    const [before, after] = ['before', 'after'].map((name) => join(temporaryFolder(), name));
    await backUp(folder, before);
    const receipt = await runJob(job, folder, { user: 'ann-plant' });
    expect(receipt).toMatchObject({ proven: false, filesThatStillHoldTheId: [], backupsThatHoldIt: [{ folder: before, holds: 'yes' }] });
    await backUp(folder, after);
    mkdirSync(join(before, '..', 'moved'));
    const { rmSync } = await import('node:fs');
    rmSync(before, { recursive: true });
    expect(await runJob(job, folder, { user: 'ann-plant' })).toMatchObject({ proven: true, backupsSearched: 1 });
  });

  it('an id is erased under every name that earlier secrets gave it', async () => {
    const folder = await worldFolder();
    const catalog = openCatalog(folder, { userKey: 'the first secret of all' });
    const options = { now: 1000, folders: { images: folder, data: folder } };
    upsertBatch(catalog, 'saves', [{ pinId: 'plant-1', boardId: 'plants of ann', userId: 'dora-plant' }], options);
    catalog.close();
    const secrets = { userKey: 'the second secret of all', userKeysBefore: ['the first secret of all'] };
    expect(await runJob(job, folder, { user: 'dora-plant' }, secrets)).toMatchObject({ known: true, saves: 1, proven: true });
  });

  it('an empty id is refused, a schema that has the name is no person, and a long search stops when asked', async () => {
    const folder = await worldFolder();
    for (const user of ['', '  ']) await expect(runJob(job, folder, { user })).rejects.toMatchObject({ code: 'JOB_USAGE' });
    expect(isWholeIn(Buffer.from('ann'), Buffer.from(''))).toBe(false);
    const database = openDatabase(join(folder, 'notes.sqlite'));
    database.exec('CREATE TABLE note (about TEXT CHECK (length(about) * 2 < 99))');
    database.close();
    expect(await runJob(job, folder, { user: '*' })).toMatchObject({ filesThatStillHoldTheId: [], proven: true });
    const search = { progress: SILENT, rewrite: false, signal: AbortSignal.abort() };
    await expect(searchFolder(folder, ['ann-plant'], search)).rejects.toMatchObject({ code: 'JOB_STOPPED' });
  });

  it('a file that went since it was listed holds nothing', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'here'), 'ann');
    expect(readFileSync(join(folder, 'here'), 'utf8')).toBe('ann');
    expect(await holds(join(folder, 'here'), [Buffer.from('ann')])).toBe(true);
    expect(await holds(join(folder, 'log.sqlite-wal'), [Buffer.from('ann')])).toBe(false);
  });
});

it('a name stands whole where nothing of another name touches it', () => {
  const whole = (text: string): boolean => isWholeIn(Buffer.from(text), Buffer.from('ann'));
  for (const text of ['ann', '"ann"', 'by ann, today', 'by ann.', '/users/ann/', 'userId=ann&x', '-ann-', 'joann ann'])
    expect([text, whole(text)]).toEqual([text, true]);
  for (const text of ['joanna', 'ann_2', 'ann-2', 'x.ann', 'ann@example.org', 'annå', '~2.ann'])
    expect([text, whole(text)]).toEqual([text, false]);
});
