import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { job as importVectors } from '../../src/jobs/candidates/import-vectors.ts';
import { whyNoGraph } from '../../src/candidates/visual/hnsw-index.ts';
import { job as doctor } from '../../src/jobs/operation/doctor.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { npyBytes } from '../npy.ts';
import { modelOf } from '../ranker/models.ts';
import { runJob } from '../run-job.ts';
import { testConfig, twoTasteWorld, worldFolder } from '../world.ts';

let folder: string;
let context: Context;
let app: App;

beforeEach(async () => {
  folder = await worldFolder();
  context = await openContext(testConfig(folder), folder, { lock: true });
  app = await buildApp(context);
});
afterEach(async () => {
  await app.close();
  await context.close();
});

const put = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const related = async (id: string, query = ''): Promise<ListReplyBody> =>
  (await app.inject(`/v1/pins/${id}/related?limit=50${query}`)).json();
const sourcesOf = ({ items }: ListReplyBody, id: string) =>
  items.find(({ pinId }) => pinId === id)?.sources.filter(({ name }) => name.startsWith('vectors')) ?? [];

/** Plants lie in one direction, tattoos in another; `plant-5` and `tattoo-5` have no vector. */
function tastes(plant: readonly number[] = [1, 0, 0], tattoo: readonly number[] = [0, 1, 0]) {
  const pins = twoTasteWorld().pins.map(({ id }) => String(id));
  return pins
    .filter((id) => !id.endsWith('5'))
    .map((id) => ({ id, vector: (id.startsWith('plant') ? plant : tattoo).map((value) => value + Number(id.at(-1)) / 100) }));
}
const lines = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');

test('vectors become a source and a feature of a running service, are replaced by name, and are explained', async () => {
  expect(sourcesOf(await related('plant-6'), 'plant-1')).toEqual([]);
  const file = put('v.jsonl', lines([...tastes(), { id: 'nobody', vector: [1, 1, 1] }]));
  const receipt = await runJob(importVectors, folder, { file, name: 'taste' });
  expect(receipt).toMatchObject({
    name: 'taste',
    source: 'vectors-taste',
    version: '000001',
    metric: 'cosine',
    dimensions: 3,
    vectors: 10,
    read: 11,
    unknown: 1,
    unknownIds: ['nobody'],
    repeated: 0,
    zeros: 0,
  });
  const printed = importVectors.describe?.(receipt)?.join('\n') ?? '';
  expect(printed).toContain('unknown pins, left out: 1 (nobody)');
  expect(printed).toMatch(/graph built in|no graph, all vectors are compared/);
  const { listVersion } = context;
  await context.refresh();
  expect(context.listVersion, 'cached replies are made again').not.toBe(listVersion);

  // plant-6 is on no board: only words and vectors speak for what it goes with.
  const list = await related('plant-6', '&treatment={"sources":["vectors"]}');
  expect(list.items.slice(0, 4).map(({ pinId }) => pinId.split('-')[0])).toEqual(['plant', 'plant', 'plant', 'plant']);
  expect(sourcesOf(list, 'plant-1')).toEqual([{ name: 'vectors-taste', score: expect.closeTo(1, 2) }]);
  expect(list.items.map(({ pinId }) => pinId)).not.toContain('plant-5');
  expect(list.degraded).toEqual([]);

  context.registry.add(modelOf('by-vectors', [{ name: 'vector-cosine', weight: 2, normalization: { kind: 'none' } }]));
  const explained = await related('plant-6', '&treatment=by-vectors&explain=true');
  const term = explained.items.find(({ pinId }) => pinId === 'plant-1')?.terms?.[0];
  expect(term).toMatchObject({ feature: 'vector-cosine', weight: 2, value: expect.closeTo(1, 2) });
  expect(explained.items.find(({ pinId }) => pinId === 'plant-5')?.terms?.[0]).toMatchObject({ value: 0, contribution: 0 });

  // The other way round: now plants and tattoos share a direction, and one plant stands alone.
  const turned = tastes([1, 0, 0], [1, 0, 0]).map((row) => (row.id === 'plant-1' ? { id: row.id, vector: [-1, 0, 0] } : row));
  await runJob(importVectors, folder, { file: put('w.jsonl', lines(turned)), name: 'taste' });
  await context.refresh();
  const after = await related('plant-6', '&treatment=by-vectors&explain=true');
  expect(after.items.find(({ pinId }) => pinId === 'plant-1')?.terms?.[0].value).toBeLessThan(-0.9);
  expect(sourcesOf(await related('plant-6', '&treatment={"sources":["vectors-taste"]}'), 'tattoo-1')).toHaveLength(1);
});

