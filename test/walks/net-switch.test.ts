import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { featureNetOf } from '../../src/features/convnet.ts';
import { openFeatureStore } from '../../src/features/feature-store.ts';
import type { CodeTable } from '../../src/features/visual-features.ts';
import { randomFrame } from '../../src/features/tuning/tuned-layer.ts';
import { job as buildCandidates } from '../../src/jobs/candidates/build-candidates.ts';
import { job as dropFeatures } from '../../src/jobs/nets/drop-features.ts';
import { job as extractFeatures } from '../../src/jobs/nets/extract-features.ts';
import type { Job } from '../../src/jobs/job.ts';
import { job as reportDarkReads } from '../../src/jobs/models/report-dark-reads.ts';
import { job as rollBackNet } from '../../src/jobs/nets/roll-back-net.ts';
import { job as switchNet } from '../../src/jobs/nets/switch-net.ts';
import { hamming } from '../../src/math/bits.ts';
import { SILENT } from '../../src/progress.ts';
import { appendLayers } from '../../src/vision/import/append-layers.ts';
import { namedNet, writeNetSwitches } from '../../src/vision/net-folder.ts';
import { readNet } from '../../src/vision/net-manifest.ts';
import { modelOf } from '../ranker/models.ts';
import { testConfig, worldFolder } from '../world.ts';

const WAIT = { timeout: 60_000, interval: 20 };
const BITS = 64;
/** What the service is asked for: similarity alone makes the score, so a list shows which net's codes it was made from. */
const FEATURES = [{ name: 'fc6-similarity', weight: 1, normalization: { kind: 'none' } as const }];
let folder: string;
let context: Context;
let app: Awaited<ReturnType<typeof buildApp>>;
let url: string;
/** Model -> the similarity of two pins in the features it was trained on. */
const likeness = new Map<string, (a: string, b: string) => number>();

beforeAll(async () => {
  folder = await worldFolder();
  const bundled = readNet(namedNet(folder, 'bundled'));
  const length = bundled.manifest.outputs.fc6.length as number;
  const weights = randomFrame(BITS, length, 3);
  const layer = { role: 'fc6', inputLength: length, outputLength: BITS, weights, bias: new Float32Array(BITS), unit: false };
  const short = {
    role: 'embedding',
    inputLength: length,
    outputLength: 4,
    weights: randomFrame(4, length, 4),
    bias: new Float32Array(4),
    unit: true,
  };
  appendLayers(bundled, [layer, short], join(folder, 'nets', 'second'), { name: 'second' });
  for (const options of [{}, { net: join(folder, 'nets', 'second') }]) await run(extractFeatures, { batch: 4, workers: 1, ...options });
  context = await openContext(testConfig(folder), folder, { lock: true, follow: true });
  for (const name of ['bundled', 'second']) {
    const net = readNet(namedNet(folder, name));
    const model = modelOf(`on-${name}`, FEATURES);
    context.registry.add({ ...model, lineage: { ...model.lineage, netDigest: net.digest } });
    likeness.set(model.name, likenessOf(name));
  }
  promote('on-bundled');
  await context.refresh();
  app = await buildApp(context);
  url = await app.listen({ port: 0, host: '127.0.0.1' });
}, 120_000);
afterAll(async () => {
  await app?.close();
  await context?.close();
});

function run(job: Job, options: Record<string, unknown> = {}, ...args: string[]): Promise<Readonly<Record<string, unknown>>> {
  return job.run({ options, args, config: testConfig(folder), dataFolder: folder, progress: SILENT, signal: new AbortController().signal });
}

function promote(model: string): void {
  writeFileSync(join(folder, 'models', 'SERVING'), model);
}

function likenessOf(name: string): (a: string, b: string) => number {
  const store = openFeatureStore(folder);
  const net = featureNetOf(readNet(namedNet(folder, name)));
  const codes = new Map([...store.rows(store.netIdOf(net), 'image')].map((row) => [row.pinIndex, row.code as Uint32Array]));
  store.close();
  const codeOf = (id: string): Uint32Array => codes.get(context.catalog.pins.indexOf(id)) as Uint32Array;
  return (a, b) => Math.fround(1 - hamming(codeOf(a), codeOf(b)) / net.fc6Length);
}

const QUERIES = ['plant-1', 'tattoo-2', 'plant-6', 'tattoo-6'];

async function related(query: string): Promise<ListReplyBody & { readonly query: string; readonly status: number }> {
  const reply = await fetch(`${url}/v1/pins/${query}/related?limit=11&explain=true`);
  return { ...((await reply.json()) as ListReplyBody), query, status: reply.status };
}

