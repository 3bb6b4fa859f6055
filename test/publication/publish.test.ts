import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { buildCooccurrence } from '../../src/candidates/list-builds.ts';
import { DEFAULT_COOCCURRENCE } from '../../src/candidates/cooccurrence/board-cooccurrence.ts';
import { openDatabase } from '../../src/catalog/database.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { plainItems, type ServedList } from '../../src/catalog/log/served-list.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { DESCRIPTOR_WORDS, POINT_NUMBERS } from '../../src/exact/local-features.ts';
import { openMarkStore } from '../../src/marks/mark-store.ts';
import { SILENT } from '../../src/progress.ts';
import { folderStore } from '../../src/publication/artifact-store.ts';
import { currentVersion, type Publication } from '../../src/publication/publication.ts';
import { publish } from '../../src/publication/publish.ts';
import { keepOnly, pull, pulledVersion } from '../../src/publication/pull.ts';
import { FORMER_NETS } from '../../src/vision/net-folder.ts';
import { temporaryFolder, worldFolder } from '../world.ts';

let data: string;
let place: string;
beforeEach(async () => {
  data = await worldFolder();
  place = join(temporaryFolder(), 'published');
});

const store = () => folderStore(place);
const listed = (version: string): Publication =>
  JSON.parse(readFileSync(join(place, 'versions', `${version}.json`), 'utf8')) as Publication;
const pathsOf = (version: string): string[] => listed(version).files.map(({ path }) => path);

async function buildAgain(): Promise<void> {
  const catalog = openCatalog(data);
  const setting = { artifacts: join(data, 'artifacts'), threads: 1, progress: SILENT, signal: new AbortController().signal };
  await buildCooccurrence(catalog, { ...DEFAULT_COOCCURRENCE, method: 'cosine' }, setting);
  catalog.close();
}

