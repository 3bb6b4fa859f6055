/**
 * People who tire of sameness use a real server: they ask for closeups, do what they do, and send it as events, day after day.
 * The clock of this process is moved from day to day, so that server, log and report see two weeks go by.
 */
import { ServiceError } from '../../../src/errors.ts';
import type { ExperimentReport } from '../../../src/experiments/report/experiment-report.ts';
import type { JobInput } from '../../../src/jobs/job.ts';
import { mixedSeed, seededRandom } from '../../../src/math/random.ts';
import { makeRecipe, type WorldUser } from '../../world/recipe.ts';
import { TiringPerson } from '../../world/tiring.ts';
import type { TrueWorld } from '../world-truth.ts';
import { eventsOf } from '../list-events.ts';

/** Days on which everybody comes, counted from the first, and how many lists they look at then: newcomers look around. */
export const VISITS = [
  [0, 3],
  [1, 1],
  [2, 1],
  [4, 1],
  [6, 1],
  [8, 1],
  [10, 1],
  [13, 1],
] as const;
const START = Date.UTC(2025, 5, 2, 8);
const DAY_MS = 86_400_000;
/** People who wait for a reply at the same time. */
const CLIENTS = 6;

/** Runs `work` with a clock that says how many days have passed since the start. */
export async function withMovedClock<T>(work: (moveTo: (day: number) => void) => Promise<T>): Promise<T> {
  const real = Date.now;
  const moveTo = (day: number): void => {
    const since = real();
    Date.now = () => START + day * DAY_MS + (real() - since);
  };
  moveTo(0);
  try {
    return await work(moveTo);
  } finally {
    Date.now = real;
  }
}

interface Reply {
  readonly recommendationId: string;
  readonly arm: string | null;
  readonly items: readonly { readonly pinId: string; readonly position: number }[];
}

interface VisitorSettings {
  readonly people: number;
  readonly tires: boolean;
  readonly seed: number;
}

export class TiringVisitors {
  lists = 0;
  events = 0;
  /** Weariness of everybody by arm, after their last visit. */
  readonly weariness = new Map<string, number[]>();
  private readonly address: string;
  private readonly world: TrueWorld;
  private readonly settings: VisitorSettings;
  private readonly persons: readonly TiringPerson[];
  private readonly users: readonly WorldUser[];
  private readonly byId: ReadonlyMap<string, number>;
  private readonly pool: readonly number[];

  constructor(address: string, world: TrueWorld, settings: VisitorSettings) {
    const { recipe, people } = world;
    this.address = address;
    this.world = world;
    this.settings = settings;
    // People beyond those of the world are drawn by the same law from the same stream.
    this.users = makeRecipe({ ...recipe.size, users: settings.people }).users;
    this.persons = this.users.map((user) => new TiringPerson(recipe, people, user));
    this.byId = new Map(recipe.pins.map(({ id }, index) => [id, index]));
    this.pool = recipe.pins.map((_, index) => index);
  }

  /** Everybody's lists of one day. */
  async day(day: number, lists: number, { signal, progress }: Pick<JobInput, 'signal' | 'progress'>): Promise<void> {
    progress.start(`day ${day}`, this.persons.length);
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < this.persons.length) {
        if (signal.aborted) throw new ServiceError('JOB_STOPPED');
        const index = next++;
        for (let visit = 0; visit < lists; visit++) await this.visit(index, day, visit);
        progress.update(next);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }

  private async visit(index: number, day: number, visit: number): Promise<void> {
    const { seed, tires } = this.settings;
    const unit = `person-${index}`;
    // The same chances whatever arm the person is in.
    const random = seededRandom(mixedSeed(seed, `${unit} day ${day} list ${visit}`));
    const query = this.world.people.chooseQuery(this.users[index], this.pool, random);
    const pinId = encodeURIComponent(this.world.recipe.pins[query].id);
    const list = await this.get<Reply>(`/v1/pins/${pinId}/related?userId=${unit}&limit=25&fields=`);
    this.lists++;
    const items = list.items.map((item) => this.byId.get(item.pinId) ?? -1);
    const actions = this.persons[index].act(query, items, day, random, tires);
    if (day === VISITS.at(-1)?.[0]) this.note(list.arm ?? 'none', this.persons[index].weariness);
    const done = actions.filter(({ type }) => type !== 'impression');
    const events = eventsOf(list, unit, done);
    if (events.length === 0) return;
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ events }) };
    this.events += (await this.get<{ written: number }>('/v1/events', init)).written;
  }

  private note(arm: string, weariness: number): void {
    const known = this.weariness.get(arm);
    if (known) known.push(weariness);
    else this.weariness.set(arm, [weariness]);
  }

  /** An experiment's report, as the public API gives it. */
  report(key: string): Promise<ExperimentReport> {
    return this.get(`/v1/experiments/${key}/report?interval=fixed-horizon`);
  }

  async get<T>(path: string, init?: RequestInit): Promise<T> {
    const reply = await fetch(`${this.address}${path}`, init);
    if (!reply.ok) throw new Error(`${path} answered ${reply.status}: ${await reply.text()}`);
    return (await reply.json()) as T;
  }
}
