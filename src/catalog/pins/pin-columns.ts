/**
 * What serving reads of every pin, resident as columns by pinIndex, no object per pin. Loaded once from the store and
 * kept up with `refresh`. Arrays are replaced by longer ones as pins arrive: read them through the object each time.
 */
import { SITE_CATEGORIES } from '../../config.ts';
import type { FlatArray } from '../artifacts/artifact-file.ts';
import type { CatalogStore } from './catalog-store.ts';
import { IdTable } from './id-table.ts';
import { PinRecords } from './pin-records.ts';
import type { PinColumnRow } from './pin-store.ts';
import { copied, GrowingSparseRows, SparsePool, type SparseRows } from './sparse-rows.ts';
import { wordsOf } from './words.ts';

export type { SparseRows } from './sparse-rows.ts';

/** Bits of `flags`. An image has failed when it was looked at in its present version and refused. */
export const PIN_BUYABLE = 1;
export const PIN_HAS_IMAGE = 2;
export const PIN_IMAGE_FAILED = 4;
export const PIN_REMOVED = 8;

/** Entry p of a column is that of pin p, below `count`; arrays may be longer. */
export interface PinColumns {
  readonly count: number;
  /** -1 when unknown. */
  indexOf(id: string): number;
  idOf(pinIndex: number): string;
  readonly saves: Uint32Array;
  /** Epoch milliseconds, NaN when unknown. */
  readonly createdAt: Float64Array;
  /** Ordinal of the link's domain, -1 without one. */
  readonly domain: Int32Array;
  readonly flags: Uint8Array;
  /** Near-duplicate group: its smallest pinIndex; the pin's own when alone. */
  readonly group: Int32Array;
  readonly categories: SparseRows;
  /** The site-wide categories in their order, then those met beside them. */
  readonly categoryNames: readonly string[];
  /** L2-normalized. */
  readonly annotations: SparseRows;
  readonly annotationTerms: readonly string[];
  /** L2-normalized tf-idf of title words; idf as of when the row was loaded. */
  readonly titleTerms: SparseRows;
  /** The same once more, a record per pin, for code that reads many pins; null: there are only the columns. */
  readonly records: PinRecords | null;
}

/** Arrays of a snapshot by name: what `parts` gave, in memory of their own. */
interface ColumnParts {
  readonly sequence: number;
  array(name: string): FlatArray;
}

class Vocabulary {
  readonly names: string[] = [];
  private readonly ordinals = new Map<string, number>();

  constructor(names: readonly string[] = []) {
    for (const name of names) this.ordinalOf(name);
  }

  ordinalOf(name: string): number {
    let ordinal = this.ordinals.get(name);
    if (ordinal === undefined) {
      ordinal = this.names.push(name) - 1;
      this.ordinals.set(name, ordinal);
    }
    return ordinal;
  }
}

/** Names one after the other, and where each ends. */
function packedNames(names: readonly string[]): { bytes: Uint8Array<ArrayBuffer>; ends: Uint32Array<ArrayBuffer> } {
  const bytes = new TextEncoder().encode(names.join('')) as Uint8Array<ArrayBuffer>;
  let end = 0;
  return { bytes, ends: Uint32Array.from(names, (name) => (end += Buffer.byteLength(name))) };
}

function* unpackedNames(bytes: Uint8Array, ends: Uint32Array): Generator<string> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let n = 0; n < ends.length; n++) yield text.toString('utf8', n === 0 ? 0 : ends[n - 1], ends[n]);
}

const SPARSE = ['categories', 'annotations', 'titleTerms'] as const;
const WORDS = ['categoryWords', 'annotationWords', 'titleWords', 'domains'] as const;
const DENSE = ['saves', 'createdAt', 'domain', 'flags', 'group'] as const;

/** Pins between two looks at the clock. */
const CATCH_UP_PAGE = 4;

type Entries = [number, number][];

