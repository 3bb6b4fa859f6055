/**
 * Scores live lists with the model in the dark, behind the reply: one list at a time, a turn of the event loop between two,
 * so that requests come first. What comes while too much waits is left out and counted.
 */
import { reasonOf } from '../errors.ts';
import { mixedSeed, seededRandom } from '../math/random.ts';
import type { DarkReadStore } from '../ranker/dark-read-store.ts';
import { type DarkRead, tauOfOrders, topItems } from '../ranker/dark-reads.ts';
import type { Ranker, ScoringInputs } from '../ranker/ranker.ts';
import type { RankerOnTrial } from '../ranker/serving-models.ts';
import type { RankedList } from './ranked-list.ts';

/** Lists that wait with all that was scored: a few hundred kilobytes each. */
const WAITING_MAX = 32;
/** Not the stream that decides which lists are shuffled. */
const SEED = 3;

export class DarkReading {
  private readonly model: () => RankerOnTrial | null;
  private readonly openStore: () => DarkReadStore;
  private store: DarkReadStore | null = null;
  private waiting: RankedList[] = [];
  private working: Promise<void> | null = null;
  /** Lists read, left out because too many waited, and those the model or the store failed on. */
  readonly counts = { read: 0, leftOut: 0, failed: 0 };

  constructor(model: () => RankerOnTrial | null, openStore: () => DarkReadStore) {
    this.model = model;
    this.openStore = openStore;
  }

  /** Whether this list shall be read: what was scored must then be kept. */
  wants(recommendationId: string): boolean {
    const dark = this.model();
    if (dark === null) return false;
    return dark.share >= 1 || seededRandom(mixedSeed(SEED, recommendationId)).next() < dark.share;
  }

  /** Takes a list that was sent; returns at once. Lists without their inputs, or with a treatment the caller forced, are not read. */
  take(list: RankedList): void {
    if (list.inputs === null || list.options.forced || this.model() === null) return;
    if (this.waiting.length >= WAITING_MAX) {
      this.counts.leftOut++;
      return;
    }
    this.waiting.push(list);
    this.working ??= this.work().finally(() => {
      this.working = null;
    });
  }

  private async work(): Promise<void> {
    for (let list = await this.next(); list !== undefined; list = await this.next()) {
      const dark = this.model();
      if (dark === null) continue;
      const read = await darkRead(dark.ranker, list, list.inputs as ScoringInputs);
      this.store ??= this.openStore();
      this.store.add(read).catch(() => this.counts.failed++);
      if (read.problem === null) this.counts.read++;
      else this.counts.failed++;
    }
  }

  private async next(): Promise<RankedList | undefined> {
    await new Promise((turn) => setImmediate(turn));
    return this.waiting.shift();
  }

  /** The last reads of the model in the dark, or of the one that was there last. */
  lastReads(count: number): { readonly model: string | null; readonly reads: readonly DarkRead[] } {
    this.store ??= this.openStore();
    const model = this.model()?.ranker.name ?? this.store.lastModel();
    return { model, reads: model === null ? [] : this.store.reads({ model, last: count }) };
  }

  /** Finishes what it began and makes it durable. */
  async close(): Promise<void> {
    this.waiting = [];
    await this.working;
    this.store?.close();
    this.store = null;
  }
}

/** Scores what the serving model scored. */
async function darkRead(ranker: Ranker, list: RankedList, inputs: ScoringInputs): Promise<DarkRead> {
  const { options, surface, queryPinIndex, timings } = list;
  const { candidates } = inputs;
  const scores = list.scores.subarray(0, candidates.count);
  const startedAt = performance.now();
  let dark: Float64Array = new Float64Array(0);
  let problem: string | null = null;
  try {
    dark = await ranker.score(inputs);
  } catch (error) {
    problem = reasonOf(error);
  }
  const darkMs = performance.now() - startedAt;
  return {
    ...{ recommendationId: options.recommendationId, at: options.now, surface, queryPinIndex },
    ...{ servingModel: list.ranker.name, darkModel: ranker.name, candidates: candidates.count },
    ...{ servingMs: timings.scoresMs, darkMs, problem },
    kendallTau: problem === null ? tauOfOrders(scores, dark) : null,
    serving: topItems(scores, candidates.pinIndexes),
    dark: topItems(dark, candidates.pinIndexes),
  };
}
