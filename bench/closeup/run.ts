/**
 * How many closeups does a core answer, and how fast at half of that load? Users with saves and a past, queries that others
 * have engaged with, every ranking feature of the table, lists logged, each query asked once. Floor: Fastify returning the
 * same bytes from memory.
 */
import { seededRandom } from '../../src/math/random.ts';
import { Asking, costByPart, pairedRatio, startContender } from '../contest.ts';
import { generatedCatalog } from '../generated-catalog.ts';
import { generatedLog, USERS } from '../generated-log.ts';
import { nativePairs } from './native-pairs.ts';
import { scaling } from './scaling.ts';
import { flagsOf } from '../flags.ts';

interface Flags {
  readonly pins: number;
  readonly seconds: number;
  /** Pairs of service and floor at the first number of candidates. */
  readonly rounds: number;
  readonly candidates: readonly number[];
  /** Threads of the scaling contest; 1: none. */
  readonly workers: number;
  /** Whether popular queries with the reply cache on are asked too. */
  readonly kept: boolean;
}

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const {
    peer: asked,
    parts,
    popular: kept,
    ...sizes
  } = flagsOf(argv, {
    pins: 100_000,
    seconds: 4,
    rounds: 3,
    candidates: [1000, 300, 100] as readonly number[],
    workers: 1,
    popular: 'on',
    peer: '',
    parts: false,
  });
  const flags: Flags = { ...sizes, kept: kept !== 'off' };
  if (asked === 'rust') return nativePairs({ ...flags, queries: shuffledPins(flags.pins) });
  if (asked !== '') throw new Error(`--peer: expected rust, got ${asked}`);
  const folder = generatedCatalog({ pins: flags.pins, boardList: 400, visualList: 300 });
  const queries = shuffledPins(flags.pins);
  const log = await generatedLog(folder, queries.slice(0, LOGGED));
  const requests = queriesOf(queries);
  if (parts) return partsOf(folder, log, requests, flags);
  const raw: Record<string, unknown> = {};
  const rates: { ours: number[]; floor: number[] } = { ours: [], floor: [] };
  for (const candidates of flags.candidates) {
    const isFirst = candidates === flags.candidates[0];
    const seconds = isFirst ? flags.seconds : flags.seconds / 2;
    for (let i = 0; i < (isFirst ? flags.rounds : 1); i++) {
      const service = await startContender({ kind: 'service', folder, settings: { candidateLimit: candidates } }, log);
      const body = await (await fetch(`${service.origin}${requests[requests.length - 1].path}`)).text();
      const found = await new Asking(service, requests).contest(seconds);
      await service.stop();
      const floor = await startContender({ kind: 'floor', body });
      const lowest = await new Asking(floor, requests).contest(seconds / 2);
      await floor.stop();
      raw[isFirst ? `${candidates} candidates, round ${i + 1}` : `${candidates} candidates`] = {
        service: found,
        floor: lowest,
        bytes: body.length,
      };
      if (!isFirst) continue;
      rates.ours.push(found.capacity.perCoreSecond);
      rates.floor.push(lowest.capacity.perCoreSecond);
    }
  }
  if (flags.workers > 1) raw.scaling = await scaling({ ...flags, folder, log, requests });
  if (flags.kept) raw['popular queries, reply cache on'] = await popular(folder, flags);
  const [ours, peer] = [rates.ours, rates.floor].map((values) => [...values].sort((x, y) => x - y)[values.length >> 1]);
  return { ours, peer, ...pairedRatio(rates.ours, rates.floor), unit: 'closeups per second of a core', pins: flags.pins, raw };
}

/** Microseconds of processor time a closeup, part by part, for each number of candidates. */
async function partsOf(folder: string, log: string, requests: readonly { path: string }[], { candidates, seconds, pins }: Flags) {
  const raw: Record<string, unknown> = {};
  for (const candidateLimit of candidates)
    raw[`${candidateLimit} candidates`] = await costByPart(
      { kind: 'service', folder, settings: { candidateLimit } },
      log,
      requests,
      seconds,
    );
  return { unit: 'microseconds of processor time per closeup', pins, raw };
}

/** A hundred popular queries with the reply cache on. */
async function popular(folder: string, { seconds, pins }: Flags) {
  const service = await startContender({ kind: 'service', folder, settings: { replyCacheMs: 60_000 } });
  const found = await new Asking(service, popularQueries(pins)).contest(seconds);
  await service.stop();
  return found;
}

/** Queries with a past in the log: more than a run asks. */
const LOGGED = 20_000;

function shuffledPins(pins: number): number[] {
  return seededRandom(11).shuffled(Array.from({ length: pins }, (_, i) => i));
}

/** Each query once, of users in turn. */
function queriesOf(pins: readonly number[]): { path: string }[] {
  return pins.map((pin, i) => ({ path: `/v1/pins/pin-${pin}/related?limit=25&userId=user-${i % USERS}` }));
}

/** Of nobody, as the reply cache keeps them. */
function popularQueries(pins: number): { path: string }[] {
  return shuffledPins(pins)
    .slice(0, 100)
    .map((pin) => ({ path: `/v1/pins/pin-${pin}/related?limit=25` }));
}