test('a query without a vector, and a service whose vectors were taken away, serve as before', async () => {
  const before = await related('plant-5');
  context.registry.add(modelOf('by-vectors', [{ name: 'vector-cosine', weight: 2, normalization: { kind: 'none' } }]));
  await runJob(importVectors, folder, { file: put('v.jsonl', lines(tastes())), name: 'taste' });
  await context.refresh();
  const without = await related('plant-5');
  expect(without.items.map(({ pinId, score }) => [pinId, score])).toEqual(before.items.map(({ pinId, score }) => [pinId, score]));
  expect(without.degraded).toEqual([]);
  rmSync(join(folder, 'artifacts', 'vectors-taste'), { recursive: true });
  await context.refresh();
  const gone = await related('plant-6', '&treatment=by-vectors&explain=true');
  expect(gone.items[0].terms?.[0]).toMatchObject({ feature: 'vector-cosine', value: 0 });
});

test('lists by examples ask vectors of every liked pin, and likeness to an unliked one counts them', async () => {
  await runJob(importVectors, folder, { file: put('v.jsonl', lines(tastes())), name: 'taste' });
  await context.refresh();
  const payload = { like: ['plant-6', 'tattoo-6'], unlike: ['plant-4'], limit: 50, explain: true, treatment: '{"sources":["vectors"]}' };
  const list: ListReplyBody = (await app.inject({ method: 'POST', url: '/v1/related', payload })).json();
  expect(sourcesOf(list, 'plant-1')).toHaveLength(1);
  expect(sourcesOf(list, 'tattoo-1')).toHaveLength(1);
  expect(list.items[0].pinId).toContain('tattoo');
});

