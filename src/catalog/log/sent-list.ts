/** Served lists as they travel from a node to the writer: as JSON, columns in base64, pins by id because each machine numbers its own. */
import type { PinColumns } from '../pins/pin-columns.ts';
import type { NameUser } from '../pins/user-pseudonym.ts';
import { decodeItems, decodeRows, encodeItems, encodeRows } from './served-list-codec.ts';
import { type ServedItems, type ServedList, sharedNames, type Surface, SURFACES } from './served-list.ts';

/** The ids of the pins of a list. */
export interface PinNames {
  /** Null: there is no query pin. */
  readonly query: string | null;
  /** Of each of the items. */
  readonly items: readonly string[];
}

export interface SentList extends Pick<
  ServedList,
  'recommendationId' | 'at' | 'userId' | 'arm' | 'modelVersion' | 'treatment' | 'forced' | 'shuffled' | 'latencyMs'
> {
  readonly surface: string;
  readonly queryPinId: string | null;
  readonly sessionId: string | null;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly degraded: readonly string[];
  readonly pinIds: readonly string[];
  readonly sources: readonly string[];
  /** Blobs of served-list-codec.ts, in base64. */
  readonly items: string;
  readonly rows: string;
}

export function namesOf({ queryPinIndex, items }: ServedList, pins: Pick<PinColumns, 'idOf'>): PinNames {
  const ids = Array.from(items.pinIndexes.subarray(0, items.count), (pinIndex) => pins.idOf(pinIndex));
  return { query: queryPinIndex < 0 ? null : pins.idOf(queryPinIndex), items: ids };
}

/** People go under the names they are stored by. */
export function sentList(list: ServedList, names: PinNames, nameUser: NameUser): SentList {
  const { recommendationId, at, surface, arm, modelVersion, treatment, forced, shuffled, latencyMs, items } = list;
  return {
    ...{ recommendationId, at, surface, arm, modelVersion, treatment, forced, shuffled, latencyMs },
    queryPinId: names.query,
    userId: list.userId === null ? null : nameUser(list.userId),
    sessionId: list.sessionId ? nameUser(list.sessionId) : null,
    labels: list.labels ?? null,
    degraded: list.degraded,
    pinIds: names.items,
    sources: items.sourceNames,
    items: base64(encodeItems(items)),
    rows: base64(encodeRows(items.rows)),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** What each blob begins with. */
const HEAD_BYTES = 8;

/**
 * The list as the writer logs it. `columns` names the feature columns of its rows; `indexOf` is -1 for pins that are unknown.
 * @throws RangeError saying what does not fit: an unknown pin, blobs of another number of items, sources or columns, a propensity that is not a probability.
 */
export function receivedList(sent: SentList, columns: readonly string[], indexOf: (pinId: string) => number): ServedList {
  const { surface, queryPinId, sessionId, labels, pinIds, sources, items, rows, ...rest } = sent;
  if (!(SURFACES as readonly string[]).includes(surface)) throw new RangeError(`there is no surface ${surface}`);
  const known = (pinId: string): number => {
    const pinIndex = indexOf(pinId);
    if (pinIndex < 0) throw new RangeError(`there is no pin ${pinId}`);
    return pinIndex;
  };
  const pinIndexes = Int32Array.from(pinIds, known);
  const [itemBlob, rowBlob] = [Buffer.from(items, 'base64'), Buffer.from(rows, 'base64')];
  // Before anything is made of that size.
  if (countOf(itemBlob) !== pinIds.length) throw new RangeError(`items blob: expected ${pinIds.length} items`);
  const rowCount = countOf(rowBlob);
  if (rowCount !== 0 && rowCount !== pinIds.length) throw new RangeError(`rows blob: expected ${pinIds.length} rows, got ${rowCount}`);
  const decoded = decodeItems(itemBlob, sharedNames(sources), decodeRows(rowBlob, sharedNames(columns)));
  checkChances(decoded);
  return {
    ...rest,
    surface: surface as Surface,
    queryPinIndex: queryPinId === null ? -1 : known(queryPinId),
    ...(sessionId === null ? {} : { sessionId }),
    ...(labels === null ? {} : { labels }),
    items: { ...decoded, pinIndexes },
  };
}

/** Training divides by propensities. @throws RangeError */
function checkChances({ count, positions, propensities, scores }: ServedItems): void {
  for (let i = 0; i < count; i++) {
    const chance = propensities[i];
    if (!(chance >= 0 && chance <= 1) || (positions[i] > 0 && chance === 0))
      throw new RangeError(`item ${i}: a propensity is above 0 for an item that was returned, and at most 1; it is ${chance}`);
    if (!Number.isFinite(scores[i])) throw new RangeError(`item ${i}: the score is ${scores[i]}`);
  }
}

function countOf(blob: Buffer): number {
  if (blob.length < HEAD_BYTES) throw new RangeError('a blob is too short');
  return blob.readUInt32LE(0);
}
