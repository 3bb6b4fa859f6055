import type { CodeTable } from '../../features/visual-features.ts';
import { murmur3Words } from '../../math/murmur-hash.ts';
import type { NeighborLists } from '../cooccurrence/board-cooccurrence.ts';
import { type CandidateQuery, type CandidateSource, NO_PINS, type ScoredPins } from '../candidate.ts';
import { ExactIndex } from './exact-index.ts';
import { NeighborListFile, neighborListFolder } from '../neighbor-list-file.ts';
import type { Accept, Neighbors } from './neighbor-index.ts';

export const VISUAL_KIND = 'visual-neighbors';

/** Lists of two nets lie side by side, so that those of the next are ready when it is switched to. */
export function visualKindOf(netDigest: string): string {
  return `${VISUAL_KIND}-${netDigest.slice(0, 8)}`;
}

/** What the artifact of visual neighbour lists says about itself. */
export interface VisualMetadata {
  readonly netDigest: string;
  readonly bits: number;
  readonly neighbors: number;
  readonly pins: number;
  readonly builtAt: string;
}

/** Name of the array beside the lists: a hash of the code that each row was made from. */
const CODE_HASHES = 'codeHashes';

/** What is stored beside the lists of the first `rows` pins. Rows without a code have a hash too, and no list that it speaks of. */
export function besidesVisualLists({ codes, words }: CodeTable, rows: number): Readonly<Record<string, Uint32Array<ArrayBuffer>>> {
  return { [CODE_HASHES]: Uint32Array.from({ length: rows }, (_, row) => murmur3Words(codes, row * words, words, 0)) };
}

/**
 * Visual likeness as a candidate source: score = 1 - Hamming / bits. Pins have a list from the last build; pins without
 * one (new, or lists of another net), pins whose picture is another one since that build, and uploaded images are compared
 * with every code when asked. Resident: the list lengths and hashes, 8 bytes a pin.
 */
export class VisualNeighbors implements CandidateSource {
  readonly name = 'visual-neighbors';
  private readonly artifacts: string;
  private readonly netDigest: string;
  private table: CodeTable;
  private index: ExactIndex;
  private file: NeighborListFile | null = null;
  /** What the lists were made from; null for those of a build that did not say. */
  private madeFrom: Uint32Array | null = null;

  constructor(artifacts: string, table: CodeTable, netDigest: string) {
    this.artifacts = artifacts;
    this.netDigest = netDigest;
    this.table = table;
    this.index = new ExactIndex(table);
    this.reload();
  }

  get version(): string | null {
    return this.file?.version ?? null;
  }

  /** Takes over lists of another build, if they are of this net. Returns whether the version changed. */
  reload(): boolean {
    const own = neighborListFolder(this.artifacts, visualKindOf(this.netDigest));
    // Before nets had lists of their own, the lists of whatever net lay in one folder.
    const folder = own.current() === null ? neighborListFolder(this.artifacts, VISUAL_KIND) : own;
    if (folder.current() === this.version) return false;
    const next = NeighborListFile.open(folder);
    if (next === null) return false;
    if (next.about<{ netDigest?: string }>().netDigest !== this.netDigest) {
      next.close();
      return false;
    }
    const madeFrom = next.besides(CODE_HASHES) as Uint32Array | null;
    this.file?.close();
    this.file = next;
    this.madeFrom = madeFrom;
    return true;
  }

  /** Takes over a table that grew. */
  useTable(table: CodeTable): void {
    if (table.memory !== this.table.memory || table.capacity !== this.table.capacity) this.index = new ExactIndex(table);
    this.table = table;
  }

  propose(query: CandidateQuery, limit: number): ScoredPins {
    const { pinIndex, code } = query;
    if (code === null && this.file !== null && this.file.lengthOf(pinIndex) > 0 && this.isOfPresentCode(pinIndex))
      return this.file.read(pinIndex, limit);
    const own = code ?? this.codeOf(pinIndex);
    return own === null ? NO_PINS : this.scan(own, limit, pinIndex);
  }

  /** Compares a code with all codes; the pin `except` is left out (-1: none). */
  scan(code: Uint32Array, limit: number, except = -1, accept?: Accept): ScoredPins {
    const wanted = except >= 0 ? limit + 1 : limit;
    return likeness(this.index.search(code, wanted, accept), this.table.bits, limit, except);
  }

