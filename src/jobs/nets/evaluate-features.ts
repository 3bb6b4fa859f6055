/** The paper's Table 1: nets x layers x raw or binary x distances, precision at 1, 5, 10 on labelled images, beside baselines. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { ServiceError } from '../../errors.ts';
import { openConvNet } from '../../features/convnet.ts';
import { noiseDrawing, noiseSeparation } from '../../features/noise-separation.ts';
import { evaluateChance, evaluateRows, type Protocol } from '../../features/retrieval-evaluation.ts';
import { seededRandom } from '../../math/random.ts';
import { drawSvg } from '../../vision/image-tensor.ts';
import { openPool, type InferencePool } from '../../vision/inference-pool.ts';
import { activeNet } from '../../vision/net-folder.ts';
import type { NetManifest } from '../../vision/net-manifest.ts';
import { type EvaluatedImage, evaluatedImages } from './evaluated-images.ts';
import { MapMaking } from './feature-map.ts';
import { givenNets } from './given-nets.ts';
import { LayerRanking } from './layer-ranking.ts';
import { type LayerRow, rowOf } from './layer-rows.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  { flag: '--images <folder>', meaning: 'folders of images, a folder a label (absent: the catalogue)' },
  {
    flag: '--net <folder>',
    meaning: 'a net to measure: its folder, or an ONNX file as exported (default: the active one)',
    repeatable: true,
  },
  { flag: '--layers <names>', meaning: 'only these, of fc6, fc7, fc8, pool5 and what else a manifest names (default: all)', kind: 'list' },
  {
    flag: '--truth <kind>',
    meaning: 'labels of the catalogue: categories or boards',
    choices: ['categories', 'boards'],
    default: 'categories',
  },
  {
    flag: '--queries <n>',
    meaning: 'this many random images ask, the rest is indexed (default: each asks all others)',
    kind: 'integer',
  },
  { flag: '--per-class <n>', meaning: 'use this many images of each label', kind: 'integer' },
  { flag: '--itq <bits>', meaning: 'also rotated codes of these lengths, separated by commas', kind: 'list' },
  {
    flag: '--noise <n>',
    meaning: 'also: do this many images of noise stand apart from the real ones (the paper’s Figure 5)',
    kind: 'integer',
  },
  {
    flag: '--map <file>',
    meaning: 'also a page that shows where the images lie to each other (HTML, nothing else needed); with --noise, the noise too',
  },
  { flag: '--seed <n>', meaning: 'of samples, rotations, the map and the chance row', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'evaluate-features',
  summary: "precision at k of every net, layer, code and distance on labelled images (the paper's Table 1 and 2)",
  examples: [
    'related-pins evaluate-features --images clothing-test --net data/nets/visual --net nets/squeezenet --json',
    'related-pins evaluate-features --images clothing-test --net vgg16.onnx --layers fc6,fc7,fc8,pool5 --itq 128',
    'related-pins evaluate-features --data var --truth boards --queries 500',
    'related-pins evaluate-features --images clothing-test --noise 40 --map map.html',
  ],
  options: FLAGS,
  run: evaluateFeatures,
  describe: (receipt) => [...describeRows(receipt.rows), ...(receipt.map ? [`map: ${receipt.map.file}`] : [])],
});

async function evaluateFeatures(input: Input) {
  const { options, config, dataFolder, progress } = input;
  const { images, labelOf } = evaluatedImages(input);
  const given = await givenNets(options.net ?? [activeNet(dataFolder, 'visual')], progress);
  const pool = openPool(config, { workers: availableParallelism() });
  // Layers are ranked beside the inference of the next net, a thread each.
  const ranking = new LayerRanking(availableParallelism(), input.signal);
  const ranked: Promise<LayerRow[]>[] = [];
  const rows: LayerRow[] = [];
  const refused: Record<string, number> = {};
  const noise: Record<string, unknown>[] = [];
  const map = options.map === undefined ? null : new MapMaking({ images, labelOf, seed: options.seed }, resolve(options.map));
  let measured = 0;
  try {
    for (const folder of given.folders) {
      const net = await openConvNet(folder, pool);
      const isMeant = layerChoice(net.net.manifest, options.layers);
      const seen = await layersOf(pool, folder, images, input);
      for (const reason of seen.refused) refused[reason] = (refused[reason] ?? 0) + 1;
      const protocol = protocolOf(seen.labels, options);
      measured = seen.labels.length;
      if (rows.length === 0) rows.push(...baselines(seen, protocol, options.seed));
      for (const [layer, vectors] of Object.entries(seen.layers)) {
        if (!isMeant(layer)) continue;
        progress.note(`${net.net.manifest.name} ${layer}: ${vectors[0]?.length ?? 0} dimensions`);
        ranked.push(ranking.rowsOf({ net: net.net.manifest.name, layer, vectors, protocol, itq: options.itq ?? [], seed: options.seed }));
      }
      const drawn = typeof options.noise === 'number' ? await noiseOf(folder, pool, options.noise) : [];
      if (drawn.length > 0) noise.push(...noiseRows(net.net.manifest.name, seen, drawn));
      map?.add(
        `${net.net.manifest.name} fc6`,
        { at: seen.at, rows: seen.layers.fc6 },
        drawn.map(({ picture, fc6 }) => ({ picture, row: fc6 })),
      );
    }
    for (const layer of ranked) rows.push(...(await layer));
  } finally {
    await Promise.all([pool.close(), ranking.close()]);
    given.forget();
  }
  return {
    rows,
    images: measured,
    queries: options.queries ?? measured,
    refused,
    ...(noise.length > 0 ? { noise } : {}),
    ...(map ? { map: await map.write(progress) } : {}),
  };
}

/**
 * Which layers are ranked. Pooled features that play fc6 go by the paper's name, pool5, and once.
 *
 * @throws JOB_USAGE where the net has none of the layers that were named.
 */
