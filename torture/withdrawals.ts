/**
 * How long nodes still serve what the writer has taken back: a pin, a key, a person, what somebody hid. Each is taken back at the
 * writer, and every node is asked until its answer shows it; the time runs from the receipt to the last node.
 */
import { createKey, revokeKey } from '../src/access-keys.ts';
import { reasonOf } from '../src/errors.ts';
import { readConfig } from '../src/config.ts';
import { forgetInRedis } from '../src/jobs/catalog/erase-user.ts';
import { erasePeople } from '../src/service/erase-people.ts';
import type { EventLedger, SentEvent } from './event-intake.ts';
import { quantile } from './open-loop.ts';
import type { Environment } from './service-process.ts';

const PATIENCE_MS = 60_000;
/** Redis may be away for what somebody does: then nodes hear of it with the next publication, and it counts as not shared. */
const SHARED_MS = 10_000;
/** Between two questions to a node: adds so much to a figure at most. */
const ASK_MS = 10;
/** Its list has the pins that are taken back; no list of the probe has them. */
const QUERY = '/v1/pins/p4/related?limit=50';

export interface Withdrawn {
  /** The writer's data folder. */
  readonly data: string;
  readonly writer: string;
  readonly nodes: readonly string[];
  /** A key that may do everything. */
  readonly key: string;
  readonly environment: Environment;
  readonly ledger: EventLedger;
  /** People who hid `hidden` before the first publication, and are erased one after the other. */
  readonly leavers: string[];
  hidden: string;
}

type Kind = 'pin' | 'key' | 'person' | 'hide';
/** Takes something back; settles with the moment of the receipt and how a node's answer shows that it is gone. */
type TakeBack = (site: Withdrawn) => Promise<Taken | null>;
interface Taken {
  readonly gone: (node: string) => Promise<boolean>;
  readonly undo?: () => Promise<void>;
  /** Nobody promised that it comes: how long it is waited for. */
  readonly perhapsMs?: number;
}

const authorized = ({ key }: Withdrawn): Record<string, string> => ({ authorization: `Bearer ${key}`, connection: 'close' });

async function listed(site: Withdrawn, origin: string, userId = ''): Promise<{ recommendationId: string; pins: string[] }> {
  const user = userId === '' ? '' : `&userId=${userId}`;
  const reply = await fetch(`${origin}${QUERY}${user}`, { headers: authorized(site) });
  if (reply.status !== 200) throw new Error(`${QUERY}: ${reply.status} ${await reply.text()}`);
  const list = (await reply.json()) as { recommendationId: string; items: { pinId: string }[] };
  return { recommendationId: list.recommendationId, pins: list.items.map(({ pinId }) => pinId) };
}

async function ask(site: Withdrawn, method: string, path: string, body?: object): Promise<void> {
  const headers = { ...authorized(site), ...(body ? { 'content-type': 'application/json' } : {}) };
  const reply = await fetch(site.writer + path, { method, headers, body: body && JSON.stringify(body) });
  if (reply.status !== 200) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
  const { rejected = {} } = (await reply.json()) as { rejected?: object };
  if (Object.keys(rejected).length > 0) throw new Error(`${method} ${path}: ${JSON.stringify(rejected)}`);
}

/** People hide a pin at the writer. */
async function hide(site: Withdrawn, people: readonly string[], pinId: string): Promise<void> {
  const { recommendationId } = await listed(site, site.writer);
  const events = people.map((userId): SentEvent => {
    return { eventId: `hide-${userId}`, type: 'hide', recommendationId, pinId, position: 1, userId, at: Date.now() };
  });
  for (const event of events) site.ledger.sent.set(event.eventId, event);
  await ask(site, 'POST', '/v1/events', { events });
}

/** Before the first publication. */
export async function prepare(site: Withdrawn, leavers: number): Promise<void> {
  [site.hidden] = (await listed(site, site.writer)).pins;
  for (let i = 0; i < leavers; i++) site.leavers.push(`leaver-${i}`);
  await hide(site, site.leavers, site.hidden);
}