/** Asks all the time until told to stop. */
function load() {
  let stopped = false;
  const replies: Awaited<ReturnType<typeof related>>[] = [];
  const askers = [0, 1, 2, 3].map(async (n) => {
    for (let i = n; !stopped; i++) replies.push(await related(QUERIES[i % QUERIES.length]));
  });
  return {
    /** Settles when some more were answered. */
    some: () => {
      const wanted = replies.length + 8;
      return expect.poll(() => replies.length, WAIT).toBeGreaterThanOrEqual(wanted);
    },
    async stop() {
      stopped = true;
      await Promise.all(askers);
      return replies;
    },
  };
}

async function upsert(pin: Readonly<Record<string, unknown>>): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const reply = await fetch(`${url}/v1/pins`, { method: 'POST', headers, body: JSON.stringify({ pins: [pin] }) });
  expect(reply.status).toBe(200);
}

const servedBy = async (): Promise<string> => (await related('plant-1')).modelVersion;

interface DarkNetReport {
  readonly dark: { readonly net: string } | null;
  readonly model: string | null;
  readonly problem: string | null;
  readonly reads: number;
  readonly overlap: Readonly<Record<string, number>>;
  readonly rankChange: { readonly count: number; readonly mean: number } | null;
}

const darkReport = async (): Promise<DarkNetReport> => (await fetch(`${url}/v1/nets/dark/report`)).json() as Promise<DarkNetReport>;

