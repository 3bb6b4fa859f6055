/**
 * A generated catalogue for benches: every source has something to propose and every ranking feature something to read.
 * Lists are drawn, not counted, so that a hundred thousand pins are there within a minute; the files and the readers are
 * those of the service. Kept in the temporary folder and used again.
 */
import { SITE_CATEGORIES } from '../src/config.ts';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_COOCCURRENCE, type NeighborLists } from '../src/candidates/cooccurrence/board-cooccurrence.ts';
import { COOCCURRENCE_KIND } from '../src/candidates/cooccurrence/cooccurrence-store.ts';
import { ListScratch } from '../src/candidates/list-scratch.ts';
import { neighborListFolder, writeNeighborLists } from '../src/candidates/neighbor-list-file.ts';
import { VISUAL_KIND } from '../src/candidates/visual/visual-neighbors.ts';
import { openCatalog } from '../src/catalog/pins/catalog-store.ts';
import { snapshotPins } from '../src/catalog/pins/pin-snapshot.ts';
import { upsertBatch } from '../src/catalog/pins/upsert.ts';
import { signRow } from '../src/features/class-signs.ts';
import { featureNetOf } from '../src/features/convnet.ts';
import { netKeyOf, openFeatureStore } from '../src/features/feature-store.ts';
import { featureArtifacts } from '../src/features/feature-artifact.ts';
import { wordsOf } from '../src/math/bits.ts';
import { type Random, seededRandom } from '../src/math/random.ts';
import { FEATURE_COLUMNS } from '../src/ranker/scoring/feature-table.ts';
import { MODEL_FORMAT } from '../src/ranker/registry/model-artifact.ts';
import { ModelRegistry } from '../src/ranker/registry/model-registry.ts';
import { activeNet } from '../src/vision/net-folder.ts';
import { readNet } from '../src/vision/net-manifest.ts';

const VERSION = 4;
const BATCH = 2000;

export interface GeneratedSizes {
  readonly pins: number;
  /** Entries per co-occurrence and per visual list. */
  readonly boardList: number;
  readonly visualList: number;
  /** Of a binary code; absent: as many as the bundled net gives. */
  readonly bits?: number;
}