function layerChoice({ name, outputs }: NetManifest, layers: readonly string[] | undefined): (layer: string) => boolean {
  const isPooled = outputs.pool5?.tensor === outputs.fc6.tensor;
  const has = Object.keys(outputs).filter((layer) => !(isPooled && layer === 'fc6'));
  const meant = layers === undefined ? has : has.filter((layer) => layers.includes(layer));
  if (meant.length > 0) return (layer) => meant.includes(layer);
  throw new ServiceError('JOB_USAGE', { reason: `--layers: ${name} has ${has.join(', ')}, and none of ${layers?.join(', ')}` });
}

interface Noise {
  readonly picture: Uint8Array;
  readonly fc6: Float32Array;
  readonly fc8: Float32Array;
}

/** Pictures of noise, and what a net makes of them. */
async function noiseOf(folder: string, pool: InferencePool, count: number): Promise<Noise[]> {
  const drawn = await Promise.all(Array.from({ length: count }, (_, seed) => drawSvg(noiseDrawing(seed), 'png')));
  const found = await pool.layers(
    folder,
    drawn.map((bytes) => ({ bytes })),
  );
  return found.flatMap((one, i) => (one.ok ? [{ picture: drawn[i], fc6: one.fc6, fc8: one.fc8 }] : []));
}

/** How well each layer keeps noise apart. */
function noiseRows(net: string, seen: Seen, noise: readonly Noise[]): Record<string, unknown>[] {
  return (['fc6', 'fc8'] as const).map((layer) => ({
    net,
    layer,
    images: noise.length,
    separation: noiseSeparation(
      seen.layers[layer],
      noise.map((one) => one[layer]),
    ),
  }));
}

interface Seen {
  /** Ordinals of the images that were read; labels and layers are of these. */
  readonly at: readonly number[];
  readonly labels: readonly (readonly number[])[];
  readonly layers: Record<string, Float32Array[]>;
  readonly refused: readonly string[];
}

/** All layers of all images that could be read. */
async function layersOf(
  pool: InferencePool,
  folder: string,
  images: readonly EvaluatedImage[],
  { progress, signal }: Input,
): Promise<Seen> {
  const layers: Record<string, Float32Array[]> = {};
  const at: number[] = [];
  const labels: (readonly number[])[] = [];
  const refused: string[] = [];
  progress.start('images', images.length);
  for (let from = 0; from < images.length; from += 64) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    const chunk = images.slice(from, from + 64);
    const bytes = await Promise.all(chunk.map((image) => image.read().catch(() => new Uint8Array(0))));
    const found = await pool.layers(
      folder,
      bytes.map((one) => ({ bytes: one })),
    );
    found.forEach((one, i) => {
      if (!one.ok) return void refused.push(one.code);
      at.push(from + i);
      labels.push(chunk[i].labels);
      for (const [layer, vector] of Object.entries({ fc6: one.fc6, ...one.layers, fc8: one.fc8 })) (layers[layer] ??= []).push(vector);
    });
    progress.update(from + chunk.length);
  }
  progress.stop();
  return { at, labels, layers, refused };
}

function protocolOf(labels: Protocol['labels'], options: Input['options']): Protocol {
  const count = options.queries;
  if (count === undefined) return { labels, queries: null };
  const drawn = seededRandom(options.seed)
    .shuffled(labels.map((_, i) => i))
    .slice(0, Math.min(count, labels.length - 1));
  return { labels, queries: drawn.sort((a, b) => a - b) };
}

function baselines(seen: Seen, protocol: Protocol, seed: number): LayerRow[] {
  const none = { layer: '-', positiveShare: null };
  return [
    rowOf({ net: 'random', ...none, type: 'random', distance: '-', bytesPerImage: 0 }, evaluateChance(seen.labels.length, protocol, seed)),
    rowOf(
      { net: 'colour-histogram', ...none, type: 'raw', distance: 'L1', bytesPerImage: 256 },
      evaluateRows(seen.layers.histogram ?? [], 'L1', protocol),
    ),
  ];
}

function describeRows(rows: readonly LayerRow[]): string[] {
  const cell = (value: number): string => (Number.isNaN(value) ? 'none' : value.toFixed(3)).padStart(6);
  const head = `${'net'.padEnd(24)}${'layer'.padEnd(8)}${'type'.padEnd(16)}${'distance'.padEnd(10)}  P@1    P@5    P@10   P@10 interval   bytes   ms`;
  return [
    head,
    ...rows.map((row) => {
      const [low, high] = row.intervals.p10;
      const name = `${row.net.slice(0, 23).padEnd(24)}${row.layer.padEnd(8)}${row.type.padEnd(16)}${row.distance.padEnd(10)}`;
      return `${name}${cell(row.p1)} ${cell(row.p5)} ${cell(row.p10)}   ${cell(low)}-${cell(high)}  ${String(row.bytesPerImage).padStart(6)}  ${row.milliseconds.toFixed(2)}`;
    }),
  ];
}
