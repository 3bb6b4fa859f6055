/**
 * Makes live lists again in the dark, after the reply, with another model or another net: one list at a time, a turn of the
 * event loop between two, so that requests come first. What comes while too much waits is left out and counted.
 */
import { reasonOf } from '../errors.ts';
import { mixedSeed, seededRandom, SERVING_STREAMS } from '../math/random.ts';
import type { DarkKind, DarkReadStore } from '../ranker/registry/dark-read-store.ts';
import { type DarkRead, tauOfOrders, topItems } from '../ranker/registry/dark-reads.ts';
import type { Ranker, ScoringInputs } from '../ranker/scoring/ranker.ts';
import type { RankerOnTrial } from '../ranker/registry/serving-models.ts';
import type { RankedList } from '../lists/ranked-list.ts';

/** Lists that wait with all that was scored: a few hundred kilobytes each. */
const WAITING_MAX = 32;

/** Who reads in the dark. */
export interface DarkReader {
  /** As kept with its reads. */
  readonly name: string;
  /** Of the lists, 0..1. */
  readonly share: number;
  /** What it makes of a list; null for lists it has nothing to say about. */
  read(list: RankedList): Promise<DarkRead> | null;
}

/** A model over what the serving one scored. */
export function modelReader(trial: RankerOnTrial | null): DarkReader | null {
  return (
    trial && { name: trial.ranker.name, share: trial.share, read: (list) => darkScores(trial.ranker, list, list.inputs as ScoringInputs) }
  );
}

/** At most 32 lists wait; the store is opened when the first read is written or asked for. */
export class DarkReading {
  private readonly reader: () => DarkReader | null;
  private readonly openStore: () => DarkReadStore;
  private readonly of: DarkKind;
  private store: DarkReadStore | null = null;
  private waiting: RankedList[] = [];
  private working: Promise<void> | null = null;
  /** Lists read, left out because too many waited, and those the reader or the store failed on. */
  readonly counts = { read: 0, leftOut: 0, failed: 0 };

  /** `of`: whose reads these are, among those of one store. */
  constructor(reader: () => DarkReader | null, openStore: () => DarkReadStore, of: DarkKind = 'models') {
    this.reader = reader;
    this.openStore = openStore;
    this.of = of;
  }

  /** Whether this list shall be read: what was scored must then be kept. */
  wants(recommendationId: string): boolean {
    const dark = this.reader();
    if (dark === null) return false;
    return dark.share >= 1 || seededRandom(mixedSeed(SERVING_STREAMS.darkReads, recommendationId)).next() < dark.share;
  }

  /** Takes a list that was sent; returns at once. Lists without their inputs, or with a treatment the caller forced, are not read. */
  take(list: RankedList): void {
    if (list.inputs === null || list.options.forced || !this.wants(list.options.recommendationId)) return;
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
      try {
        await this.readOne(list);
      } catch {
        this.counts.failed++;
      }
    }
  }

  private async readOne(list: RankedList): Promise<void> {
    const read = await this.reader()?.read(list);
    if (!read) return;
    this.store ??= this.openStore();
    this.store.add(read).catch(() => this.counts.failed++);
    if (read.problem === null) this.counts.read++;
    else this.counts.failed++;
  }

  private async next(): Promise<RankedList | undefined> {
    await new Promise((turn) => setImmediate(turn));
    return this.waiting.shift();
  }

  /** The last reads of who reads in the dark, or of who was there last. */
  lastReads(count: number): { readonly model: string | null; readonly reads: readonly DarkRead[] } {
    this.store ??= this.openStore();
    const model = this.reader()?.name ?? this.store.lastModel(this.of);
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
async function darkScores(ranker: Ranker, list: RankedList, inputs: ScoringInputs): Promise<DarkRead> {
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
    recommendationId: options.recommendationId,
    at: options.now,
    surface,
    queryPinIndex,
    servingModel: list.ranker.name,
    darkModel: ranker.name,
    candidates: candidates.count,
    servingMs: timings.scoresMs,
    darkMs,
    problem,
    kendallTau: problem === null ? tauOfOrders(scores, dark) : null,
    serving: topItems(scores, candidates.pinIndexes),
    dark: topItems(dark, candidates.pinIndexes),
  };
}
