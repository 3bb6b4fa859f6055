import { strongCategories } from './category-store.ts';
import type { PinColumns, SparseRows } from './pin-columns.ts';

/** Who is on which board, and the category of each board. */
interface BoardMembers {
  boardsOf(pinIndex: number): ArrayLike<number>;
  pinsOf(boardIndex: number): ArrayLike<number>;
  categoryOf(boardIndex: number): string | null;
}

/** A mix has at most ten categories: each weighs a tenth or more. */
const MIX_MAX = 10;

/**
 * Pin columns as if one board did not exist: the derived category mix of its pins is that of their other boards. What only
 * counts how a pin fares by itself (saves, age) is the same for every pin, because it would show which pin lost a save.
 */
export class LeftOutColumns implements PinColumns {
  readonly count: number;
  readonly saves: Uint32Array;
  readonly createdAt: Float64Array;
  readonly records = null;
  private readonly base: PinColumns;
  private readonly members: BoardMembers;
  private readonly given: ReadonlySet<number>;
  private readonly start: Uint32Array;
  private readonly length: Uint16Array;
  private ordinals: Uint32Array;
  private weights: Float32Array;
  private readonly end: number;
  private patched: readonly number[] = [];

  /** `given`: pins whose categories came with them; those stay. */
  constructor(base: PinColumns, members: BoardMembers, given: ReadonlySet<number>) {
    const { count, categories } = base;
    this.base = base;
    this.members = members;
    this.given = given;
    this.count = count;
    this.saves = new Uint32Array(count);
    this.createdAt = new Float64Array(count).fill(Number.NaN);
    this.start = categories.start.slice(0, count);
    this.length = categories.length.slice(0, count);
    this.ordinals = categories.ordinals.slice();
    this.weights = categories.weights.slice();
    this.end = this.ordinals.length;
  }

  indexOf(id: string): number {
    return this.base.indexOf(id);
  }

  idOf(pinIndex: number): string {
    return this.base.idOf(pinIndex);
  }

  get domain(): Int32Array {
    return this.base.domain;
  }

  get flags(): Uint8Array {
    return this.base.flags;
  }

  get group(): Int32Array {
    return this.base.group;
  }

  get categories(): SparseRows {
    const { start, length, ordinals, weights } = this;
    return { start, length, ordinals, weights };
  }

  get categoryNames(): readonly string[] {
    return this.base.categoryNames;
  }

  get annotations(): SparseRows {
    return this.base.annotations;
  }

  get annotationTerms(): readonly string[] {
    return this.base.annotationTerms;
  }

  get titleTerms(): SparseRows {
    return this.base.titleTerms;
  }

  /** From now on this board does not exist; -1: all do. */
  leaveOut(board: number): void {
    for (const pin of this.patched) {
      this.start[pin] = this.base.categories.start[pin];
      this.length[pin] = this.base.categories.length[pin];
    }
    this.patched = board < 0 || this.members.categoryOf(board) === null ? [] : this.derivedOn(board);
    this.makeRoom(this.patched.length * MIX_MAX);
    let at = this.end;
    for (const pin of this.patched) {
      this.start[pin] = at;
      for (const [name, weight] of this.mixWithout(pin, board)) {
        this.ordinals[at] = this.base.categoryNames.indexOf(name);
        this.weights[at++] = weight;
      }
      this.length[pin] = at - this.start[pin];
    }
  }

  private derivedOn(board: number): number[] {
    return Array.from(this.members.pinsOf(board)).filter((pin) => pin < this.count && !this.given.has(pin));
  }

  private mixWithout(pin: number, leftOut: number): readonly (readonly [string, number])[] {
    const counts: Record<string, number> = {};
    for (const board of Array.from(this.members.boardsOf(pin))) {
      const category = board === leftOut ? null : this.members.categoryOf(board);
      if (category !== null) counts[category] = (counts[category] ?? 0) + 1;
    }
    return strongCategories(counts);
  }

  private makeRoom(entries: number): void {
    if (this.end + entries <= this.ordinals.length) return;
    const [ordinals, weights] = [new Uint32Array(this.end + 2 * entries), new Float32Array(this.end + 2 * entries)];
    ordinals.set(this.ordinals.subarray(0, this.end));
    weights.set(this.weights.subarray(0, this.end));
    this.ordinals = ordinals;
    this.weights = weights;
  }
}
