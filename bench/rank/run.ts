/** How many lists of 100 items of the caller's own does a core order? Floor: Fastify returning the same bytes from memory. */
import { seededRandom } from '../../src/math/random.ts';
import { Asking, costByPart, round, startContender } from '../contest.ts';
import { generatedCatalog } from '../generated-catalog.ts';
import { USERS } from '../generated-log.ts';
import { flagsOf } from '../flags.ts';

const ITEMS = 100;
/** More than a run asks: each is asked once. */
const BODIES = 40_000;

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const { pins, seconds, parts } = flagsOf(argv, { pins: 100_000, seconds: 8, parts: false });
  const requests = ownLists(pins);
  const order = { kind: 'service', folder: generatedCatalog({ pins, boardList: 400, visualList: 300 }) } as const;
  if (parts)
    return { unit: 'microseconds of processor time per list', pins, raw: await costByPart(order, undefined, requests, seconds / 2) };
  const service = await startContender(order);
  const { path, method, body } = requests[0];
  const reply = await (await fetch(`${service.origin}${path}`, { method, body, headers: { 'content-type': 'application/json' } })).text();
  const found = await new Asking(service, requests).contest(seconds);
  await service.stop();
  const floor = await startContender({ kind: 'floor', body: reply });
  const lowest = await new Asking(floor, requests).contest(seconds / 2);
  await floor.stop();
  const [ours, peer] = [found.capacity.perCoreSecond, lowest.capacity.perCoreSecond];
  return {
    ours,
    peer,
    ratio: round(ours / peer),
    unit: 'lists of 100 items per second of a core',
    pins,
    raw: { service: found, floor: lowest, bytes: reply.length },
  };
}

function ownLists(pins: number) {
  const random = seededRandom(13);
  return Array.from({ length: BODIES }, (_, i) => {
    const pinIds = Array.from({ length: ITEMS }, () => `pin-${random.integer(pins)}`);
    const body = JSON.stringify({ queryPinId: `pin-${random.integer(pins)}`, pinIds, limit: 25, userId: `user-${i % USERS}` });
    return { path: '/v1/rank', method: 'POST' as const, body };
  });
}
