import { wasmKernel } from '../../worker-url.ts';
import {
  boardWeights,
  type CooccurrenceOptions,
  ListWriter,
  type NeighborLists,
  normsOf,
  scaleOf,
  type Weigh,
  weigher,
} from './board-cooccurrence.ts';
import { TopKHeap } from '../../math/top-k.ts';
import { type BoardPins, grownBy } from './board-pins.ts';

type Add = (at: number, end: number, boardStart: number, boardPins: number, sums: number, touched: number, weights: number) => number;
type Sample = (t: number, end: number, step: number, sums: number, factors: number, out: number) => number;
type Near = (t: number, end: number, sums: number, factors: number, least: number, out: number) => number;

/** Touched pins looked at between two looks at what the list holds: few at first, when the list fills. */
const FIRST_CHUNK = 256;
const LAST_CHUNK = 4096;
/** Every 16th touched pin is looked at first, for a guess of what the list will hold at least. */
const SAMPLED = 16;
/** A row with fewer touched pins for each place of its list guesses nothing. */
const SAMPLED_FROM = 8;
/** Standard deviations of how many pins of the list are in the sample. With 50 neighbors the guess was too high, and the row counted again, for 1 row in 150. */
const SAFE = 3;
/** Record of a near pin: (u32, u32) for whole sums, (u32, 0, f64) for weighted ones. */
const RECORD_BYTES = 16;
/**
 * Relative slack of the quick test: factors are single precision and products are rounded where the formulas divide. What
 * passes is weighed exactly, so the slack costs a little time and no bit.
 */
const SLACK = 1e-6;

/** Memory for one counter after another: they take the same place instead of one each. */
export class CounterRoom {
  private base = 0;
  private bytes = 0;

  /** A place of so many bytes, all zero. */
  of(memory: WebAssembly.Memory, bytes: number): number {
    if (bytes > this.bytes) [this.base, this.bytes] = [grownBy(memory, bytes), bytes];
    else new Uint8Array(memory.buffer, this.base, bytes).fill(0);
    return this.base;
  }
}

/**
 * Counts rows with the two inner loops in WebAssembly: adding up boards, and passing over pins whose weight is far below
 * what the list already holds. Weights are worked out and lists kept as in RowCounter, with the same bits.
 * A counter grows the table's memory by its own accumulators, about 14 or 20 bytes a pin, unless it is given a room that others had before.
 */
export class FastRowCounter {
  private readonly table: BoardPins;
  private readonly neighbors: number;
  private readonly weigh: Weigh;
  private readonly queryFactor: Float64Array | null;
  private readonly add: Add;
  private readonly sample: Sample;
  private readonly near: Near;
  /** The best products of a sample. */
  private readonly sampled: TopKHeap;
  private readonly whole: boolean;
  private readonly at: { sums: number; touched: number; factors: number; weights: number; out: number };
  private readonly out: Uint32Array;
  private readonly outSums: Float64Array;
  private readonly clearSum: (i: number) => void;

  /** `norms`: of all boards, for a table that has not all boards of every pin. */
  constructor(table: BoardPins, options: CooccurrenceOptions, room = new CounterRoom(), norms = normsOf(table, options)) {
    const weights = boardWeights(table, options) ?? (mostBoards(table) > 0xffff ? ones(table.boards) : null);
    const scale = scaleOf(options, norms);
    this.table = table;
    this.neighbors = options.neighbors;
    this.weigh = weigher(options, norms);
    this.queryFactor = scale?.ofQuery ?? null;
    this.whole = weights === null;
    this.at = this.places(weights, room);
    const { buffer } = table.memory;
    new Float32Array(buffer, this.at.factors, table.pins).set(scale?.ofOther ?? ones(table.pins));
    if (weights) new Float64Array(buffer, this.at.weights, table.boards).set(weights);
    this.out = new Uint32Array(buffer, this.at.out, (LAST_CHUNK * RECORD_BYTES) / 4);
    this.outSums = new Float64Array(buffer, this.at.out, (LAST_CHUNK * RECORD_BYTES) / 8);
    const sums = weights ? new Float64Array(buffer, this.at.sums, table.pins) : new Uint16Array(buffer, this.at.sums, table.pins);
    this.clearSum = (i) => {
      sums[i] = 0;
    };
    const { exports } = new WebAssembly.Instance(wasmKernel(import.meta.url, './cooccurrence.wasm'), { table: { memory: table.memory } });
    this.add = (this.whole ? exports.addOnes : exports.addWeights) as Add;
    this.sample = (this.whole ? exports.sampleOnes : exports.sampleWeights) as Sample;
    const expected = options.neighbors / SAMPLED;
    this.sampled = new TopKHeap(Math.ceil(expected + SAFE * Math.sqrt(expected)));
    this.near = (this.whole ? exports.nearOnes : exports.nearWeights) as Near;
  }

