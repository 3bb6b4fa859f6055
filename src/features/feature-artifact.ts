/** One net's features packed flat, by pinIndex, so that a server starts by reading a file and not a million rows. */
import { join } from 'node:path';
import { ArtifactFolder } from '../catalog/artifacts/artifact-folder.ts';
import { packBits, wordsOf } from '../math/bits.ts';
import { norm } from '../math/vector.ts';
import type { FeatureNet } from './convnet.ts';
import { type FeatureStore, netKeyOf } from './feature-store.ts';

const FORMAT = 1;
/** Pins per piece while packing. */
const PIECE = 4096;

export interface FeatureArtifactMetadata {
  readonly netKey: string;
  readonly netDigest: string;
  readonly preprocessing: string;
  readonly rule: unknown;
  readonly bits: number;
  readonly fc8Length: number;
  readonly pins: number;
  /** Rows up to this write are inside. */
  readonly sequence: number;
  readonly objectLabels: readonly string[];
  readonly [more: string]: unknown;
}

/** Where a net's packed features are, beside those of other nets. */
export function featureArtifacts(
  dataFolder: string,
  net: Pick<FeatureNet, 'digest' | 'preprocessing' | 'rule' | 'shortCode'>,
): ArtifactFolder {
  return new ArtifactFolder(join(dataFolder, 'artifacts'), `features-${netKeyOf(net)}`, FORMAT);
}

/** Packs all rows of a net and makes the result the current version. Memory: one piece of 4,096 pins, and the objects. */
export function packFeatures(dataFolder: string, store: FeatureStore, net: FeatureNet, bits: number): string {
  const netId = store.netIdOf(net);
  const pins = store.extent(netId);
  const words = wordsOf(bits);
  const sequence = store.sequence(netId);
  const objects = objectArrays(store, netId, words, net.fc8Length);
  const metadata: FeatureArtifactMetadata = {
    netKey: netKeyOf(net),
    netDigest: net.digest,
    preprocessing: net.preprocessing,
    rule: net.rule,
    bits,
    fc8Length: net.fc8Length,
    pins,
    sequence,
    objectLabels: objects.labels,
  };
  const each = <T extends Uint32Array | Float32Array | Uint8Array>(
    make: (length: number) => T,
    width: number,
    fill: number,
    put: (out: T, at: number, row: Row) => void,
  ) => pieces(store, netId, pins, make, width, fill, put);
  return featureArtifacts(dataFolder, net).write(metadata, {
    has: each(
      (n) => new Uint8Array(n),
      1,
      0,
      (out, at) => void (out[at] = 1),
    ),
    codes: each(
      (n) => new Uint32Array(n),
      words,
      0,
      (out, at, { code }) => out.set(code, at),
    ),
    ...(net.shortCode
      ? {
          signs: each(
            (n) => new Uint32Array(n),
            wordsOf(net.fc8Length),
            0,
            (out, at, { scores }) => out.set(packBits(scores), at),
          ),
          objectSigns: signsOf(objects.scores, net.fc8Length),
        }
      : {
          scoreNorms: each(
            (n) => new Float32Array(n),
            1,
            Number.NaN,
            (out, at, { scores }) => void (out[at] = norm(scores)),
          ),
          scores: each(
            (n) => new Float32Array(n),
            net.fc8Length,
            0,
            (out, at, { scores }) => out.set(scores, at),
          ),
          objectScores: objects.scores,
        }),
    objectPins: objects.pins,
    objectLabels: objects.labelOf,
    objectCodes: objects.codes,
  });
}

interface Row {
  readonly code: Uint32Array;
  readonly scores: Float32Array;
}

/** `width` numbers a pin for pins 0 .. `pins`, in pieces; pins without a row hold `fill`. */
function* pieces<T extends Uint32Array | Float32Array | Uint8Array>(
  store: FeatureStore,
  netId: number,
  pins: number,
  make: (length: number) => T,
  width: number,
  fill: number,
  put: (out: T, at: number, row: Row) => void,
): IterableIterator<T> {
  const rows = store.rows(netId, 'image');
  let next = rows.next();
  for (let from = 0; from < Math.max(pins, 1); from += PIECE) {
    const to = Math.min(pins, from + PIECE);
    const piece = make((to - from) * width);
    piece.fill(fill);
    for (; !next.done && next.value.pinIndex < to; next = rows.next()) {
      const { pinIndex, code, scores } = next.value;
      if (code && scores) put(piece, (pinIndex - from) * width, { code, scores });
    }
    yield piece;
  }
}

/** Rows of 1 and -1, `length` each, as bits. */
function signsOf(rows: Float32Array, length: number): Uint32Array<ArrayBuffer> {
  const words = wordsOf(length);
  const signs = new Uint32Array((rows.length / length) * words);
  for (let row = 0; row * length < rows.length; row++) signs.set(packBits(rows.subarray(row * length, (row + 1) * length)), row * words);
  return signs;
}

function objectArrays(store: FeatureStore, netId: number, words: number, length: number) {
  const found = [...store.rows(netId, 'object')].filter((row) => row.code && row.scores);
  const labels = [...new Set(found.map((row) => row.label ?? ''))].sort();
  const codes = new Uint32Array(found.length * words);
  const scores = new Float32Array(found.length * length);
  found.forEach((row, i) => {
    codes.set(row.code as Uint32Array, i * words);
    scores.set(row.scores as Float32Array, i * length);
  });
  return {
    labels,
    codes,
    scores,
    pins: Uint32Array.from(found, (row) => row.pinIndex),
    labelOf: Uint16Array.from(found, (row) => labels.indexOf(row.label ?? '')),
  };
}