test('nothing is written again when nothing changed, and only what changed when something did', async () => {
  const first = await publish(data, store());
  expect(first.published).toBe(true);
  // Blocks that stand twice are there once.
  const sizes = readdirSync(join(place, 'blocks')).map((name) => statSync(join(place, 'blocks', name)).size);
  expect(first.newBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
  expect(first.newBytes).toBeLessThanOrEqual(first.bytes);
  expect(await publish(data, store())).toMatchObject({ version: first.version, published: false, newBytes: 0 });
  await buildAgain();
  const second = await publish(data, store());
  expect(second.published).toBe(true);
  expect(second.newBytes).toBeLessThan(second.bytes);
  expect(await currentVersion(store())).toBe(second.version);
  // The one before stays for nodes that are pulling it; of the one before that nothing is left.
  await buildAgain();
  const third = await publish(data, store());
  expect(readdirSync(join(place, 'versions')).sort()).toEqual([second.version, third.version].map((version) => `${version}.json`).sort());
  const needed = new Set([second, third].flatMap(({ version }) => listed(version).files.flatMap(({ blocks = [] }) => blocks)));
  expect(readdirSync(join(place, 'blocks')).sort()).toEqual([...needed].sort());
});

test('what is not its own stays, and a file that went missing is put back', async () => {
  const first = await publish(data, store());
  writeFileSync(join(place, 'blocks', 'mine.txt'), 'x');
  writeFileSync(join(place, 'versions', 'thesis.doc'), 'x');
  await buildAgain();
  await publish(data, store());
  await buildAgain();
  const { version } = await publish(data, store());
  expect(existsSync(join(place, 'blocks', 'mine.txt')) && existsSync(join(place, 'versions', 'thesis.doc'))).toBe(true);
  const [{ blocks = [] }] = listed(version).files;
  rmSync(join(place, 'blocks', blocks[0]));
  expect(await publish(data, store())).toMatchObject({ version, published: true });
  expect(existsSync(join(place, 'blocks', blocks[0]))).toBe(true);
  expect(version).not.toBe(first.version);
  writeFileSync(join(place, 'CURRENT'), '{"half');
  await expect(publish(data, store())).rejects.toThrow(/remove it and publish again/);
});

test('what another writer published is replaced only when told to', async () => {
  const first = await publish(data, store());
  const other = await worldFolder();
  await expect(publish(other, store())).rejects.toMatchObject({ code: 'PUBLICATION_OF_ANOTHER' });
  expect(await currentVersion(store())).toBe(first.version);
  // A copy of the data folder with an id of its own has the same version to publish, and is another writer all the same.
  const copy = temporaryFolder();
  cpSync(data, copy, { recursive: true, preserveTimestamps: true });
  rmSync(join(copy, 'writer-id'));
  await expect(publish(copy, store())).rejects.toMatchObject({ code: 'PUBLICATION_OF_ANOTHER' });
  const taken = await publish(copy, store(), { takeOver: true });
  expect(taken).toMatchObject({ version: first.version, published: true, newBytes: 0 });
  await expect(publish(data, store())).rejects.toMatchObject({ code: 'PUBLICATION_OF_ANOTHER' });
  await publish(other, store(), { takeOver: true });
  expect((await pull(store(), first.version, temporaryFolder())).publication.version).toBe(first.version);
  expect(await publish(other, store())).toMatchObject({ published: false });
});

test('what another writer publishes meanwhile is not replaced', async () => {
  const other = await worldFolder();
  let theirs = '';
  const busy = {
    ...store(),
    write: async (name: string, content: string | Uint8Array) => {
      const isFirst = theirs === '';
      if (isFirst) theirs = 'under way';
      if (isFirst) theirs = (await publish(other, { ...store(), scratch: join(temporaryFolder(), 'scratch') })).version;
      await store().write(name, content);
    },
  };
  await expect(publish(data, busy)).rejects.toMatchObject({ code: 'PUBLICATION_OF_ANOTHER' });
  expect(await currentVersion(store())).toBe(theirs);
  await pull(store(), theirs, temporaryFolder());
});

test("what a program published that knew no writers is taken as one's own", async () => {
  const { version } = await publish(data, store());
  writeFileSync(join(place, 'CURRENT'), JSON.stringify({ format: 1, version, before: null }));
  expect(await publish(data, store())).toMatchObject({ version, published: true });
  await expect(publish(await worldFolder(), store())).rejects.toMatchObject({ code: 'PUBLICATION_OF_ANOTHER' });
});

test('photos, runs of jobs and versions that are not in use stay with the writer', async () => {
  mkdirSync(join(data, 'photos'), { recursive: true });
  for (const file of ['photos/a.jpg', 'audit.jsonl', 'schedule.json']) writeFileSync(join(data, file), '{}');
  writeFileSync(join(data, 'keys.json'), '[]');
  await buildAgain();
  const { version } = await publish(data, store());
  const paths = pathsOf(version);
  expect(paths).toEqual(expect.arrayContaining(['catalog.sqlite', 'keys.json', 'artifacts/cooccurrence/000002.bin']));
  expect(paths.filter((path) => /photos|images|audit|schedule|000001/.test(path))).toEqual([]);
});

test('of the log nodes get what people did lately and what they hid, but no list', async () => {
  const now = Date.UTC(2026, 5, 1);
  const day = 24 * 3600 * 1000;
  const log = openLog(data);
  const list: ServedList = {
    ...{ recommendationId: 'r1', at: now, surface: 'closeup', queryPinIndex: 0, userId: 'ann', arm: null, modelVersion: 'm' },
    ...{ treatment: '{}', forced: false, shuffled: false, latencyMs: 1, degraded: [], items: plainItems([1, 2]) },
  };
  await log.lists.append(list);
  const event = { recommendationId: 'r1', pinIndex: 1, position: 1, userId: 'ann' };
  await log.events.append([
    { ...event, eventId: 'new', type: 'click', at: now - day },
    { ...event, eventId: 'old', type: 'click', at: now - 40 * day },
    { ...event, eventId: 'old hide', type: 'hide', at: now - 400 * day },
  ]);
  log.pairs.catchUp();
  log.close();
  const { version } = await publish(data, store(), { now: new Date(now) });
  const { folder } = await pull(store(), version, temporaryFolder());
  const past = openDatabase(join(folder, 'log.sqlite'), { readonly: true });
  const all = (sql: string): unknown[] => past.prepare(sql).pluck().all();
  expect(all('SELECT event_id FROM event ORDER BY event_id')).toEqual(['new', 'old hide']);
  expect(all('SELECT count(*) FROM served_list')).toEqual([0]);
  expect(all('SELECT count(*) FROM pair_engagement')).toEqual([2]);
  past.close();
  const copy = openLog(folder);
  expect(copy.events.hidesOf('ann', now).map(({ pinIndex }) => pinIndex)).toEqual([1]);
  copy.close();
});

test('of marks nodes get what was found, but no picture that teaches one and nothing that was seen', async () => {
  const marks = openMarkStore(data);
  const features = {
    width: 64,
    height: 64,
    count: 1,
    points: new Float32Array(POINT_NUMBERS),
    descriptors: new Uint32Array(DESCRIPTOR_WORDS),
  };
  const [picture, code] = [Buffer.alloc(100_000, 7), new Uint32Array(8)];
  marks.teach([{ label: 'Acme', digest: 'd', picture, madeBy: 'm', view: { code, features } }], 1);
  marks.putSeen(
    [1, 2].map((pinIndex) => ({ pinIndex, seen: 's', views: { regions: [[0, 0, 64, 64] as const], codes: [code], features } })),
  );
  const found = [{ label: 'Acme', score: 0.75, box: [1, 2, 30, 40] as const }];
  marks.putFound([{ pinIndex: 2, marks: found }], 'all');
  const { version } = await publish(data, store());
  expect(await publish(data, store())).toMatchObject({ version, published: false, newBytes: 0 });
  const { folder } = await pull(store(), version, temporaryFolder());
  expect(statSync(join(folder, 'marks.sqlite')).size).toBeLessThan(picture.length);
  const copy = openMarkStore(folder, { readonly: true });
  expect(copy.marksOf(2)).toEqual(found);
  expect([copy.taught(), [...copy.states()]]).toEqual([[], []]);
  copy.close();
  marks.forget('Acme');
  marks.close();
  const later = await pull(store(), (await publish(data, store())).version, temporaryFolder());
  const without = openMarkStore(later.folder, { readonly: true });
  expect(without.found()).toEqual([]);
  without.close();
});

test('a file that is damaged or missing is refused by its path, and nothing is laid out', async () => {
  const { version } = await publish(data, store());
  const node = temporaryFolder();
  const { blocks = [] } = listed(version).files.find(({ path }) => path.endsWith('.bin')) ?? {};
  appendFileSync(join(place, 'blocks', blocks.at(-1) ?? ''), ' ');
  await expect(pull(store(), version, node)).rejects.toMatchObject({
    code: 'PUBLICATION_REFUSED',
    message: expect.stringMatching(/artifacts\/cooccurrence\/000001.bin does not match its digest/) as string,
  });
  rmSync(join(place, 'blocks', blocks.at(-1) ?? ''));
  await expect(pull(store(), version, node)).rejects.toMatchObject({ code: 'PUBLICATION_REFUSED' });
  expect(existsSync(join(node, 'versions', version))).toBe(false);
  expect(pulledVersion(node)).toBeNull();
});

/** A file of three blocks and a bit, which a data folder may hold. */
function writeLarge(change: (bytes: Buffer) => void): void {
  const bytes = Buffer.alloc(800_000, 'the same words again and again, with a number of their place: ');
  for (let at = 0; at < bytes.length; at += 1000) bytes.writeUInt32LE(at, at);
  change(bytes);
  mkdirSync(join(data, 'models'), { recursive: true });
  writeFileSync(join(data, 'models', 'large.json'), bytes);
}

test('of a large file that changed in one place one block is sent, and a node fetches that one', async () => {
  writeLarge(() => undefined);
  const node = temporaryFolder();
  const first = await publish(data, store());
  await pull(store(), first.version, node);
  keepOnly(node, first.version);
  writeLarge((bytes) => bytes.write('another', 300_000));
  const second = await publish(data, store());
  expect(second.newBytes).toBe(256 << 10);
  const { folder, fetchedBytes } = await pull(store(), second.version, node);
  expect(fetchedBytes).toBe(256 << 10);
  expect(readFileSync(join(folder, 'models', 'large.json')).equals(readFileSync(join(data, 'models', 'large.json')))).toBe(true);
});

test('a database that the node has written to gives the blocks that are still what they were, and the others are fetched', async () => {
  const node = temporaryFolder();
  const first = await publish(data, store());
  const before = await pull(store(), first.version, node);
  keepOnly(node, first.version);
  const path = join(before.folder, 'catalog.sqlite');
  const file = readFileSync(path);
  file[file.length - 1] ^= 1;
  writeFileSync(path, file);
  writeFileSync(join(data, 'keys.json'), '[]');
  const { version } = await publish(data, store());
  const { folder } = await pull(store(), version, node);
  const whole = (await pull(store(), version, temporaryFolder())).folder;
  expect(readFileSync(join(folder, 'catalog.sqlite')).equals(readFileSync(join(whole, 'catalog.sqlite')))).toBe(true);
});

test('what an older program published is refused by a node with a way out, and replaced by a writer', async () => {
  const { version } = await publish(data, store());
  const own = readFileSync(join(data, 'writer-id'), 'utf8').trim();
  // The first format: a file was an object under its own digest.
  const list = listed(version);
  const files = list.files.map(({ blocks: _, ...file }) => file);
  writeFileSync(join(place, 'versions', `${version}.json`), JSON.stringify({ ...list, format: 1, files }));
  writeFileSync(join(place, 'CURRENT'), JSON.stringify({ format: 1, version, before: null, writer: own }));
  mkdirSync(join(place, 'files'));
  writeFileSync(join(place, 'files', files[0].sha256), 'x');
  await expect(currentVersion(store())).rejects.toThrow(/format 1.*publish again/);
  expect(await publish(data, store())).toMatchObject({ version, published: true });
  expect(await currentVersion(store())).toBe(version);
  expect(readdirSync(join(place, 'files'))).toEqual([]);
  await pull(store(), version, temporaryFolder());
  writeFileSync(join(place, 'CURRENT'), JSON.stringify({ format: 3, version, before: null, writer: own }));
  await expect(publish(data, store())).rejects.toThrow(/format 3.*install/);
});

test('a list of files that was changed, or leads out of its folder, is refused', async () => {
  const { version } = await publish(data, store());
  const path = join(place, 'versions', `${version}.json`);
  const whole = readFileSync(path, 'utf8');
  for (const changed of [whole.replace('catalog.sqlite', '../catalog.sqlite'), whole.replace('catalog.sqlite', 'other.sqlite'), '{']) {
    writeFileSync(path, changed);
    await expect(pull(store(), version, temporaryFolder())).rejects.toMatchObject({ code: 'PUBLICATION_REFUSED' });
  }
});

test.each(FORMER_NETS)(
  'features of %s, which shipped before and lies in no data folder, do not keep a folder from being published',
  async (net) => {
    mkdirSync(join(data, 'nets'), { recursive: true });
    writeFileSync(join(data, 'nets', 'visual.json'), JSON.stringify({ switches: [{ net, digest: '', model: null, at: '', why: '' }] }));
    const { version } = await publish(data, store());
    expect(pathsOf(version)).toContain('nets/visual.json');
  },
);

test('a node links what it has and fetches what it lacks', async () => {
  const node = temporaryFolder();
  const first = await publish(data, store());
  const before = await pull(store(), first.version, node);
  keepOnly(node, first.version);
  await buildAgain();
  const { version } = await publish(data, store());
  const [unchanged] = listed(version).files.filter(({ path }) => path.startsWith('models/') || path.endsWith('keys.json'));
  const fetched: string[] = [];
  const watched = { ...store(), read: (name: string) => (fetched.push(name), store().read(name)) };
  const after = await pull(watched, version, node);
  const same = after.publication.files.filter(({ path, sha256 }) =>
    before.publication.files.some((file) => file.path === path && file.sha256 === sha256),
  );
  expect(same.length).toBeGreaterThan(0);
  const had = new Set(before.publication.files.flatMap(({ blocks = [] }) => blocks.map((block) => `blocks/${block}`)));
  expect(fetched.filter((name) => had.has(name))).toEqual([]);
  expect(fetched.filter((name) => name.startsWith('blocks/')).length).toBeGreaterThan(0);
  expect(unchanged === undefined || existsSync(join(after.folder, unchanged.path))).toBe(true);
  keepOnly(node, version);
  expect(pulledVersion(node)?.publication.version).toBe(version);
  expect(readdirSync(join(node, 'versions'))).toEqual([version]);
});