/** The data folder of a generated catalogue, made if it is not there yet. */
export function generatedCatalog(sizes: GeneratedSizes): string {
  const { pins, boardList, visualList, bits } = sizes;
  const folder = join(tmpdir(), ['related-pins-bench', VERSION, pins, boardList, visualList, bits ?? 'net'].join('-'));
  if (existsSync(folder)) return folder;
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  try {
    const random = seededRandom(7);
    writeCatalog(draft, pins, random);
    writeFeatures(draft, sizes, random);
    writeLists(draft, sizes, random);
    writeModel(draft, random);
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

const NOUNS = [
  'chair',
  'lamp',
  'fern',
  'boots',
  'dress',
  'cake',
  'sofa',
  'mask',
  'table',
  'rug',
  'poster',
  'jar',
  'coat',
  'ring',
  'shelf',
  'vase',
];

function writeCatalog(folder: string, pins: number, random: Random): void {
  const catalog = openCatalog(folder);
  const options = { now: Date.UTC(2026, 5, 1), folders: { images: join(folder, 'images'), data: folder } };
  const term = (): string => `${random.pick(NOUNS)} ${random.integer(200)}`;
  for (let from = 0; from < pins; from += BATCH) {
    const rows = Array.from({ length: Math.min(BATCH, pins - from) }, (_, i) => ({
      id: `pin-${from + i}`,
      image: `${from + i}.jpg`,
      title: `${term()} ${term()} ${random.pick(NOUNS)}`,
      link: `https://shop-${random.integer(500)}.example/${from + i}`,
      annotations: { [term()]: 1, [term()]: 0.6, [random.pick(NOUNS)]: 0.4 },
      categories: { [random.pick(SITE_CATEGORIES)]: 0.7, [random.pick(SITE_CATEGORIES)]: 0.3 },
      buyable: random.next() < 0.3,
      createdAt: Date.UTC(2025, random.integer(12), 1 + random.integer(28)),
    }));
    upsertBatch(catalog, 'pins', rows, options);
  }
  catalog.pins.noteImages(catalog.pins.imagesNeeded().map((image) => ({ ...image, failure: null })));
  const boards = Array.from({ length: Math.ceil(pins / 20) }, (_, b) => ({ id: `board-${b}`, ownerId: `user-${b % 5000}` }));
  upsertBatch(catalog, 'boards', boards, options);
  for (let from = 0; from < pins * 2; from += 10_000) {
    const saves = Array.from({ length: Math.min(10_000, pins * 2 - from) }, () => ({
      boardId: `board-${random.integer(boards.length)}`,
      pinId: `pin-${Math.floor(pins * random.next() ** 2)}`,
      at: Date.UTC(2026, 4, 1 + random.integer(28)),
    }));
    upsertBatch(catalog, 'saves', saves, options);
  }
  snapshotPins(folder, catalog);
  catalog.close();
}

/** The packed file alone: a server reads nothing else of a net's features. */
function writeFeatures(folder: string, { pins, bits }: GeneratedSizes, random: Random): void {
  const net = featureNetOf(readNet(activeNet(folder, 'visual')));
  const store = openFeatureStore(folder);
  const netId = store.netIdOf(net);
  const width = bits ?? net.fc6Length;
  if (bits !== undefined) store.setBinarizer(netId, { kind: 'positive', bits });
  const words = wordsOf(width);
  const { fc8Length } = net;
  if (!net.shortCode) throw new Error(`${net.name} has no short code of fc8`);
  const signs = wordsOf(fc8Length);
  const row = { imageVersion: 1, code: drawnWords(words, random), scores: signRow(drawnWords(signs, random), 0, fc8Length) };
  store.put(netId, 'image', [{ ...row, pinIndex: 0 }]);
  const withObject = Uint32Array.from({ length: Math.ceil(pins / 3) }, (_, i) => 3 * i);
  featureArtifacts(folder, net).write(
    {
      netKey: netKeyOf(net),
      netDigest: net.digest,
      preprocessing: net.preprocessing,
      rule: net.rule,
      bits: width,
      fc8Length,
      pins,
      sequence: store.sequence(netId),
      objectLabels: ['thing'],
    },
    {
      has: new Uint8Array(pins).fill(1),
      codes: eachBatch(pins, (rows) => drawnWords(rows * words, random)),
      signs: eachBatch(pins, (rows) => drawnWords(rows * signs, random)),
      objectPins: withObject,
      objectLabels: new Uint16Array(withObject.length),
      objectCodes: eachBatch(withObject.length, (rows) => drawnWords(rows * words, random)),
      objectSigns: eachBatch(withObject.length, (rows) => drawnWords(rows * signs, random)),
    },
  );
  store.close();
}

function* eachBatch<T>(rows: number, make: (rows: number) => T): Generator<T> {
  for (let from = 0; from < rows; from += BATCH) yield make(Math.min(BATCH, rows - from));
}

function drawnWords(count: number, random: Random): Uint32Array<ArrayBuffer> {
  const drawn = new Uint32Array(count);
  for (let i = 0; i < count; i++) drawn[i] = random.integer(2 ** 32);
  return drawn;
}

function writeLists(folder: string, { pins, boardList, visualList, bits: asked }: GeneratedSizes, random: Random): void {
  const artifacts = join(folder, 'artifacts');
  const catalog = openCatalog(folder);
  const sequence = catalog.sequence.current();
  const boards = catalog.boards.count();
  catalog.close();
  const net = readNet(activeNet(folder, 'visual'));
  const bits = asked ?? featureNetOf(net).fc6Length;
  const builtAt = new Date().toISOString();
  const cooccurrence = { options: DEFAULT_COOCCURRENCE, sequence, pins, boards, pairs: pins * 2, builtAt };
  const visual = { netDigest: net.digest, bits, neighbors: visualList, pins, builtAt };
  const write = (kind: string, length: number, metadata: object, besides: Record<string, Float64Array<ArrayBuffer>>): void => {
    const scratch = new ListScratch(join(artifacts, kind), 'bench');
    for (let first = 0; first < pins; first += BATCH)
      scratch.append(drawnLists(first, Math.min(BATCH, pins - first), length, pins, random));
    writeNeighborLists(neighborListFolder(artifacts, kind), { ...metadata }, scratch, besides);
    scratch.discard();
  };
  write(COOCCURRENCE_KIND, boardList, cooccurrence, { norms: new Float64Array(pins).fill(2) });
  write(VISUAL_KIND, visualList, visual, {});
}

function drawnLists(first: number, rows: number, length: number, pins: number, random: Random): NeighborLists {
  const start = Uint32Array.from({ length: rows + 1 }, (_, r) => r * length);
  const pinIndexes = Int32Array.from({ length: rows * length }, () => random.integer(pins));
  const scores = Float32Array.from({ length: rows * length }, (_, i) => 1 / (2 + (i % length)));
  return { first, rows, start, pinIndexes, scores };
}

/** A model that uses every column of the table. */
function writeModel(folder: string, random: Random): void {
  const registry = new ModelRegistry(join(folder, 'models'));
  const features = FEATURE_COLUMNS.map((name) => ({
    name,
    weight: random.normal(),
    normalization: { kind: 'standard' as const, mean: random.next(), deviation: 0.5 + random.next() },
  }));
  const lineage = {
    source: 'import',
    window: null,
    codeVersion: 'bench',
    seed: 7,
    c: null,
    settings: {},
    netDigest: null,
    previous: null,
  } as const;
  const empty = { counts: { lists: 0, rows: 0, pairs: 0 }, training: {}, ndcg10: {}, onnxDigest: null, distributions: {} };
  registry.add({
    format: MODEL_FORMAT,
    name: 'every-column',
    kind: 'linear',
    createdAt: new Date().toISOString(),
    features,
    lineage,
    ...empty,
  });
  registry.point('SERVING', 'every-column', {
    at: '',
    action: 'promote',
    model: 'every-column',
    previous: null,
    who: 'bench',
    why: '',
    forced: true,
  });
}
