/** How long from a crop to its results, split by stage, on one serving process with one inference thread? */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainNeighbors } from '../../test/candidates/plain-neighbors.ts';
import { featureNetOf } from '../../src/features/convnet.ts';
import { openFeatureStore } from '../../src/features/feature-store.ts';
import { openFeatures } from '../../src/features/resident-features.ts';
import { type Random, seededRandom } from '../../src/math/random.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { activeNet } from '../../src/vision/net-folder.ts';
import { readNet } from '../../src/vision/net-manifest.ts';
import { type Contender, percentiles, round, startContender } from '../contest.ts';
import { generatedCatalog } from '../generated-catalog.ts';
import { flagsOf } from '../flags.ts';

const PICTURES = 40;
const [WIDTH, HEIGHT] = [960, 720];
const WARM_UP = 20;

interface Query {
  readonly pinId: string;
  readonly box: readonly number[];
}

interface Answered {
  readonly ms: number;
  readonly timings: Readonly<Record<string, number>>;
}

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const { pins, requests } = flagsOf(argv, { pins: 100_000, requests: 400 });
  const folder = generatedCatalog({ pins, boardList: 400, visualList: 300 });
  const random = seededRandom(17);
  await drawPictures(join(folder, 'images'), random);
  const queries = Array.from({ length: requests + WARM_UP }, () => drawnQuery(random));
  const peer = plainScan(folder, random);
  const service = await startContender({ kind: 'service', folder, settings: { inferenceWorkers: 1, logLevel: 'silent' } });
  for (const query of queries.slice(0, WARM_UP)) await ask(service, query);
  const fresh: Answered[] = [];
  const before = await service.usage();
  for (const query of queries.slice(WARM_UP)) fresh.push(await ask(service, query));
  const after = await service.usage();
  const again: Answered[] = [];
  for (const query of queries.slice(WARM_UP)) again.push(await ask(service, query));
  const crowd = await together(
    service,
    Array.from({ length: requests }, () => drawnQuery(random)),
    4,
  );
  const lens: number[] = [];
  for (const query of Array.from({ length: requests }, () => drawnQuery(random))) lens.push(await askLens(service, query));
  await service.stop();
  const stages = stagesOf(fresh);
  const ours = stages.search.p50;
  return {
    ours,
    peer,
    ratio: round(peer / ours),
    unit: 'milliseconds of the scan and its order, against one plain loop over the same codes',
    pins,
    requests,
    latency: percentiles(fresh.map(({ ms }) => ms)),
    stages,
    processorMsEach: round((after.cpuMicros - before.cpuMicros) / 1000 / requests),
    remembered: { latency: percentiles(again.map(({ ms }) => ms)), stages: stagesOf(again) },
    fourCallers: crowd,
    lens: { latency: percentiles(lens) },
    raw: { latencyMs: fresh.map(({ ms }) => round(ms)) },
  };
}

/** Pictures of the first pins, drawn where the catalogue says they are. */
async function drawPictures(folder: string, random: Random): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < PICTURES; i++) {
    const file = join(folder, `${i}.jpg`);
    if (!existsSync(file)) writeFileSync(file, await drawSvg(picture(random)));
  }
}

function picture(random: Random): string {
  const shapes = Array.from({ length: 60 }, () => {
    const [x, y, size, hue] = [random.integer(WIDTH), random.integer(HEIGHT), 20 + random.integer(160), random.integer(360)];
    return `<ellipse cx="${x}" cy="${y}" rx="${size}" ry="${size / 2}" fill="hsl(${hue},60%,50%)" transform="rotate(${hue} ${x} ${y})"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">${shapes.join('')}</svg>`;
}

function drawnQuery(random: Random): Query {
  const [x, y] = [random.next() * 0.6, random.next() * 0.6];
  const [w, h] = [0.1 + random.next() * 0.3, 0.1 + random.next() * 0.3];
  return { pinId: `pin-${random.integer(PICTURES)}`, box: [x, y, x + w, y + h] };
}

async function ask({ origin }: Contender, { pinId, box }: Query): Promise<Answered> {
  const startedAt = performance.now();
  const reply = await fetch(`${origin}/v1/visual-search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ pinId, box, boxUnit: 'fractions', limit: 25, explain: true }),
  });
  const body = (await reply.json()) as { timings?: Record<string, number>; detail?: string };
  if (!body.timings) throw new Error(`visual search answered ${reply.status}: ${body.detail ?? ''}`);
  return { ms: performance.now() - startedAt, timings: body.timings };
}

/** Milliseconds of a Lens request for a box that nobody asked for before. */
async function askLens({ origin }: Contender, { pinId, box }: Query): Promise<number> {
  const startedAt = performance.now();
  const reply = await fetch(`${origin}/v1/lens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ pinId, box, boxUnit: 'fractions', limit: 25 }),
  });
  await reply.arrayBuffer();
  if (reply.status !== 200) throw new Error(`Lens answered ${reply.status}`);
  return performance.now() - startedAt;
}

async function together(service: Contender, queries: readonly Query[], callers: number) {
  const startedAt = performance.now();
  const each: number[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < queries.length) each.push((await ask(service, queries[next++])).ms);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { perSecond: round((1000 * queries.length) / (performance.now() - startedAt)), latency: percentiles(each) };
}

function stagesOf(answers: readonly Answered[]) {
  const stage = (name: string) => percentiles(answers.map(({ timings }) => timings[name] ?? 0));
  return { read: stage('read'), describe: stage('describe'), search: stage('search'), reply: stage('reply') };
}

/** The plain twin of the scan over the same codes: median of eleven. */
function plainScan(folder: string, random: Random): number {
  const store = openFeatureStore(folder);
  const features = openFeatures(folder, store, featureNetOf(readNet(activeNet(folder, 'visual'))), 0);
  const times = Array.from({ length: 11 }, () => {
    const query = Uint32Array.from({ length: features.image.words }, () => random.integer(2 ** 32));
    const startedAt = performance.now();
    plainNeighbors(features.image, query, 1000);
    return performance.now() - startedAt;
  });
  features.close();
  store.close();
  return round(times.sort((a, b) => a - b)[5]);
}
