/** The contenders of one round, each in this fresh process: `node contenders.js KIND NET WORKERS LIST` prints images a second. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openConvNet } from '../../src/features/convnet.ts';
import { binarizerFor, type ExtractionInput, extractRows } from '../../src/features/extraction.ts';
import { packFeatures } from '../../src/features/feature-artifact.ts';
import { openFeatureStore } from '../../src/features/feature-store.ts';
import { type DecodedInput, decodedInputs, embedImages } from '../../src/vision/image-inference.ts';
import { DEFAULT_IMAGE_LIMITS, decodeUnchecked } from '../../src/vision/image-tensor.ts';
import { InferencePool } from '../../src/vision/inference-pool.ts';
import { type Net, readNet } from '../../src/vision/net-manifest.ts';
import { openNetSession, shapeOf } from '../../src/vision/onnx-session.ts';

const BATCH = 8;

type Ready = Extract<DecodedInput, { ok: true }>;

async function ready(net: Net, files: readonly Uint8Array[]): Promise<Ready[]> {
  const found = await decodedInputs(
    files.map((bytes) => ({ bytes })),
    net.manifest.input,
    DEFAULT_IMAGE_LIMITS,
    'embed',
  );
  return found.filter((one): one is Ready => one.ok);
}

async function rate(count: number, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (count * 1000) / (performance.now() - startedAt);
}

/** onnxruntime by itself, or under our batching. */
async function tensors(net: Net, files: readonly Uint8Array[], ours: boolean): Promise<number> {
  const session = await openNetSession(net, { provider: 'cpu' });
  const inputs = await ready(net, files);
  const { input, outputs } = net.manifest;
  const batch = typeof input.batch === 'number' ? input.batch : BATCH;
  const size = 3 * input.width * input.height;
  const batches = Array.from({ length: Math.floor(inputs.length / batch) }, (_, b) => {
    const values = new Float32Array(batch * size);
    for (let i = 0; i < batch; i++) values.set(inputs[b * batch + i].values, i * size);
    return values;
  });
  const wanted = [outputs.fc6.tensor, outputs.fc8.tensor];
  const plain = async (): Promise<void> => {
    for (const values of batches) await session.run(values, shapeOf(input, batch), wanted);
  };
  const whole = inputs.slice(0, batches.length * batch);
  const work = ours ? () => embedImages(session, net, whole, BATCH, false) : plain;
  await work();
  return rate(whole.length, work);
}

/** sharp by itself, straight to the net's size, as many at a time as its threads take. */
async function sharpAlone(net: Net, files: readonly Uint8Array[]): Promise<number> {
  const { input } = net.manifest;
  const work = async (): Promise<void> => {
    for (const bytes of files) await decodeUnchecked(bytes, input.width, input.height, input.resize);
  };
  await work();
  return rate(files.length, work);
}

async function pooled(folder: string, files: readonly Uint8Array[], workers: number): Promise<number> {
  const pool = new InferencePool({ workers, provider: 'cpu', batch: BATCH });
  await pool.warmUp(folder);
  await pool.embed(
    folder,
    files.slice(0, 32).map((bytes) => ({ bytes })),
  );
  const result = await rate(files.length, () =>
    pool.embed(
      folder,
      files.map((bytes) => ({ bytes })),
    ),
  );
  await pool.close();
  return result;
}

/** From files to rows and the packed artifact. */
async function stored(folder: string, paths: readonly string[], workers: number): Promise<number> {
  const data = mkdtempSync(join(tmpdir(), 'bench-features-'));
  const store = openFeatureStore(data);
  const pool = new InferencePool({ workers, provider: 'cpu', batch: BATCH });
  const convNet = await openConvNet(folder, pool);
  const images = paths.map((image, pinIndex) => ({ pinIndex, image, imageVersion: 1 }));
  const input: ExtractionInput = { convNet, pool, store, fetch: async (path) => readFileSync(path) };
  const binarizer = await binarizerFor(input, images);
  const result = await rate(paths.length, async () => {
    for await (const rows of extractRows(input, images, binarizer)) void rows;
    packFeatures(data, store, convNet.features, binarizer.bits);
  });
  await pool.close();
  store.close();
  rmSync(data, { recursive: true });
  return result;
}

const [kind, folder, workers, list] = process.argv.slice(2);
const paths = readFileSync(list, 'utf8').split('\n');
const files = kind.startsWith('stored') ? [] : paths.map((path) => new Uint8Array(readFileSync(path)));
const net = readNet(folder);
const work: Record<string, () => Promise<number>> = {
  onnxruntime: () => tensors(net, files, false),
  tensors: () => tensors(net, files, true),
  sharp: () => sharpAlone(net, files),
  files: () => pooled(folder, files, Number(workers)),
  stored: () => stored(folder, paths, Number(workers)),
};
console.log(JSON.stringify(await work[kind]()));
process.exit(0);