  /** `wanted`: by pin, 0 where the list may stay empty; absent: all lists. */
  rows(from: number, to: number, wanted?: Uint8Array): NeighborLists {
    const lists = new ListWriter(from, to, this.neighbors);
    for (let i = from; i < to; i++) {
      if (wanted?.[i] !== 0) this.row(i, lists);
      lists.endRow(i);
    }
    return lists.finish();
  }

  private row(i: number, lists: ListWriter): void {
    const end = this.sumsOf(i);
    const guess = this.guessedLeast(end);
    this.offerAll(i, end, guess, lists);
    if (guess === 0 || this.leastProduct(i, lists.heap.threshold) >= guess) return;
    lists.heap.drain();
    this.offerAll(i, this.sumsOf(i), 0, lists);
  }

  /** Adds up the boards of row i; returns the end of the touched pins. */
  private sumsOf(i: number): number {
    const { table, at } = this;
    const { boardStart, boardPins, pinStart, pinBoards } = table;
    const end = this.add(
      pinBoards.byteOffset + 4 * pinStart[i],
      pinBoards.byteOffset + 4 * pinStart[i + 1],
      boardStart.byteOffset,
      boardPins.byteOffset,
      at.sums,
      at.touched,
      at.weights,
    );
    this.clearSum(i);
    return end;
  }

  /**
   * A product that more pins than the list holds will probably reach, by a sample of them: most of the others are then passed over
   * from the first on. 0 where the sample would be small or the weight is no product.
   */
  private guessedLeast(end: number): number {
    const { at, sampled } = this;
    const touched = (end - at.touched) / 4;
    if (this.queryFactor === null || touched < SAMPLED_FROM * this.neighbors) return 0;
    // The place of the near pins holds so many products.
    const step = 4 * Math.max(SAMPLED, Math.ceil(touched / this.outSums.length));
    const found = (this.sample(at.touched, end, step, at.sums, at.factors, at.out) - at.out) / 8;
    for (let s = 0; s < found; s++) sampled.offer(s, this.outSums[s]);
    const guess = sampled.threshold;
    sampled.drain();
    return Math.max(0, guess);
  }

  private offerAll(i: number, end: number, guess: number, lists: ListWriter): void {
    const { at } = this;
    let chunk = FIRST_CHUNK;
    for (let t = at.touched; t < end; t += 4 * chunk, chunk = Math.min(LAST_CHUNK, 2 * chunk)) {
      const least = Math.max(guess, this.leastProduct(i, lists.heap.threshold));
      const found = this.near(t, Math.min(end, t + 4 * chunk), at.sums, at.factors, least, at.out) - at.out;
      if (this.whole) this.offerWhole(i, found, lists);
      else this.offerWeighted(i, found, lists);
    }
  }

  /** The product below which no pin can enter the list; 0 while the list is not full or the weight is no product. */
  private leastProduct(i: number, threshold: number): number {
    return this.queryFactor && threshold > 0 ? (threshold / this.queryFactor[i]) * (1 - SLACK) : 0;
  }

  private offerWhole(i: number, bytes: number, lists: ListWriter): void {
    const { out, weigh } = this;
    for (let r = 0; r < bytes / 4; r += 2) {
      const score = out[r + 1] > 0 ? weigh(i, out[r], out[r + 1]) : 0;
      if (score > 0) lists.heap.offer(out[r], score);
    }
  }

  private offerWeighted(i: number, bytes: number, lists: ListWriter): void {
    const { out, outSums, weigh } = this;
    for (let r = 0; r < bytes / 4; r += 4) {
      const sum = outSums[(r >> 1) + 1];
      const score = sum > 0 ? weigh(i, out[r], sum) : 0;
      if (score > 0) lists.heap.offer(out[r], score);
    }
  }

  /** Places for the accumulators at the end of the memory, eight-byte numbers first. */
  private places(weights: Float64Array | null, room: CounterRoom): FastRowCounter['at'] {
    const { pins } = this.table;
    const lengths = { weights: weights ? 8 * weights.length : 0, sums: (weights ? 8 : 2) * pins, out: LAST_CHUNK * RECORD_BYTES };
    const eights = Math.ceil(lengths.sums / 8) * 8;
    const base = room.of(this.table.memory, lengths.weights + eights + lengths.out + 8 * pins + 64);
    const sums = base + lengths.weights;
    const out = sums + eights;
    const factors = out + lengths.out;
    return { weights: base, sums, out, factors, touched: factors + 4 * pins };
  }
}

function mostBoards(table: BoardPins): number {
  let most = 0;
  for (let i = 0; i < table.pins; i++) most = Math.max(most, table.pinStart[i + 1] - table.pinStart[i]);
  return most;
}

function ones(length: number): Float64Array {
  return new Float64Array(length).fill(1);
}
