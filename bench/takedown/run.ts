/** How long after the receipt of a takedown does the last reply arrive that still holds the pin, under load and in several processes? */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../src/math/random.ts';
import { type Contender, percentiles, round, startContender } from '../contest.ts';
import { generatedCatalog } from '../generated-catalog.ts';
import { flagsOf } from '../flags.ts';

/** The promise of the issue, milliseconds. */
const BOUND_MS = 250;
const BEFORE_MS = 150;
const AFTER_MS = 350;

interface Seen {
  readonly askedAt: number;
  readonly arrivedAt: number;
}

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const { pins, rounds, workers, callers } = flagsOf(argv, { pins: 20_000, rounds: 50, workers: 2, callers: 6 });
  const folder = mkdtempSync(join(tmpdir(), 'bench-takedown-'));
  cpSync(generatedCatalog({ pins, boardList: 200, visualList: 200 }), folder, { recursive: true });
  const service = await startContender({ kind: 'service', folder, settings: { workers, replyCacheMs: 60_000 } });
  const random = seededRandom(5);
  const found: Awaited<ReturnType<typeof takedown>>[] = [];
  try {
    for (let i = 0; i < rounds; i++) found.push(await takedown(service, `pin-${random.integer(pins)}`, callers));
  } finally {
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const last = found.map(({ lastMs }) => lastMs);
  return {
    ours: round(Math.max(...last)),
    peer: BOUND_MS,
    ratio: round(Math.max(...last) / BOUND_MS),
    unit: 'milliseconds from the receipt to the last reply with the pin; peer is the bound',
    pins,
    processes: workers + 1,
    rounds,
    replies: found.reduce((sum, { replies }) => sum + replies, 0),
    askedAfter: found.reduce((sum, { askedAfter }) => sum + askedAfter, 0),
    lastMs: percentiles(last),
    receiptMs: percentiles(found.map(({ receiptMs }) => receiptMs)),
    raw: { lastMs: last.map(round) },
  };
}

/** One pin goes while callers ask for lists that hold it, and comes back. */
async function takedown({ origin }: Contender, queryPinId: string, callers: number) {
  const list = (await (await fetch(`${origin}/v1/pins/${queryPinId}/related?limit=25`)).json()) as { items: { pinId: string }[] };
  const pinId = list.items[Math.min(3, list.items.length - 1)].pinId;
  const seen: Seen[] = [];
  const load = { stop: false, replies: 0 };
  const asked = Array.from({ length: callers }, (_, i) => caller(origin, questionsOf(queryPinId, pinId), i, { pinId, seen, load }));
  await later(BEFORE_MS);
  const sentAt = performance.now();
  const receipt = await fetch(`${origin}/v1/pins/${pinId}`, { method: 'DELETE' });
  await receipt.arrayBuffer();
  const receiptAt = performance.now();
  if (receipt.status !== 200) throw new Error(`DELETE answered ${receipt.status}`);
  await later(AFTER_MS);
  load.stop = true;
  await Promise.all(asked);
  await (await fetch(`${origin}/v1/pins/${pinId}/restore`, { method: 'POST' })).arrayBuffer();
  if (!seen.some(({ arrivedAt }) => arrivedAt < sentAt)) throw new Error(`no reply held ${pinId} before it was taken away`);
  return {
    replies: load.replies,
    receiptMs: receiptAt - sentAt,
    lastMs: Math.max(0, ...seen.map(({ arrivedAt }) => arrivedAt - receiptAt)),
    askedAfter: seen.filter(({ askedAt }) => askedAt > receiptAt).length,
  };
}

interface Watch {
  readonly pinId: string;
  readonly seen: Seen[];
  readonly load: { stop: boolean; replies: number };
}

type Question = readonly [path: string, body?: object];

function questionsOf(queryPinId: string, pinId: string): readonly Question[] {
  return [
    [`/v1/pins/${queryPinId}/related?limit=25`],
    ['/v1/rank', { queryPinId, pinIds: [pinId, 'pin-1', 'pin-2'] }],
    [`/v1/pins/${queryPinId}/related?limit=25&explain=true`],
    ['/v1/visual-search', { pinId: queryPinId, limit: 5 }],
    [`/v1/pins?q=${encodeURIComponent('chair lamp')}`],
  ];
}

async function caller(origin: string, questions: readonly Question[], place: number, { pinId, seen, load }: Watch): Promise<void> {
  for (let i = place; !load.stop; i++) {
    const [path, body] = questions[i % questions.length];
    const askedAt = performance.now();
    const headers = { connection: 'close', ...(body ? { 'content-type': 'application/json' } : {}) };
    const reply = await fetch(origin + path, { method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body) });
    const text = await reply.text();
    load.replies++;
    if (text.includes(`"${pinId}"`) && reply.status === 200) seen.push({ askedAt, arrivedAt: performance.now() });
  }
}

const later = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