describe('another net', { timeout: 240_000 }, () => {
  it('reads in the dark before it is switched to: lists are made again with its features, lists and model, and nobody sees them', async () => {
    expect(await run(buildCandidates, { only: 'visual', net: join(folder, 'nets', 'second') })).toMatchObject({ visual: { listed: 12 } });
    expect(await run(switchNet, { dark: true, share: 1 }, 'second')).toMatchObject({
      net: 'second',
      model: 'on-second',
      share: 1,
      missing: 0,
    });
    await expect.poll(async () => (await darkReport()).dark?.net, WAIT).toBe('second');
    const ofSecond = readNet(namedNet(folder, 'second')).digest;
    await expect.poll(() => context.sources.vectors.ofNet(ofSecond)?.dimensions, WAIT).toBe(4);
    expect(context.parts.vectors, 'its own vectors serve in the dark only').toEqual([]);
    const asking = load();
    await asking.some();
    for (const { modelVersion, query, items } of await asking.stop()) {
      expect(modelVersion).toBe('on-bundled');
      for (const { pinId, score } of items) expect(score).toBe(likeness.get('on-bundled')?.(query, pinId));
    }
    await expect.poll(async () => (await darkReport()).reads, WAIT).toBeGreaterThanOrEqual(8);
    const { model, problem, overlap, rankChange } = await darkReport();
    expect({ model, problem }).toEqual({ model: 'net:second on-second', problem: null });
    // All eleven others are candidates of either net: the same pins, in another order.
    expect(overlap['25']).toBe(1);
    expect(rankChange?.mean).toBeGreaterThan(0);
    const [read] = context.darkNetReading.lastReads(1).reads;
    const query = context.pins.idOf(read.queryPinIndex);
    read.dark.pinIndexes.forEach((pin, place) =>
      expect(read.dark.scores[place]).toBe(likeness.get('on-second')?.(query, context.pins.idOf(pin))),
    );
    expect(await run(reportDarkReads, { net: 'second' })).toMatchObject({
      model: 'net:second on-second',
      servingModels: ['on-bundled'],
      problems: {},
    });
    await run(switchNet, { stopDark: true });
    await expect.poll(async () => (await darkReport()).dark, WAIT).toBe(null);
    await expect(run(switchNet, { stopDark: true })).rejects.toThrow(/No net reads/);
  });

  it('is switched to and back under load: no request fails, no list mixes the codes of two nets', async () => {
    const asking = load();
    await asking.some();
    expect(await run(switchNet, {}, 'second')).toMatchObject({
      net: 'second',
      model: 'on-second',
      previousModel: 'on-bundled',
      missing: 0,
    });
    await expect.poll(servedBy, WAIT).toBe('on-second');
    expect(context.sources.all.map(({ name }) => name)).toContain('vectors-net');
    await asking.some();
    expect(await run(rollBackNet)).toMatchObject({ net: 'bundled', model: 'on-bundled' });
    await expect.poll(servedBy, WAIT).toBe('on-bundled');
    expect(context.sources.all.map(({ name }) => name)).not.toContain('vectors-net');
    await asking.some();
    await run(switchNet, { why: 'again' }, 'second');
    await expect.poll(servedBy, WAIT).toBe('on-second');
    await asking.some();
    const replies = await asking.stop();
    expect(replies.length).toBeGreaterThan(20);
    for (const { status, modelVersion, query, items, degraded } of replies) {
      expect(status).toBe(200);
      expect(degraded.filter(({ code }) => code !== 'RANKER_MODEL_REFUSED')).toEqual([]);
      const expected = likeness.get(modelVersion);
      expect(expected, modelVersion).toBeDefined();
      for (const { pinId, score } of items) expect(score).toBe(expected?.(query, pinId));
    }
    expect(new Set(replies.map(({ modelVersion }) => modelVersion))).toEqual(new Set(['on-bundled', 'on-second']));
  });

  it('keeps out a ranking model of other features: the order of retrieval serves, and says why', async () => {
    promote('on-bundled');
    await expect.poll(async () => (await related('plant-1')).degraded.map(({ code }) => code), WAIT).toEqual(['RANKER_MODEL_REFUSED']);
    expect(await servedBy()).toBe('on-second');
    promote('on-second');
    await expect.poll(async () => (await related('plant-1')).degraded, WAIT).toEqual([]);
    await expect(run(switchNet, { model: 'on-second' }, 'bundled')).rejects.toThrow(/other|another net/);
    expect(await servedBy()).toBe('on-second');
  });

  it('is refused with its reason when its file is damaged or lacks features; what served goes on', async () => {
    const second = join(folder, 'nets', 'second');
    const broken = (name: string, damage: (copy: string) => void): string => {
      const copy = join(folder, 'nets', name);
      cpSync(second, copy, { recursive: true });
      damage(copy);
      return name;
    };
    const digest = broken('other-bytes', (copy) => appendFileSync(join(copy, 'net.onnx'), 'more'));
    const text = broken('no-json', (copy) => writeFileSync(join(copy, 'manifest.json'), '{'));
    const unseen = broken('unseen', (copy) => {
      const manifest = JSON.parse(readFileSync(join(copy, 'manifest.json'), 'utf8')) as object;
      writeFileSync(join(copy, 'manifest.json'), JSON.stringify({ ...manifest, binarization: 'activation > median' }));
    });
    await expect(run(switchNet, {}, digest)).rejects.toThrow(/digest/);
    await expect(run(switchNet, {}, text)).rejects.toThrow(/not JSON/);
    await expect(run(switchNet, {}, unseen)).rejects.toThrow(/12 of 12 images have no features/);
    await expect(run(switchNet, {}, 'nowhere')).rejects.toThrow(/There is no net nowhere/);
    // A pointer that somebody wrote by hand, to the damaged file.
    const at = new Date().toISOString();
    const before = { net: 'second', digest: '', model: 'on-second', at, why: '' };
    writeNetSwitches(folder, [before, { ...before, net: digest }]);
    await expect.poll(async () => (await related('tattoo-2')).degraded.map(({ code }) => code), WAIT).toEqual(['NET_REFUSED']);
    expect(await servedBy()).toBe('on-second');
    writeNetSwitches(folder, [before]);
    await expect.poll(async () => (await related('tattoo-2')).degraded, WAIT).toEqual([]);
    for (const name of [digest, text, unseen]) rmSync(join(folder, 'nets', name), { recursive: true });
  });

  it('sees a picture that arrives within seconds', async () => {
    mkdirSync(join(folder, 'images'), { recursive: true });
    cpSync(join(folder, 'images', 'plant-1.png'), join(folder, 'images', 'plant-7.png'));
    await upsert({ id: 'plant-7', image: join(folder, 'images', 'plant-7.png'), title: 'new' });
    await expect.poll(() => context.visual?.image.has[context.pins.indexOf('plant-7')], WAIT).toBe(1);
    expect(context.visual?.image.bits).toBe(BITS);
  });

  it('sees within seconds that a pin shows another picture', async () => {
    const codeOf = (id: string): number[] => {
      const { codes, words } = context.visual?.image as CodeTable;
      return [...codes.slice(context.pins.indexOf(id) * words, (context.pins.indexOf(id) + 1) * words)];
    };
    expect(codeOf('plant-7')).toEqual(codeOf('plant-1'));
    await upsert({ id: 'plant-7', image: join(folder, 'images', 'tattoo-2.png'), title: 'new' });
    await expect.poll(() => codeOf('plant-7'), WAIT).toEqual(codeOf('tattoo-2'));
  });

  it('leaves features behind that a job drops, saying what that frees', async () => {
    await expect(run(dropFeatures, {}, 'second')).rejects.toThrow(/being served/);
    const bundled = readNet(fileURLToPath(new URL('../../data/nets/visual', import.meta.url)));
    const { freed } = (await run(dropFeatures, {}, bundled.manifest.name)) as { freed: Record<string, number> };
    expect(freed.rows).toBe(12);
    expect(freed.databaseBytes).toBeGreaterThan(12 * (256 + 1024));
    expect(freed.artifactBytes).toBeGreaterThan(0);
    const { nets } = (await run(dropFeatures)) as { nets: readonly { name: string; active: boolean }[] };
    expect(nets.map(({ name, active }) => [name, active])).toEqual([['second', true]]);
    await expect(run(switchNet, {}, 'bundled')).rejects.toThrow(/images have no features/);
    expect(await servedBy()).toBe('on-second');
  });
});
