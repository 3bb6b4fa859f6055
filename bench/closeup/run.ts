/**
 * How many closeups does a core answer, and how fast at half of that load? Every ranking feature of the table, lists
 * logged, distinct queries. Floor: Fastify returning the same bytes from memory.
 */
import { seededRandom } from '../../src/math/random.ts';
import { type Contender, figures, measure, round, startContender, WARM_SECONDS } from '../contest.ts';
import { generatedCatalog } from '../generated-catalog.ts';

interface Flags {
  readonly pins: number;
  readonly seconds: number;
  readonly candidates: readonly number[];
  /** Processes of the scaling contest; 1: none. */
  readonly workers: number;
  /** Whether popular queries with the reply cache on are asked too. */
  readonly kept: boolean;
}

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const flags: Flags = {
    pins: Number(flag(argv, '--pins') ?? 100_000),
    seconds: Number(flag(argv, '--seconds') ?? 4),
    candidates: (flag(argv, '--candidates') ?? '1000,300,100').split(',').map(Number),
    workers: Number(flag(argv, '--workers') ?? 1),
    kept: flag(argv, '--popular') !== 'off',
  };
  const folder = generatedCatalog({ pins: flags.pins, boardList: 400, visualList: 300 });
  const requests = distinctQueries(flags.pins);
  const raw: Record<string, unknown> = {};
  let ours = 0;
  let peer = 0;
  for (const candidates of flags.candidates) {
    const seconds = candidates === flags.candidates[0] ? flags.seconds : flags.seconds / 2;
    const service = await startContender({ kind: 'service', folder, settings: { candidateLimit: candidates } });
    const body = await (await fetch(`${service.origin}${requests[0].path}`)).text();
    const found = await contest(service, requests, seconds);
    await service.stop();
    const floor = await startContender({ kind: 'floor', body });
    const lowest = await contest(floor, requests, seconds / 2);
    await floor.stop();
    raw[`${candidates} candidates`] = { service: found, floor: lowest, bytes: body.length };
    if (ours === 0) [ours, peer] = [found.capacity.perCoreSecond, lowest.capacity.perCoreSecond];
  }
  if (flags.workers > 1) raw.scaling = await scaling(folder, requests, flags);
  if (flags.kept) raw['popular queries, reply cache on'] = await popular(folder, flags);
  return { ours, peer, ratio: round(ours / peer), unit: 'closeups per second of a core', pins: flags.pins, raw };
}

/**
 * Closeups a second of one process and of several behind one port. By the clock load generator and writer share the cores
 * with the readers; by processor time (readers and writer together) it is what as many free cores would give.
 */
async function scaling(folder: string, requests: readonly { path: string }[], { workers, seconds }: Flags) {
  const rates: Record<string, number> = {};
  const costs: Record<string, number> = {};
  for (const count of [1, workers]) {
    const service = await startContender({ kind: 'service', folder, settings: { workers: count } });
    await measure(service, { requests, seconds: WARM_SECONDS, clients: 32 });
    const { perSecond, cpuMicrosEach } = await measure(service, { requests, seconds, clients: 32 });
    rates[`${count} workers`] = round(perSecond);
    costs[`${count} workers`] = round(cpuMicrosEach);
    await service.stop();
  }
  const ratio = rates[`${workers} workers`] / rates['1 workers'];
  const byProcessorTime = (workers * costs['1 workers']) / costs[`${workers} workers`];
  return { ...rates, ratio: round(ratio), cpuMicrosEach: costs, ratioByProcessorTime: round(byProcessorTime) };
}

/** A hundred popular queries with the reply cache on. */
async function popular(folder: string, { seconds, pins }: Flags) {
  const service = await startContender({ kind: 'service', folder, settings: { replyCacheMs: 60_000 } });
  const requests = distinctQueries(pins).slice(0, 100);
  const found = await contest(service, requests, seconds);
  await service.stop();
  return found;
}

/** Capacity by closed loop, then latency by the clock at half of it. */
async function contest(contender: Contender, requests: readonly { path: string }[], seconds: number) {
  await measure(contender, { requests, seconds: WARM_SECONDS, clients: 16 });
  const capacity = await measure(contender, { requests, seconds, clients: 16 });
  const rate = Math.max(10, Math.round(capacity.perSecond / 2));
  const half = await measure(contender, { requests, seconds, clients: 64, rate });
  return { capacity: figures(capacity), half: { rate, ...figures(half) } };
}

function distinctQueries(pins: number): { path: string }[] {
  const order = seededRandom(11).shuffled(Array.from({ length: pins }, (_, i) => i));
  return order.map((pin) => ({ path: `/v1/pins/pin-${pin}/related?limit=25` }));
}

export function flag(argv: readonly string[], name: string): string | undefined {
  const at = argv.indexOf(name);
  return at >= 0 ? argv[at + 1] : undefined;
}
