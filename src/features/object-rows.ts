/**
 * The crops of dominant objects: of those in the artifact only the place is resident (8 bytes a pin), code and scores are
 * read when one is asked for; rows written since lie over them.
 */
import type { ArtifactFile } from '../catalog/artifacts/artifact-file.ts';
import { wordsOf } from '../math/bits.ts';
import { signRow } from './class-signs.ts';
import { ObjectLabels } from './object-labels.ts';
import type { ObjectFeatures } from './visual-features.ts';

interface PackedObjects {
  readonly file: ArtifactFile;
  /** 32-bit words of a code, class scores of a row. */
  readonly words: number;
  readonly length: number;
  readonly labels: readonly string[];
  readonly pins: number;
}

export class ObjectRows {
  private readonly packed: PackedObjects | null;
  /** Whether class scores are packed as signs. */
  private readonly hasSigns: boolean;
  /** Row in the artifact by pinIndex, -1 without one. */
  private readonly rowOf: Int32Array;
  private readonly fresh = new Map<number, ObjectFeatures>();
  private readonly labels = new ObjectLabels();

  constructor(packed: PackedObjects | null) {
    this.packed = packed;
    this.hasSigns = packed?.file.names.includes('objectSigns') ?? false;
    this.rowOf = new Int32Array(packed?.pins ?? 0).fill(-1);
    if (!packed) return;
    const pins = packed.file.read('objectPins');
    const labels = packed.file.read('objectLabels');
    for (let row = 0; row < pins.length; row++) {
      this.rowOf[pins[row]] = row;
      this.labels.set(pins[row], packed.labels[labels[row]]);
    }
  }

  of(pinIndex: number): ObjectFeatures | null {
    const fresh = this.fresh.get(pinIndex);
    if (fresh) return fresh;
    const row = this.rowOf[pinIndex] ?? -1;
    const { packed } = this;
    if (row < 0 || packed === null) return null;
    const { hasSigns } = this;
    return {
      label: this.labels.of(pinIndex) ?? '',
      code: packed.file.read('objectCodes', row * packed.words, packed.words) as Uint32Array,
      // Few ask for them.
      get scores() {
        return hasSigns ? signsAt(packed, row) : (packed.file.read('objectScores', row * packed.length, packed.length) as Float32Array);
      },
    };
  }

  labelOf(pinIndex: number): string | null {
    return this.labels.of(pinIndex);
  }

  /** Lays a row over what is there; null takes it away. */
  put(pinIndex: number, object: ObjectFeatures | null): void {
    this.labels.set(pinIndex, object?.label ?? null);
    if (object) this.fresh.set(pinIndex, object);
    else {
      this.fresh.delete(pinIndex);
      if (pinIndex < this.rowOf.length) this.rowOf[pinIndex] = -1;
    }
  }
}

function signsAt({ file, length }: PackedObjects, row: number): Float32Array {
  const words = wordsOf(length);
  return signRow(file.read('objectSigns', row * words, words) as Uint32Array, 0, length);
}