export class ResidentPinColumns implements PinColumns {
  saves = new Uint32Array(256);
  createdAt = new Float64Array(256);
  domain = new Int32Array(256);
  flags = new Uint8Array(256);
  group = new Int32Array(256);
  /** All that is sparse of a pin lies side by side: who reads one kind has the others at hand. */
  private readonly pool = new SparsePool();
  readonly categories = new GrowingSparseRows(this.pool);
  readonly annotations = new GrowingSparseRows(this.pool);
  readonly titleTerms = new GrowingSparseRows(this.pool);
  readonly records = new PinRecords();
  private readonly ids = new IdTable();
  private readonly categoryWords: Vocabulary;
  private readonly annotationWords = new Vocabulary();
  private readonly titleWords = new Vocabulary();
  private readonly domains = new Vocabulary();
  private readonly store: CatalogStore;
  private documentCounts = new Uint32Array(1024);
  private seenSequence = 0;
  private takenOver = 0;
  /** Changed pins that are not taken over yet, ascending. */
  private waiting: number[] = [];

  /** From a snapshot and what came after it, or from every row of the store. */
  constructor(store: CatalogStore, categories: readonly string[], snapshot: ColumnParts | null = null) {
    this.store = store;
    this.categoryWords = new Vocabulary(categories);
    if (snapshot) this.restore(snapshot);
    else this.loadAll();
  }

  private loadAll(): void {
    const { store } = this;
    this.seenSequence = store.sequence.current();
    for (const row of store.pins.columnRows()) this.setRow(row);
    for (const [pinIndex, count] of store.saves.countsPerPin()) if (pinIndex < this.count) this.saves[pinIndex] = count;
    for (let pinIndex = 0; pinIndex < this.count; pinIndex++) this.weighTitle(pinIndex);
    this.recordAll();
  }

  /** The arrays of a snapshot of all pins as they are now. Views, to be written at once. */
  parts(): Readonly<Record<string, FlatArray>> {
    const { count } = this;
    const arrays: Record<string, FlatArray> = { documentCounts: this.documentCounts.subarray(0, this.titleWords.names.length) };
    for (const name of DENSE) arrays[name] = this[name].subarray(0, count);
    for (const [part, array] of Object.entries(this.ids.parts())) arrays[`ids.${part}`] = array as FlatArray;
    for (const [part, array] of Object.entries(this.pool.parts())) arrays[`pool.${part}`] = array as FlatArray;
    for (const name of SPARSE)
      for (const [part, array] of Object.entries(this[name].parts(count))) arrays[`${name}.${part}`] = array as FlatArray;
    for (const name of WORDS) for (const [part, array] of Object.entries(packedNames(this[name].names))) arrays[`${name}.${part}`] = array;
    return arrays;
  }

  /** Grows with every row that is taken over after the start. */
  get version(): number {
    return this.takenOver;
  }

  /** The change sequence up to which everything is in. */
  get sequence(): number {
    return this.seenSequence;
  }

  private restore(snapshot: ColumnParts): void {
    const take = <T>(name: string): T => snapshot.array(name) as T;
    this.ids.restore({ bytes: take('ids.bytes'), ends: take('ids.ends'), slots: take('ids.slots') });
    this.pool.restore({ ordinals: take('pool.ordinals'), weights: take('pool.weights') });
    for (const name of SPARSE) this[name].restore({ start: take(`${name}.start`), length: take(`${name}.length`) });
    for (const name of WORDS) for (const word of unpackedNames(take(`${name}.bytes`), take(`${name}.ends`))) this[name].ordinalOf(word);
    this.saves = take('saves');
    this.createdAt = take('createdAt');
    this.domain = take('domain');
    this.flags = take('flags');
    this.documentCounts = take('documentCounts');
    // Groups carry no sequence number, and few pins are in one: they are read again.
    this.group = Int32Array.from({ length: this.count }, (_, pinIndex) => pinIndex);
    for (const [pinIndex, group] of this.store.groups.all()) if (pinIndex < this.count) this.group[pinIndex] = group;
    this.recordAll();
    this.seenSequence = snapshot.sequence;
    this.catchUp();
  }

