/**
 * The service and the native peer in turns, over one catalogue and one model that weighs every column. Both do what the peer can:
 * closeups for callers without a past, of the candidates of boards and looks, without card fields, lists logged. Before
 * anything is timed, both are asked the same queries and must give the same pins in the same order.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Asking, type Contender, pairedRatio, reaches, startContender } from '../contest.ts';
import { generatedCatalog } from '../generated-catalog.ts';
import type { LoadRequest } from '../load-process.ts';
import { builtPeer, startPeer } from './native-peer.ts';

/** Long enough that boards and looks alone make up a thousand candidates. */
const LIST = 600;
const COMPARED = 200;
/** What ln(1 + x) of two libraries may differ by, relative to the score. */
const TOLERANCE = 1e-6;
/** The goal: at least so much of the native peer. */
const BOUND = 0.25;

const SAME = {
  sources: ['board-cooccurrence', 'visual-neighbors'],
  shuffledShare: 0,
};

/** Neither does this in these runs. */
const NEITHER = ['users and their past', 'engagement of pairs (the log is empty)', 'words and popularity as sources', 'card fields'];
/** The service does this in these runs, the peer does not. */
const PEER_LEAVES_OUT = [
  'experiments, keys, admission, metrics, dark reading and a log line per request',
  'a log that can be asked: it appends lists to a file, the service to SQLite; both in batches of 20 ms, neither waits for the disk',
];

interface Wanted {
  readonly pins: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly candidates: readonly number[];
  /** In the order in which they are asked. */
  readonly queries: readonly number[];
}

export async function nativePairs({ pins, seconds, rounds, candidates, queries }: Wanted): Promise<Record<string, unknown>> {
  const peer = builtPeer();
  if ('missing' in peer) return { skipped: peer.missing };
  const folder = generatedCatalog({ pins, boardList: LIST, visualList: LIST });
  const requests = queries.map((pin) => ({ path: `/v1/pins/pin-${pin}/related?limit=25&fields=` }));
  const scratch = mkdtempSync(join(tmpdir(), 'bench-peer-'));
  const found: Record<string, unknown> = {};
  try {
    for (const limit of candidates) {
      const startService = (): Promise<Contender> =>
        startContender({ kind: 'service', folder, settings: { ...SAME, candidateLimit: limit } });
      const startNative = (): Promise<Contender> => startPeer(peer.program, { folder, candidates: limit, log: join(scratch, 'served') });
      const compared = await compare(await startService(), await startNative(), requests.slice(-COMPARED));
      const pairs: Awaited<ReturnType<typeof contest>>[][] = [];
      for (let i = 0; i < rounds; i++)
        pairs.push([await contest(startService, requests, seconds), await contest(startNative, requests, seconds)]);
      const [ours, native] = [0, 1].map((side) => pairs.map((pair) => pair[side].capacity.perCoreSecond));
      const ratio = pairedRatio(ours, native);
      found[`${limit} candidates`] = {
        ours: median(ours),
        peer: median(native),
        ...ratio,
        bound: BOUND,
        reached: reaches(ratio, BOUND),
        compared,
        pairs,
      };
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return { ...found, unit: 'closeups per second of a core', pins, neither: NEITHER, peerLeavesOut: PEER_LEAVES_OUT };
}

async function contest(start: () => Promise<Contender>, requests: readonly LoadRequest[], seconds: number) {
  const contender = await start();
  const found = await new Asking(contender, requests).contest(seconds);
  await contender.stop();
  return found;
}

interface Reply {
  readonly modelVersion: string;
  readonly items: readonly { readonly pinId: string; readonly score: number; readonly sources: readonly object[] }[];
  readonly degraded: readonly object[];
}

/** Throws when the two answer one of the queries differently. */
async function compare(service: Contender, peer: Contender, requests: readonly LoadRequest[]): Promise<string> {
  let farthest = 0;
  for (const { path } of requests) {
    const [ours, theirs] = await Promise.all(
      [service, peer].map(async ({ origin }) => (await (await fetch(origin + path)).json()) as Reply),
    );
    const told = ({ items, modelVersion }: Reply): string =>
      JSON.stringify([modelVersion, items.map(({ pinId, sources }) => [pinId, sources])]);
    if (ours.items.length === 0 || ours.degraded.length > 0) throw new Error(`${path}: the service made no proper list`);
    if (told(ours) !== told(theirs)) throw new Error(`${path}: the peer gives other pins\n${told(ours)}\n${told(theirs)}`);
    ours.items.forEach(({ score }, i) => {
      farthest = Math.max(farthest, Math.abs(score - theirs.items[i].score) / Math.max(1, Math.abs(score)));
    });
  }
  if (!(farthest < TOLERANCE)) throw new Error(`scores differ by ${farthest}`);
  await Promise.all([service.stop(), peer.stop()]);
  return `${requests.length} queries, the same pins in the same order, scores within ${farthest.toExponential(1)}`;
}

const median = (values: readonly number[]): number => [...values].sort((x, y) => x - y)[values.length >> 1];