  close(): void {
    this.file?.close();
    this.file = null;
  }

  /** Whether a pin's list was made from the code it has now: asked of the code itself, so that a restart forgets nothing. */
  private isOfPresentCode(pinIndex: number): boolean {
    if (this.madeFrom === null) return true;
    const { codes, words } = this.table;
    return this.hasCode(pinIndex) && murmur3Words(codes, pinIndex * words, words, 0) === this.madeFrom[pinIndex];
  }

  private hasCode(pinIndex: number): boolean {
    const { has } = this.table;
    return pinIndex >= 0 && pinIndex < has.length && has[pinIndex] === 1;
  }

  private codeOf(pinIndex: number): Uint32Array | null {
    if (!this.hasCode(pinIndex)) return null;
    const { codes, words } = this.table;
    return codes.slice(pinIndex * words, (pinIndex + 1) * words);
  }
}

/** Whether the current lists of a net are those of these codes, for the first `pins` pins. */
export function listsAreOf(artifacts: string, netDigest: string, table: CodeTable, pins: number): boolean {
  const file = NeighborListFile.open(neighborListFolder(artifacts, visualKindOf(netDigest)));
  if (file === null) return false;
  try {
    const madeFrom = file.besides(CODE_HASHES) as Uint32Array | null;
    const present = besidesVisualLists(table, Math.min(pins, table.capacity))[CODE_HASHES];
    return madeFrom !== null && madeFrom.length === present.length && madeFrom.every((hash, pin) => hash === present[pin]);
  } finally {
    file.close();
  }
}

/** Distances to scores 1 - Hamming / bits, without the pin `except`. */
function likeness(found: Neighbors, bits: number, limit: number, except: number): ScoredPins {
  const pinIndexes = new Int32Array(Math.min(limit, found.pinIndexes.length));
  const scores = new Float32Array(pinIndexes.length);
  let count = 0;
  for (let n = 0; n < found.pinIndexes.length && count < pinIndexes.length; n++) {
    if (found.pinIndexes[n] === except) continue;
    pinIndexes[count] = found.pinIndexes[n];
    scores[count++] = 1 - found.distances[n] / bits;
  }
  return { pinIndexes: pinIndexes.subarray(0, count), scores: scores.subarray(0, count) };
}

/** Queries compared in one pass over the codes. */
const BATCH = 64;

/** Something that finds neighbours of many codes at once: the exact index, or its pool. */
export interface BatchSearch {
  searchBatch(queries: readonly Uint32Array[], k: number): Neighbors[] | Promise<Neighbors[]>;
}

/** The visual neighbour lists of rows `from .. pins`, block by block; pins without a code have empty lists. */
export async function* visualListsInBlocks(
  table: CodeTable,
  search: BatchSearch,
  neighbors: number,
  pins: number,
  from = 0,
): AsyncGenerator<NeighborLists> {
  for (let first = from; first < pins; first += BATCH) {
    const rows: number[] = [];
    for (let row = first; row < Math.min(pins, first + BATCH); row++) if (table.has[row] === 1) rows.push(row);
    const codes = rows.map((row) => table.codes.slice(row * table.words, (row + 1) * table.words));
    const found = codes.length === 0 ? [] : await search.searchBatch(codes, neighbors + 1);
    const lists = new Map(rows.map((row, r) => [row, likeness(found[r], table.bits, neighbors, row)]));
    yield block(first, Math.min(BATCH, pins - first), lists);
  }
}

function block(first: number, rows: number, lists: ReadonlyMap<number, ScoredPins>): NeighborLists {
  const start = new Uint32Array(rows + 1);
  for (let r = 0; r < rows; r++) start[r + 1] = start[r] + (lists.get(first + r)?.pinIndexes.length ?? 0);
  const pinIndexes = new Int32Array(start[rows]);
  const scores = new Float32Array(start[rows]);
  for (const [row, list] of lists) {
    pinIndexes.set(list.pinIndexes, start[row - first]);
    scores.set(list.scores, start[row - first]);
  }
  return { first, rows, start, pinIndexes, scores };
}
