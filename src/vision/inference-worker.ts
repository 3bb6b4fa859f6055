/**
 * An inference thread: tasks come in, results go out in order. Decoding of the next task runs (on sharp's threads)
 * while the net computes the present one.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { reasonOf, ServiceError } from '../errors.ts';
import { type DecodedInput, decodedInputs, embedImages, rawOutputs } from './image-inference.ts';
import type { Task, TaskReply, TaskResult, WorkerSettings } from './inference-task.ts';
import { takeTurnsAmong } from './large-pictures.ts';
import { type Net, readNet } from './net-manifest.ts';
import { openNetSession, type OnnxSession } from './onnx-session.ts';

interface OpenNet {
  readonly net: Net;
  readonly session: OnnxSession;
}

const settings = workerData as WorkerSettings;
if (settings.turns) takeTurnsAmong(settings.turns);
/** By folder and digest: a folder that was written again holds another net, and the one before may still be asked for. */
const opened = new Map<string, Promise<OpenNet>>();
/** The digest under which each folder was opened last. */
const lastOpened = new Map<string, string>();
let turn: Promise<void> = Promise.resolve();

if (!parentPort) throw new TypeError('inference-worker: expected to be started as a worker thread');
const port = parentPort;

port.on('message', (task: Task | 'close') => {
  if (task === 'close') {
    turn = turn.then(close);
    return;
  }
  const ready = prepare(task);
  ready.catch(() => undefined);
  turn = turn.then(() => answer(task, ready));
});

/** Throws NET_REFUSED for a folder that holds no net, or not the one that is meant. */
function openNet({ netFolder: folder, netDigest }: Task): Promise<OpenNet> {
  const key = (digest: string): string => `${digest} ${folder}`;
  const known = opened.get(key(netDigest ?? lastOpened.get(folder) ?? ''));
  if (known) return known;
  const net = readNet(folder);
  if (netDigest !== null && net.digest !== netDigest) {
    const reason = `its folder holds another net now (digest ${net.digest.slice(0, 12)}..., asked for is ${netDigest.slice(0, 12)}...)`;
    throw new ServiceError('NET_REFUSED', { net: net.manifest.name, reason });
  }
  const entry = openNetSession(net, settings).then((session) => ({ net, session }));
  opened.set(key(net.digest), entry);
  lastOpened.set(folder, net.digest);
  entry.catch(() => opened.delete(key(net.digest)));
  return entry;
}

async function prepare(task: Task): Promise<OpenNet & { inputs: readonly DecodedInput[] }> {
  const { net, session } = await openNet(task);
  return {
    net,
    session,
    inputs: await decodedInputs(task.images, net.manifest.input, settings.limits, task.kind),
  };
}

async function answer(task: Task, ready: ReturnType<typeof prepare>): Promise<void> {
  try {
    const { net, session, inputs } = await ready;
    const results =
      task.kind === 'outputs'
        ? await rawOutputs(session, net, inputs)
        : await embedImages(session, net, inputs, settings.batch, task.kind === 'layers');
    port.postMessage({ id: task.id, provider: session.provider, results } satisfies TaskReply, buffersOf(results));
  } catch (error) {
    const known = error instanceof ServiceError;
    const fault = known
      ? { code: error.code, fields: error.fields }
      : { code: 'NET_REFUSED' as const, fields: { net: task.netFolder, reason: reasonOf(error) } };
    port.postMessage({ id: task.id, error: fault } satisfies TaskReply);
  }
}

/** Buffers to move instead of copying, each once. */
function buffersOf(results: readonly TaskResult[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const result of results) {
    if (!result.ok) continue;
    const arrays =
      'fc6' in result
        ? [result.fc6, result.fc8, ...(result.fc8Code ? [result.fc8Code] : []), ...Object.values(result.layers ?? {})]
        : result.outputs.map(({ data }) => data);
    for (const { buffer } of arrays) if (buffer instanceof ArrayBuffer) buffers.add(buffer);
  }
  return [...buffers];
}

async function close(): Promise<void> {
  for (const entry of opened.values()) await entry.then(({ session }) => session.close()).catch(() => undefined);
  port.close();
}
