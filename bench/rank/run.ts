/** How many lists of 100 items of the caller's own does a core order? Floor: Fastify returning the same bytes from memory. */
import { seededRandom } from '../../src/math/random.ts';
import { flag } from '../closeup/run.ts';
import { figures, measure, round, startContender, WARM_SECONDS } from '../contest.ts';
import { generatedCatalog } from '../generated-catalog.ts';

const ITEMS = 100;
const BODIES = 5000;

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const pins = Number(flag(argv, '--pins') ?? 100_000);
  const seconds = Number(flag(argv, '--seconds') ?? 8);
  const requests = ownLists(pins);
  const service = await startContender({ kind: 'service', folder: generatedCatalog({ pins, boardList: 400, visualList: 300 }) });
  const { path, method, body } = requests[0];
  const reply = await (await fetch(`${service.origin}${path}`, { method, body, headers: { 'content-type': 'application/json' } })).text();
  await measure(service, { requests, seconds: WARM_SECONDS, clients: 16 });
  const capacity = await measure(service, { requests, seconds, clients: 16 });
  const rate = Math.max(10, Math.round(capacity.perSecond / 2));
  const half = await measure(service, { requests, seconds, clients: 64, rate });
  await service.stop();
  const floor = await startContender({ kind: 'floor', body: reply });
  await measure(floor, { requests, seconds: WARM_SECONDS, clients: 16 });
  const lowest = await measure(floor, { requests, seconds: seconds / 2, clients: 16 });
  await floor.stop();
  return {
    ours: round(capacity.perCoreSecond),
    peer: round(lowest.perCoreSecond),
    ratio: round(capacity.perCoreSecond / lowest.perCoreSecond),
    unit: 'lists of 100 items per second of a core',
    pins,
    raw: { capacity: figures(capacity), half: { rate, ...figures(half) }, floor: figures(lowest), bytes: reply.length },
  };
}

function ownLists(pins: number) {
  const random = seededRandom(13);
  return Array.from({ length: BODIES }, () => {
    const pinIds = Array.from({ length: ITEMS }, () => `pin-${random.integer(pins)}`);
    const body = JSON.stringify({ queryPinId: `pin-${random.integer(pins)}`, pinIds, limit: 25 });
    return { path: '/v1/rank', method: 'POST' as const, body };
  });
}
