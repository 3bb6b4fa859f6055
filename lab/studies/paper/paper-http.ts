/**
 * The replay in small, from end to end: a real server on a socket assigns, serves and counts; people ask it for lists and
 * send what they did as events. Its report must order the arms as the planted truth does.
 */
import { openContext } from '../../../src/service/context.ts';
import { ServiceError } from '../../../src/errors.ts';
import { armIndexOf } from '../../../src/experiments/assignment.ts';
import type { AssignmentPlan } from '../../../src/experiments/assignment.ts';
import type { ExperimentDefinition } from '../../../src/experiments/experiment.ts';
import type { ExperimentReport } from '../../../src/experiments/report/experiment-report.ts';
import { mixedSeed, seededRandom } from '../../../src/math/random.ts';
import { startServer } from '../../../src/server.ts';
import { freshPaperFolder } from './paper-folder.ts';
import type { PaperWorld } from './paper-world.ts';
import type { JobInput } from '../../../src/jobs/job.ts';
import { eventsOf } from '../list-events.ts';

/** People who are waiting for a reply at the same time. */
const CLIENTS = 4;

interface HttpStage {
  readonly plan: AssignmentPlan;
  readonly pool: readonly number[];
}

interface HttpReplay {
  readonly reports: readonly ExperimentReport[];
  readonly lists: number;
  readonly events: number;
  /** What everybody wished for on the very lists that were served, per item, by "experiment/arm". */
  readonly wished: ReadonlyMap<string, Wish>;
  /** Lists of another arm than the arithmetic says, or items that are no pins of the world. */
  readonly surprises: number;
}

export interface Wish {
  engaged: number;
  items: number;
}

/** How often each served list is acted on again with other chances, to know what it is worth. */
const WISHES = 12;

interface Reply {
  readonly recommendationId: string;
  readonly arm: string | null;
  readonly items: readonly { readonly pinId: string; readonly position: number }[];
}

export async function replayOverHttp(
  { config, dataFolder, progress, signal }: JobInput,
  world: PaperWorld,
  definitions: readonly ExperimentDefinition[],
  stages: readonly HttpStage[],
  people: number,
  seed: number,
): Promise<HttpReplay> {
  const folder = freshPaperFolder(dataFolder, 'replay-paper-http');
  await defineAll(config, folder, definitions);
  const server = await startServer({ ...config, host: '127.0.0.1', port: 0, logLevel: 'silent', keys: [] }, folder);
  const visitor = new Visitor(server.address, world, stages, seed);
  try {
    progress.start('people act over HTTP', people);
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < people) {
        if (signal.aborted) throw new ServiceError('JOB_STOPPED');
        await visitor.visits(next++);
        progress.update(next);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    const reports: ExperimentReport[] = [];
    for (const { key } of definitions)
      reports.push(await visitor.get<ExperimentReport>(`/v1/experiments/${key}/report?interval=fixed-horizon`));
    const { lists, events, surprises, wished } = visitor;
    return { reports, lists, events, surprises, wished };
  } finally {
    await server.close();
  }
}

async function defineAll(config: JobInput['config'], folder: string, definitions: readonly ExperimentDefinition[]): Promise<void> {
  const context = await openContext(config, folder);
  const author = { by: 'replay-paper', at: Date.now() };
  for (const definition of definitions) {
    context.experiments.store.define(definition, author);
    context.experiments.store.start(definition.key, author);
  }
  await context.close();
}

class Visitor {
  lists = 0;
  events = 0;
  surprises = 0;
  readonly wished = new Map<string, Wish>();
  private readonly address: string;
  private readonly world: PaperWorld;
  private readonly stages: readonly HttpStage[];
  private readonly seed: number;

  constructor(address: string, world: PaperWorld, stages: readonly HttpStage[], seed: number) {
    this.address = address;
    this.world = world;
    this.stages = stages;
    this.seed = seed;
  }

  /** One person's lists, as many as in the large replay. */
  async visits(person: number): Promise<void> {
    const unit = `person-${person}`;
    const stage = this.stages.find(({ plan }) => armIndexOf(plan, unit) >= 0);
    if (!stage) return;
    const { plan, pool } = stage;
    const { world } = this;
    const random = seededRandom(mixedSeed(this.seed, `http/${unit}`));
    const arm = `${plan.key}/${plan.armKeys[armIndexOf(plan, unit)]}`;
    for (let visit = 0; visit < 6 && (visit === 0 || random.next() < 0.55); visit++) {
      const query = world.people.chooseQuery(world.users[person], pool, random);
      const pinId = encodeURIComponent(world.recipe.pins[query].id);
      const list = await this.get<Reply>(`/v1/pins/${pinId}/related?userId=${unit}&limit=25`);
      this.lists++;
      if (list.arm !== arm) this.surprises++;
      await this.act(person, unit, query, list, random);
    }
  }

  private async act(person: number, unit: string, query: number, list: Reply, random: ReturnType<typeof seededRandom>): Promise<void> {
    const { world } = this;
    const recipePins = list.items.map(({ pinId }) => world.recipePinOf(pinId));
    if (recipePins.includes(-1)) this.surprises++;
    this.wish(list.arm ?? '', person, query, recipePins);
    const events = eventsOf(list, unit, world.actOn(world.users[person], query, recipePins, random));
    if (events.length === 0) return;
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ events }) };
    const receipt = await this.get<{ written: number }>('/v1/events', init);
    this.events += receipt.written;
  }

  /** Chances of their own, so that what people do is not what they are measured by. */
  private wish(arm: string, person: number, query: number, recipePins: readonly number[]): void {
    const { world } = this;
    const wish = this.wished.get(arm) ?? { engaged: 0, items: 0 };
    this.wished.set(arm, wish);
    for (let again = 0; again < WISHES; again++) {
      const random = seededRandom(mixedSeed(this.seed, `wish/${this.lists}/${again}`));
      wish.engaged += world.actOn(world.users[person], query, recipePins, random).length;
      wish.items += recipePins.length;
    }
  }

  async get<T>(path: string, init?: RequestInit): Promise<T> {
    const reply = await fetch(this.address + path, init);
    if (reply.ok) return (await reply.json()) as T;
    throw new RangeError(`${path}: expected a reply, got ${reply.status} ${await reply.text()}`);
  }
}