test('.npy with ids and Parquet give the same vectors as JSON Lines', async () => {
  const rows = tastes();
  const npy = put(
    'n.npy',
    npyBytes(
      'f4',
      rows.flatMap(({ vector }) => vector),
      3,
    ),
  );
  put('n.ids', rows.map(({ id }) => id).join('\n'));
  const schema = [
    { name: 'root', num_children: 2 },
    { name: 'id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
    { name: 'vector', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', type: 'FLOAT', repetition_type: 'OPTIONAL' },
  ] as const;
  const columnData = [
    { name: 'id', data: rows.map(({ id }) => id) },
    { name: 'vector', data: rows.map(({ vector }) => vector) },
  ];
  const parquet = put('p.parquet', new Uint8Array(parquetWriteBuffer({ schema: [...schema], columnData })));
  for (const [name, file] of [
    ['lines', put('v.jsonl', lines(rows))],
    ['npy', npy],
    ['parquet', parquet],
  ])
    expect(await runJob(importVectors, folder, { file, name })).toMatchObject({ vectors: 10, unknown: 0, dimensions: 3 });
  await context.refresh();
  const [first, ...others] = context.sources.vectors.sets;
  expect(first.name).toBe('lines');
  for (const { data } of others) expect([...data]).toEqual([...first.data]);
});

test('a file that is refused changes nothing, and a damaged set is refused by name while the former one serves', async () => {
  const good = put('v.jsonl', lines(tastes()));
  await runJob(importVectors, folder, { file: good, name: 'taste' });
  const files = () => readdirSync(join(folder, 'artifacts', 'vectors-taste')).sort();
  const stored = files();
  const bad = put('bad.jsonl', '{"id":"plant-1","vector":[1,2,3]}\n{"id":"plant-2","vector":[1,null,3]}\n');
  await expect(runJob(importVectors, folder, { file: bad, name: 'taste' })).rejects.toMatchObject({
    code: 'CATALOG_FILE_UNREADABLE',
    message: expect.stringContaining('the vector of pin plant-2 holds null at place 2'),
  });
  const strangers = put('s.jsonl', '{"id":"x","vector":[1,2,3]}\n');
  await expect(runJob(importVectors, folder, { file: strangers, name: 'taste' })).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
  for (const name of ['', 'Taste', '../x', 'a b', 'x'.repeat(33)])
    await expect(runJob(importVectors, folder, { file: good, name })).rejects.toMatchObject({ code: 'JOB_USAGE' });
  expect(files()).toEqual(stored);
  await context.refresh();

  await runJob(importVectors, folder, { file: good, name: 'taste' });
  const path = join(folder, 'artifacts', 'vectors-taste', '000002.bin');
  const bytes = readFileSync(path);
  bytes[100] ^= 255;
  writeFileSync(path, bytes);
  await context.refresh();
  const list = await related('plant-6', '&treatment={"sources":["vectors"]}');
  expect(list.degraded).toEqual([{ code: 'ARTIFACT_REFUSED', reason: expect.stringContaining('vectors taste') }]);
  expect(sourcesOf(list, 'plant-1')).toHaveLength(1);
});

test('the share of a set is a setting, by its own name or that of all vectors', async () => {
  await runJob(importVectors, folder, { file: put('v.jsonl', lines(tastes())), name: 'taste' });
  const proposed = async (sources: readonly string[]): Promise<number> => {
    const config = testConfig(folder, { sources, candidateLimit: 10 });
    const other = await openContext(config, folder);
    const otherApp = await buildApp(other);
    const list: ListReplyBody = (await otherApp.inject('/v1/pins/plant-6/related?limit=50')).json();
    await otherApp.close();
    await other.close();
    return list.items.filter(({ sources: of }) => of.some(({ name }) => name === 'vectors-taste')).length;
  };
  expect(await proposed(['annotations', 'vectors:0.3'])).toBe(3);
  expect(await proposed(['annotations', 'vectors-taste:0.2'])).toBe(2);
  expect(await proposed(['annotations'])).toBe(0);
});

test.skipIf(whyNoGraph() !== null)(
  'doctor looks at the graphs, and every list names a damaged one while all vectors are compared',
  async () => {
    await runJob(importVectors, folder, { file: put('v.jsonl', lines(tastes())), name: 'taste' });
    const findings = async () => (await runJob(doctor, folder)).findings.filter(({ check }) => check.includes('vectors'));
    expect(await findings()).toMatchObject([
      { check: 'artifact vectors-taste', health: 'ok' },
      { check: 'graph of vectors taste', health: 'ok' },
    ]);
    const graph = readdirSync(join(folder, 'artifacts', 'vectors-taste')).find((name) => name.endsWith('.hnsw')) ?? '';
    const path = join(folder, 'artifacts', 'vectors-taste', graph);
    writeFileSync(path, readFileSync(path).subarray(1));
    expect((await findings())[1]).toMatchObject({ health: 'bad', says: expect.stringContaining('import the vectors again') });
    await context.refresh();
    const list = await related('plant-6', '&treatment={"sources":["vectors"]}');
    expect(list.degraded).toMatchObject([{ code: 'INDEX_UNAVAILABLE', reason: expect.stringContaining('compared one and all') }]);
    expect(sourcesOf(list, 'plant-1')).toHaveLength(1);
  },
);

test('vectors whose inner products are no numbers, and ids without end, are refused or shortened by name', async () => {
  const huge = lines([{ id: 'plant-1', vector: [3e38, 1] }]);
  await expect(runJob(importVectors, folder, { file: put('huge.jsonl', huge), name: 'huge', metric: 'dot' })).rejects.toThrow(
    /the vector of pin plant-1 has the length 3e\+38; inner products need at most/,
  );
  expect(await runJob(importVectors, folder, { file: put('huge.jsonl', huge), name: 'huge' })).toMatchObject({ vectors: 1 });
  const zeros = put('zeros.jsonl', lines([{ id: 'plant-1', vector: [0, 0] }]));
  await expect(runJob(importVectors, folder, { file: zeros, name: 'zeros' })).rejects.toThrow(/Every vector .* is zeros.*\(1 row\)/);
  const long = put('long.jsonl', lines([...tastes(), { id: 'x'.repeat(100_000), vector: [1, 0, 0] }]));
  expect(await runJob(importVectors, folder, { file: long, name: 'long' })).toMatchObject({ unknownIds: [`${'x'.repeat(80)}...`] });
});