const KINDS: Readonly<Record<Kind, TakeBack>> = {
  async pin(site) {
    const { pins } = await listed(site, site.nodes[0]);
    const pinId = pins.find((each) => each !== site.hidden) ?? '';
    await ask(site, 'DELETE', `/v1/pins/${pinId}`);
    return {
      gone: async (node) => !(await listed(site, node)).pins.includes(pinId),
      async undo() {
        await ask(site, 'POST', `/v1/pins/${pinId}/restore`);
        await everywhere(site, async (node) => (await listed(site, node)).pins.includes(pinId));
      },
    };
  },
  async key(site) {
    const key = createKey(site.data, 'shop', ['read', 'people']);
    const status = async (node: string): Promise<number> => {
      const headers = { authorization: `Bearer ${key}`, connection: 'close' };
      const reply = await fetch(`${node}/v1/users/u1/home-feed?limit=1`, { headers });
      await reply.arrayBuffer();
      return reply.status;
    };
    await everywhere(site, async (node) => (await status(node)) === 200);
    revokeKey(site.data, 'shop');
    return { gone: async (node) => (await status(node)) === 401 };
  },
  async person(site) {
    const person = site.leavers.pop();
    if (person === undefined) return null;
    const sees = async (node: string): Promise<boolean> => (await listed(site, node, person)).pins.includes(site.hidden);
    await everywhere(site, async (node) => !(await sees(node)));
    erasePeople(site.data, [person], 'NORMAL');
    await forgetInRedis(readConfig(site.environment).redisUrl, [person]);
    return { gone: sees };
  },
  async hide(site) {
    // Without Redis what somebody does comes to nodes with the next publication.
    if (site.environment.RELATED_PINS_REDIS_URL === undefined) return null;
    const person = `hider-${site.ledger.sent.size}`;
    await everywhere(site, async (node) => (await listed(site, node, person)).pins.includes(site.hidden));
    await hide(site, [person], site.hidden);
    return { gone: async (node) => !(await listed(site, node, person)).pins.includes(site.hidden), perhapsMs: SHARED_MS };
  },
};

/** Settles with the milliseconds until the last node says yes. */
async function everywhere({ nodes }: Withdrawn, look: (node: string) => Promise<boolean>, patienceMs = PATIENCE_MS): Promise<number> {
  const startedAt = performance.now();
  const one = async (node: string): Promise<void> => {
    while (!(await look(node))) {
      if (performance.now() - startedAt > patienceMs) throw new Error(`${node} still serves what was taken back`);
      await new Promise((again) => setTimeout(again, ASK_MS));
    }
  };
  await Promise.all(nodes.map(one));
  return performance.now() - startedAt;
}

export type Delays = Record<Kind, number[]>;
export const noDelays = (): Delays => ({ pin: [], key: [], person: [], hide: [] });

/** Takes each kind back once; milliseconds go to `delays`, what went wrong to `failures`. */
export async function takeBack(site: Withdrawn, delays: Delays, failures: string[]): Promise<void> {
  for (const [kind, work] of Object.entries(KINDS)) {
    try {
      const taken = await work(site);
      if (taken === null) continue;
      const wait = everywhere(site, taken.gone, taken.perhapsMs);
      // Infinity: it did not come, and nobody promised it.
      delays[kind as Kind].push(await (taken.perhapsMs === undefined ? wait : wait.catch(() => Number.POSITIVE_INFINITY)));
      await taken.undo?.();
    } catch (error) {
      failures.push(`${kind} taken back: ${reasonOf(error)}`);
    }
  }
}

export function delayFigures(delays: Delays): Record<string, object> {
  const figures = Object.entries(delays).filter(([, ms]) => ms.length > 0);
  return Object.fromEntries(
    figures.map(([kind, ms]) => {
      const sorted = Float64Array.from(ms.filter(Number.isFinite)).sort();
      const at = (share: number): number => Math.round(quantile(sorted, share));
      return [kind, { times: sorted.length, notShared: ms.length - sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), worstMs: at(1) }];
    }),
  );
}
