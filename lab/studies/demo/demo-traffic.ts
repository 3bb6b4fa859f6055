/** First traffic: people of the demo world look at lists served by the spine, so that the log is a real log. */
import { setImmediate } from 'node:timers/promises';
import type { Engagement } from '../../../src/catalog/log/engagement-log.ts';
import type { ServedList } from '../../../src/catalog/log/served-list.ts';
import type { Context } from '../../../src/service/context.ts';
import { ServiceError } from '../../../src/errors.ts';
import { seededRandom } from '../../../src/math/random.ts';
import { worldSeed } from '../../world/world-seed.ts';
import { DEFAULT_TREATMENT } from '../../../src/treatment.ts';
import { relatedPins } from '../../../src/related-pins.ts';
import type { ListOptions } from '../../../src/lists/ranked-list.ts';
import { servedRecord } from '../../../src/lists/served-record.ts';
import type { ServingParts } from '../../../src/lists/serving-parts.ts';
import type { People } from '../../world/people.ts';
import { WORLD_END, type Recipe, type WorldUser } from '../../world/recipe.ts';
import type { JobInput } from '../../../src/jobs/job.ts';

/** Lists between two commits; a stopped demo goes on at the last one. */
const BATCH = 250;
const LIST_LENGTH = 25;
/** Time between two lists of the world's clock. */
const PAUSE_MS = 15 * 60_000;
/** Choice: more shuffled lists than a live service would serve, so that a young log already says how position matters. */
const FIRST_SHUFFLED_SHARE = 0.15;
/** One pin in five is never opened by the first visitors: the held-out queries. */
export const heldOut = (pin: number): boolean => worldSeed(17, `query ${pin}`) % 5 === 0;

export interface Traffic {
  readonly recipe: Recipe;
  readonly people: People;
  readonly lists: number;
  /** Lists of an earlier, stopped run. */
  readonly done: number;
  /** Told after each commit. */
  readonly onBatch: (done: number) => void;
}

/** What a caller would say who wants a first page. `index` counts the lists of the world. */
export function listOptions(index: number, id: string, userId: string | null): ListOptions {
  return {
    treatment: DEFAULT_TREATMENT,
    forced: false,
    arm: null,
    userId,
    limit: LIST_LENGTH,
    cursor: null,
    exclude: new Set(),
    category: null,
    buyableOnly: false,
    now: WORLD_END + index * PAUSE_MS,
    recommendationId: id,
  };
}

/** The parts of the context with the demo's share of shuffled lists. */
export function trafficParts(context: Context): ServingParts {
  const { parts } = context;
  return { ...parts, limits: { ...parts.limits, shuffledShare: FIRST_SHUFFLED_SHARE } };
}

/** Pin indexes of the catalogue by index of the recipe, and back. */
export function pinMaps({ pins }: Context, recipe: Recipe): { readonly toCatalog: Int32Array; readonly toRecipe: Int32Array } {
  const toCatalog = Int32Array.from(recipe.pins, ({ id }) => pins.indexOf(id));
  const toRecipe = new Int32Array(pins.count).fill(-1);
  toCatalog.forEach((pin, i) => {
    toRecipe[pin] = i;
  });
  return { toCatalog, toRecipe };
}

export async function serveFirstTraffic(context: Context, traffic: Traffic, { progress, signal }: JobInput): Promise<void> {
  const { recipe, lists } = traffic;
  const maps = pinMaps(context, recipe);
  const pool = recipe.pins.flatMap((_, i) => (heldOut(i) ? [] : [i]));
  progress.start('first visitors', lists);
  for (let from = traffic.done; from < lists; from += BATCH) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    const events: Engagement[] = [];
    const written: Promise<void>[] = [];
    for (let i = from; i < Math.min(from + BATCH, lists); i++) {
      await setImmediate();
      const visit = await visitList(context, traffic, maps, pool, i);
      if (visit.unlogged) written.push(context.log.lists.append(visit.unlogged));
      events.push(...visit.events);
    }
    await Promise.all(written);
    await context.log.events.append(events);
    // A server counts actions a little at a time: with all of them, a page that is up changes no figure.
    context.log.pairs.catchUp();
    await context.refresh();
    const done = Math.min(from + BATCH, lists);
    traffic.onBatch(done);
    progress.update(done);
  }
  progress.stop();
}

/**
 * One person opens one pin: the list to log, null if an earlier run has logged it, and what the person does with it. The events of
 * a list that is there are made once more, because that run may have ended between the two; the log knows them by their ids.
 */
async function visitList(
  context: Context,
  { recipe, people }: Traffic,
  { toCatalog, toRecipe }: ReturnType<typeof pinMaps>,
  pool: readonly number[],
  index: number,
): Promise<{ readonly unlogged: ServedList | null; readonly events: readonly Engagement[] }> {
  const { kind, seed } = recipe.size;
  const id = `demo-${kind}-${seed}-${index}`;
  const logged = context.log.lists.find(id);
  const random = seededRandom(worldSeed(seed, id));
  const user = random.pick(recipe.users);
  const query = people.chooseQuery(user, pool, random);
  const options = listOptions(index, id, user.id);
  const list = logged ?? servedRecord(await relatedPins(trafficParts(context), toCatalog[query], options), 0);
  const { pinIndexes, positions } = list.items;
  const shown = pinIndexes.filter((_, i) => positions[i] > 0);
  const actions = people.act(
    user,
    query,
    shown.map((pin) => toRecipe[pin]),
    random,
  );
  const events = actions.map(({ item, type }, n) => eventOf(options, user, n, { pinIndex: shown[item], position: item + 1, type }));
  return { unlogged: logged ? null : list, events };
}

function eventOf(
  { recommendationId, now }: ListOptions,
  user: WorldUser,
  n: number,
  what: Pick<Engagement, 'pinIndex' | 'position' | 'type'>,
): Engagement {
  return { eventId: `${recommendationId}-${n}`, recommendationId, userId: user.id, at: now + 1000 * (n + 1), ...what };
}
