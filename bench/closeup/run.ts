/**
 * How many closeups does a core answer, and how fast at half of that load? Every ranking feature of the table, lists
 * logged, distinct queries. Floor: Fastify returning the same bytes from memory.
 */
import { seededRandom } from '../../src/math/random.ts';
import { type Contender, figures, measure, round, startContender } from '../contest.ts';
import { generatedCatalog } from '../generated-catalog.ts';

interface Flags {
  readonly pins: number;
  readonly seconds: number;
  readonly candidates: readonly number[];
}

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const flags: Flags = {
    pins: Number(flag(argv, '--pins') ?? 100_000),
    seconds: Number(flag(argv, '--seconds') ?? 10),
    candidates: (flag(argv, '--candidates') ?? '1000,300,100').split(',').map(Number),
  };
  const folder = generatedCatalog({ pins: flags.pins, boardList: 400, visualList: 300 });
  const requests = distinctQueries(flags.pins);
  const raw: Record<string, unknown> = {};
  let ours = 0;
  let peer = 0;
  for (const candidates of flags.candidates) {
    const service = await startContender({ kind: 'service', folder, settings: { candidateLimit: candidates } });
    const body = await (await fetch(`${service.origin}${requests[0].path}`)).text();
    const found = await contest(service, requests, flags.seconds);
    await service.stop();
    const floor = await startContender({ kind: 'floor', body });
    const lowest = await contest(floor, requests, flags.seconds / 2);
    await floor.stop();
    raw[`${candidates} candidates`] = { service: found, floor: lowest, bytes: body.length };
    if (ours === 0) [ours, peer] = [found.capacity.perCoreSecond, lowest.capacity.perCoreSecond];
  }
  return { ours, peer, ratio: round(ours / peer), unit: 'closeups per second of a core', pins: flags.pins, raw };
}

/** Capacity by closed loop, then latency by the clock at half of it. */
async function contest(contender: Contender, requests: readonly { path: string }[], seconds: number) {
  await measure(contender, { requests, seconds: Math.min(3, seconds), clients: 16 });
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
