import { ExactIndex } from '../candidates/visual/exact-index.ts';
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import { PIN_REMOVED } from '../catalog/pins/pin-columns.ts';
import { allocateCodeTable, grownCodeTable } from '../features/code-table.ts';
import type { CodeTable } from '../features/visual-features.ts';
import type { Box } from '../vision/box.ts';

/** An object crop in the index: the pin it is in (the scene), what it is, where, its binary code. */
interface IndexedObject {
  readonly pinIndex: number;
  readonly label: string;
  readonly score: number;
  readonly box: Box;
  readonly code: Uint32Array;
}

/** A scene that holds an object like the one asked for. */
export interface SceneMatch {
  readonly pinIndex: number;
  readonly distance: number;
  /** 1 - distance / bits. */
  readonly score: number;
  readonly label: string;
  /** The matching object, in pixels of the scene. */
  readonly box: Box;
}

interface SceneQuery {
  readonly code: Uint32Array;
  /** The pin the query was cut from, -1 for an upload; its near-duplicates are no answers either. */
  readonly pinIndex: number;
  /** Only objects of this label, when the query's is trusted. */
  readonly label?: string;
  /** Scenes that may be found; absent: all. */
  readonly accept?: (pinIndex: number) => boolean;
}

interface ObjectRow {
  readonly pinIndex: number;
  readonly label: string;
  readonly score: number;
  readonly box: Box;
}

/** A picture and the kinds of object in it. */
interface LabelledPin {
  readonly pinIndex: number;
  readonly labels: readonly string[];
}

/** Objects that vote on what a crop shows. */
const VOTERS = 20;
/** Objects of other pictures below which nothing is said. */
const VOTERS_MIN = 5;
/** Objects looked at per scene wanted: a scene may hold several that match. */
const OBJECTS_PER_SCENE = 6;

/**
 * The index of object crops beside that of whole images (paper, section 8): query object -> similar objects -> their
 * scenes, one entry per scene. Grows as objects are added; a pin's objects are replaced together, or taken out.
 */
export class ObjectIndex {
  readonly bits: number;
  private table: CodeTable;
  private scan: ExactIndex;
  private readonly rows: (ObjectRow | null)[] = [];
  private readonly rowsOfPin = new Map<number, number[]>();
  private readonly free: number[] = [];

  constructor(bits: number, capacity = 1024) {
    this.bits = bits;
    this.table = allocateCodeTable(bits, capacity);
    this.scan = new ExactIndex(this.table);
  }

  /** Objects in the index. */
  get count(): number {
    return this.rows.length - this.free.length;
  }

  /** Puts a pin's objects in place of those it had. */
  setPin(pinIndex: number, objects: readonly IndexedObject[]): void {
    this.removePin(pinIndex);
    if (objects.length === 0) return;
    this.rowsOfPin.set(
      pinIndex,
      objects.map((object) => this.place(object)),
    );
  }

  /** Takes a pin's objects out; a pin without any is left as it is. */
  removePin(pinIndex: number): void {
    for (const row of this.rowsOfPin.get(pinIndex) ?? []) {
      this.table.has[row] = 0;
      this.rows[row] = null;
      this.free.push(row);
    }
    this.rowsOfPin.delete(pinIndex);
  }

  /** The kinds of object in each pin, pin by pin. */
  *labelledPins(): IterableIterator<LabelledPin> {
    for (const [pinIndex, rows] of this.rowsOfPin) yield { pinIndex, labels: rows.map((row) => (this.rows[row] as ObjectRow).label) };
  }

  /**
   * How far the objects nearest to a crop agree that it shows a `label`: of the nearest 20 in other pictures the share that
   * carries it, each weighed by its detector's confidence. Null when there are too few.
   *
   * Worked case: nearest are 15 chairs of confidence 0.8 and 5 tables of 0.4; chair: 12 / 14 = 0.857.
   */
  agreement(code: Uint32Array, label: string, pinIndex: number, columns: PinColumns): number | null {
    const ownGroup = pinIndex < 0 ? -1 : columns.group[pinIndex];
    const found = this.scan.search(code, VOTERS, (row) => {
      const object = this.rows[row];
      return object !== null && (columns.flags[object.pinIndex] & PIN_REMOVED) === 0 && columns.group[object.pinIndex] !== ownGroup;
    });
    if (found.pinIndexes.length < VOTERS_MIN) return null;
    let agreeing = 0;
    let all = 0;
    for (const row of found.pinIndexes) {
      const object = this.rows[row] as ObjectRow;
      all += object.score;
      if (object.label === label) agreeing += object.score;
    }
    return all === 0 ? null : agreeing / all;
  }

  /** Scenes that hold something like the query, nearest first, one of near-duplicates; without removed pins and the query's group. */
  scenes(query: SceneQuery, limit: number, columns: PinColumns): readonly SceneMatch[] {
    const ownGroup = query.pinIndex < 0 ? -1 : columns.group[query.pinIndex];
    const found = this.scan.search(query.code, limit * OBJECTS_PER_SCENE, (row) => {
      const object = this.rows[row];
      if (!object || (query.label !== undefined && object.label !== query.label)) return false;
      if ((columns.flags[object.pinIndex] & PIN_REMOVED) !== 0 || columns.group[object.pinIndex] === ownGroup) return false;
      return query.accept === undefined || query.accept(object.pinIndex);
    });
    const scenes = new Map<number, SceneMatch>();
    for (let i = 0; i < found.pinIndexes.length && scenes.size < limit; i++) {
      const object = this.rows[found.pinIndexes[i]] as ObjectRow;
      const group = columns.group[object.pinIndex];
      if (scenes.has(group)) continue;
      const distance = found.distances[i];
      const { pinIndex, label, box } = object;
      scenes.set(group, { pinIndex, distance, score: 1 - distance / this.bits, label, box });
    }
    return [...scenes.values()];
  }

  private place({ code, pinIndex, label, score, box }: IndexedObject): number {
    const row = this.free.pop() ?? this.rows.length;
    if (row >= this.table.capacity) this.grow();
    this.table.codes.set(code, row * this.table.words);
    this.table.has[row] = 1;
    this.rows[row] = { pinIndex, label, score, box };
    return row;
  }

  private grow(): void {
    this.table = grownCodeTable(this.table, this.table.capacity * 2);
    this.scan = new ExactIndex(this.table);
  }
}
