/**
 * What serving reads of every pin, resident as columns by pinIndex, no object per pin. Loaded once from the store and
 * kept up with `refresh`. Arrays are replaced by longer ones as pins arrive: read them through the object each time.
 */
import { readFileSync } from 'node:fs';
import { projectRoot } from '../worker-url.ts';
import type { CatalogStore } from './catalog-store.ts';
import { IdTable } from './id-table.ts';
import type { PinColumnRow } from './pin-store.ts';
import { copied, GrowingSparseRows, type SparseRows } from './sparse-rows.ts';
import { wordsOf } from './words.ts';

export type { SparseRows } from './sparse-rows.ts';

export const PIN_BUYABLE = 1;
export const PIN_HAS_IMAGE = 2;
export const PIN_IMAGE_FAILED = 4;
export const PIN_REMOVED = 8;

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
}

/** The site-wide categories: a JSON list in `file`, or the 32 that ship. */
export function siteCategories(file = ''): readonly string[] {
  const source = file === '' ? new URL('data/categories.json', projectRoot()) : file;
  return JSON.parse(readFileSync(source, 'utf8')) as string[];
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

type Entries = [number, number][];

export class ResidentPinColumns implements PinColumns {
  saves = new Uint32Array(256);
  createdAt = new Float64Array(256);
  domain = new Int32Array(256);
  flags = new Uint8Array(256);
  group = new Int32Array(256);
  readonly categories = new GrowingSparseRows();
  readonly annotations = new GrowingSparseRows();
  readonly titleTerms = new GrowingSparseRows();
  private readonly ids = new IdTable();
  private readonly categoryWords: Vocabulary;
  private readonly annotationWords = new Vocabulary();
  private readonly titleWords = new Vocabulary();
  private readonly domains = new Vocabulary();
  private readonly store: CatalogStore;
  private documentCounts = new Uint32Array(1024);
  private seenSequence = 0;

  constructor(store: CatalogStore, categories: readonly string[]) {
    this.store = store;
    this.categoryWords = new Vocabulary(categories);
    this.seenSequence = store.sequence.current();
    for (const row of store.pins.columnRows()) this.setRow(row);
    for (const [pinIndex, count] of store.saves.countsPerPin()) if (pinIndex < this.count) this.saves[pinIndex] = count;
    for (let pinIndex = 0; pinIndex < this.count; pinIndex++) this.weighTitle(pinIndex);
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

  /** Reads these pins anew, and every pin that is in the store but not here yet. */
  refresh(pinIndexes: Iterable<number>): void {
    const known = this.count;
    const fresh = [...this.store.pins.columnRows(known)];
    const stale = [...pinIndexes]
      .filter((pinIndex) => pinIndex < known)
      .map((pinIndex) => this.store.pins.columnRow(pinIndex));
    for (const row of [...fresh, ...stale]) {
      if (row === null) continue;
      this.setRow(row);
      this.saves[row[0]] = this.store.saves.countOf(row[0]);
      this.weighTitle(row[0]);
    }
  }

  /** Takes over whatever changed in the store since the last call, also by other processes. Returns those pins. */
  catchUp(): readonly number[] {
    const now = this.store.sequence.current();
    if (now === this.seenSequence) return [];
    const changed = this.store.changedPinsSince(this.seenSequence);
    this.refresh(changed);
    this.seenSequence = now;
    return changed;
  }

  private setRow(row: PinColumnRow): void {
    const [
      pinIndex,
      id,
      title,
      domain,
      annotations,
      categories,
      buyable,
      createdAt,
      removed,
      hasImage,
      failure,
      group,
    ] = row;
    const isNew = pinIndex === this.ids.count;
    if (isNew) this.ids.add(id);
    else if (pinIndex > this.ids.count)
      throw new RangeError(`pinIndex: expected ${this.ids.count} next, got ${pinIndex}`);
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

  private grow(): void {
    const rows = this.saves.length * 2;
    this.saves = copied(this.saves, new Uint32Array(rows));
    this.createdAt = copied(this.createdAt, new Float64Array(rows));
    this.domain = copied(this.domain, new Int32Array(rows));
    this.flags = copied(this.flags, new Uint8Array(rows));
    this.group = copied(this.group, new Int32Array(rows));
  }
}

/** Loads the columns of all pins. */
export function loadPinColumns(
  store: CatalogStore,
  categories: readonly string[] = siteCategories(),
): ResidentPinColumns {
  return new ResidentPinColumns(store, categories);
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