  get count(): number {
    return this.ids.count;
  }

  get categoryNames(): readonly string[] {
    return this.categoryWords.names;
  }

  get annotationTerms(): readonly string[] {
    return this.annotationWords.names;
  }

  indexOf(id: string): number {
    return this.ids.indexOf(id);
  }

  idOf(pinIndex: number): string {
    return this.ids.idOf(pinIndex);
  }

  /** Reads these pins again, and every pin that is in the store but not here yet. */
  refresh(pinIndexes: Iterable<number>): void {
    const known = this.count;
    const fresh = [...this.store.pins.columnRows(known)];
    const stale = [...pinIndexes].filter((pinIndex) => pinIndex < known).map((pinIndex) => this.store.pins.columnRow(pinIndex));
    for (const row of [...fresh, ...stale]) {
      if (row === null) continue;
      this.setRow(row);
      this.saves[row[0]] = this.store.saves.countOf(row[0]);
      this.weighTitle(row[0]);
      this.record(row[0]);
    }
  }

  /**
   * Takes over what changed in the store since the last call, also by other processes, for about `budgetMs`; the rest is
   * taken over by the next calls, in order of pins. Returns the pins taken over.
   */
  catchUp(budgetMs = Number.POSITIVE_INFINITY): readonly number[] {
    const until = performance.now() + budgetMs;
    const now = this.store.sequence.current();
    if (now !== this.seenSequence) {
      this.waiting = merged(this.waiting, this.store.changedPinsSince(this.seenSequence));
      this.seenSequence = now;
    }
    let done = 0;
    while (done < this.waiting.length && (done % CATCH_UP_PAGE !== 0 || done === 0 || performance.now() < until))
      this.takeOver(this.waiting[done++]);
    return this.waiting.splice(0, done);
  }

  /** Takes over pins out of their turn: those that were taken away, came back or changed their price must not wait. */
  takeOverNow(pinIndexes: readonly number[]): void {
    for (const pinIndex of pinIndexes) if (pinIndex < this.count) this.takeOver(pinIndex);
  }

  /** True while changes that are known of are not taken over yet. */
  get isBehind(): boolean {
    return this.waiting.length > 0;
  }

  private takeOver(pinIndex: number): void {
    // New pins wait in their order, so the next one is due; should one be missing, all that are new come at once.
    if (pinIndex > this.count) return this.refresh([]);
    const row = this.store.pins.columnRow(pinIndex);
    if (row === null) return;
    this.setRow(row);
    this.saves[pinIndex] = this.store.saves.countOf(pinIndex);
    this.weighTitle(pinIndex);
    this.record(pinIndex);
  }

  private setRow(row: PinColumnRow): void {
    this.takenOver++;
    const [pinIndex, id, title, domain, annotations, categories, buyable, createdAt, removed, hasImage, failure, group] = row;
    const isNew = pinIndex === this.ids.count;
    if (isNew) this.ids.add(id);
    else if (pinIndex > this.ids.count) throw new RangeError(`pinIndex: expected ${this.ids.count} next, got ${pinIndex}`);
    if (pinIndex >= this.saves.length) this.grow();
    this.createdAt[pinIndex] = createdAt ?? Number.NaN;
    this.domain[pinIndex] = domain === null ? -1 : this.domains.ordinalOf(domain);
    this.flags[pinIndex] =
      (buyable ? PIN_BUYABLE : 0) |
      (hasImage ? PIN_HAS_IMAGE : 0) |
      (failure === null ? 0 : PIN_IMAGE_FAILED) |
      (removed ? PIN_REMOVED : 0);
    this.group[pinIndex] = group ?? pinIndex;
    this.categories.set(pinIndex, entriesOf(categories, this.categoryWords));
    this.annotations.set(pinIndex, unitLength(entriesOf(annotations, this.annotationWords)));
    this.countTitle(pinIndex, title, isNew);
  }

