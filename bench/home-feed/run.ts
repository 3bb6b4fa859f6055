/** How many home feeds does a core answer, and how fast at half of that load? Every user asks once; floor: Fastify returning the same bytes. */
import { Asking, costByPart, pairedRatio, startContender } from '../contest.ts';
import { generatedCatalog } from '../generated-catalog.ts';
import { generatedLog, USERS } from '../generated-log.ts';
import { seededRandom } from '../../src/math/random.ts';
import { flagsOf } from '../flags.ts';

/** Lists of users that the log holds before: four of each. */
const LOGGED = 4 * USERS;

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const { pins, seconds, rounds, parts } = flagsOf(argv, { pins: 100_000, seconds: 4, rounds: 3, parts: false });
  const folder = generatedCatalog({ pins, boardList: 400, visualList: 300 });
  const random = seededRandom(11);
  const log = await generatedLog(folder, random.shuffled(Array.from({ length: pins }, (_, i) => i)).slice(0, LOGGED));
  const users = random.shuffled(Array.from({ length: USERS }, (_, i) => i));
  const requests = users.map((user) => ({ path: `/v1/users/user-${user}/home-feed?limit=25` }));
  if (parts) {
    const raw = await costByPart({ kind: 'service', folder }, log, requests, seconds);
    return { unit: 'microseconds of processor time per home feed', pins, raw };
  }
  const raw: Record<string, unknown> = {};
  const rates: { ours: number[]; floor: number[] } = { ours: [], floor: [] };
  for (let i = 0; i < rounds; i++) {
    const service = await startContender({ kind: 'service', folder }, log);
    const reply = await (await fetch(service.origin + requests[requests.length - 1].path)).text();
    const { items, missing } = JSON.parse(reply) as { items: unknown[]; missing: unknown[] };
    if (items.length === 0 || missing.length > 0) throw new Error(`a user of the log is a stranger: ${reply.slice(0, 300)}`);
    const found = await new Asking(service, requests).contest(seconds);
    await service.stop();
    const floor = await startContender({ kind: 'floor', body: reply });
    const lowest = await new Asking(floor, requests).contest(seconds / 2);
    await floor.stop();
    raw[`round ${i + 1}`] = { service: found, floor: lowest, bytes: reply.length };
    rates.ours.push(found.capacity.perCoreSecond);
    rates.floor.push(lowest.capacity.perCoreSecond);
  }
  const [ours, peer] = [rates.ours, rates.floor].map((values) => [...values].sort((x, y) => x - y)[values.length >> 1]);
  return { ours, peer, ...pairedRatio(rates.ours, rates.floor), unit: 'home feeds per second of a core', pins, raw };
}