  /** Notes how often each word stands in the title; `weighTitle` turns that into tf-idf once all titles were seen. */
  private countTitle(pinIndex: number, title: string | null, isNew: boolean): void {
    const counts = new Map<number, number>();
    for (const word of title ? wordsOf(title) : []) {
      const ordinal = this.titleWords.ordinalOf(word);
      counts.set(ordinal, (counts.get(ordinal) ?? 0) + 1);
    }
    if (this.titleWords.names.length > this.documentCounts.length) {
      this.documentCounts = copied(this.documentCounts, new Uint32Array(2 * this.titleWords.names.length));
    }
    const { start, length, ordinals } = this.titleTerms;
    if (!isNew) for (let i = 0; i < length[pinIndex]; i++) this.documentCounts[ordinals[start[pinIndex] + i]]--;
    for (const ordinal of counts.keys()) this.documentCounts[ordinal]++;
    this.titleTerms.set(pinIndex, [...counts]);
  }

  /** weight = count of the word x (ln((1 + pins) / (1 + pins with it)) + 1), then unit length. */
  private weighTitle(pinIndex: number): void {
    const { start, length, ordinals, weights } = this.titleTerms;
    let squares = 0;
    for (let i = start[pinIndex]; i < start[pinIndex] + length[pinIndex]; i++) {
      weights[i] *= Math.log((1 + this.count) / (1 + this.documentCounts[ordinals[i]])) + 1;
      squares += weights[i] ** 2;
    }
    for (let i = start[pinIndex]; i < start[pinIndex] + length[pinIndex]; i++) weights[i] /= Math.sqrt(squares);
  }

  private recordAll(): void {
    this.records.reserve(this.count);
    for (let pinIndex = 0; pinIndex < this.count; pinIndex++) this.record(pinIndex);
  }

  /** Copies a pin from the columns into its record. */
  private record(pinIndex: number): void {
    const { categories, annotations, titleTerms } = this;
    this.records.set(pinIndex, {
      createdAt: this.createdAt[pinIndex],
      saves: this.saves[pinIndex],
      domain: this.domain[pinIndex],
      group: this.group[pinIndex],
      flags: this.flags[pinIndex],
      firstEntry: categories.start[pinIndex],
      categories: categories.length[pinIndex],
      annotations: annotations.length[pinIndex],
      titleTerms: titleTerms.length[pinIndex],
    });
  }

  private grow(): void {
    const rows = Math.max(256, this.saves.length * 2);
    this.saves = copied(this.saves, new Uint32Array(rows));
    this.createdAt = copied(this.createdAt, new Float64Array(rows));
    this.domain = copied(this.domain, new Int32Array(rows));
    this.flags = copied(this.flags, new Uint8Array(rows));
    this.group = copied(this.group, new Int32Array(rows));
  }
}

/** What stands in either, ascending and once, as in both. */
function merged(a: readonly number[], b: readonly number[]): number[] {
  const both: number[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const next = j === b.length || a[i] <= b[j] ? a[i] : b[j];
    if (a[i] === next) i++;
    if (b[j] === next) j++;
    both.push(next);
  }
  return both;
}

/** Loads the columns of all pins, from a snapshot where there is one. */
export function loadPinColumns(
  store: CatalogStore,
  categories: readonly string[] = SITE_CATEGORIES,
  snapshot: ColumnParts | null = null,
): ResidentPinColumns {
  return new ResidentPinColumns(store, categories, snapshot);
}

function entriesOf(json: string | null, words: Vocabulary): Entries {
  if (json === null) return [];
  const entries: Entries = [];
  const map = JSON.parse(json) as Record<string, number>;
  for (const name of Object.keys(map)) entries.push([words.ordinalOf(name), map[name]]);
  return entries;
}

function unitLength(entries: Entries): Entries {
  let squares = 0;
  for (const [, weight] of entries) squares += weight * weight;
  const length = Math.sqrt(squares);
  if (length > 0) for (const entry of entries) entry[1] /= length;
  return entries;
}
