/**
 * A log copied to a path that many machines reach: whole days of lists in `lists/NNNNN.parquet`, the actions on them in
 * `events/NNNNN.parquet`. The join is left to whoever reads a segment. Lists on which nobody acted are left out, and people are numbers
 * of the log, which mean nothing without it.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { parquetColumns } from '../readers/parquet-columns.ts';
import type { Grades } from '../../grades.ts';
import { replaceFile } from '../../swapped-file.ts';
import { newDigest } from '../artifacts/digest.ts';
import { pieceFile } from '../artifacts/piece-file.ts';
import { gradesOfActions, type ListAction } from './engagement-log.ts';
import type { JudgedList } from './judged-list.ts';
import { type JudgedRange, judgedLists } from './judged-lists.ts';
import type { LogDatabase } from './log-database.ts';
import { decodedItems, type EncodedList, type StoredList } from './served-list-log.ts';
import type { Surface } from './served-list.ts';

const DAY_MS = 24 * 3600 * 1000;
/** Bytes of rows of a segment: some 200,000 rows, about a second of a gradient. */
const SEGMENT_BYTES = 20_000_000;

/** `parts`: about how many segments; absent: by the size. */
interface SegmentRange extends JudgedRange {
  readonly parts?: number;
}

/**
 * Copies what training reads of the logs, in the order in which they are named. Returns a digest of each segment. A day is never cut,
 * so limits by day can be kept within a segment.
 */
export function writeLogSegments(folder: string, logs: readonly LogDatabase[], range: SegmentRange): readonly string[] {
  for (const part of ['lists', 'events']) rmSync(join(folder, part), { recursive: true, force: true });
  const { parts } = range;
  const all = logs.reduce((sum, log) => sum + log.lists.count(), 0);
  const digests: string[] = [];
  let segment = new Segment();
  let met = 0;
  let day = Number.NaN;
  for (const [log, { lists, events }] of logs.entries()) {
    for (const list of lists.encodedLists(range)) {
      const full = parts === undefined ? segment.bytes >= SEGMENT_BYTES : met * parts >= all * (digests.length + 1);
      const today = Math.floor(list.at / DAY_MS);
      if (full && today !== day && segment.lists.length > 0) {
        digests.push(segment.write(folder, digests.length));
        segment = new Segment();
      }
      day = today;
      met++;
      const actions = list.forced ? [] : events.actionsOn(list.listIndex);
      if (actions.length > 0) segment.add(list, actions, log);
    }
  }
  if (segment.lists.length > 0) digests.push(segment.write(folder, digests.length));
  return digests;
}

class Segment {
  bytes = 0;
  readonly lists: (EncodedList & { readonly log: number })[] = [];
  private readonly events: (ListAction & { readonly list: number })[] = [];

  add(list: EncodedList, actions: readonly ListAction[], log: number): void {
    for (const { type, pin, at } of actions) this.events.push({ list: this.lists.length, type, pin, at });
    this.lists.push({ ...list, log });
    this.bytes += list.items.length + list.featureRows.length;
  }

  /** The digest of what was written. */
  write(folder: string, number: number): string {
    const { lists, events } = this;
    const files = {
      lists: [
        { name: 'recommendation_id', type: 'STRING', data: lists.map((list) => list.recommendationId) },
        { name: 'at', type: 'DOUBLE', data: Float64Array.from(lists, (list) => list.at) },
        { name: 'surface', type: 'STRING', data: lists.map((list) => list.surface) },
        { name: 'query_pin', type: 'INT32', data: Int32Array.from(lists, (list) => list.queryPinIndex) },
        { name: 'person', type: 'STRING', data: lists.map(({ log, person }) => (person === null ? '' : `${log} ${person}`)) },
        { name: 'arm', type: 'STRING', data: lists.map((list) => list.arm ?? '') },
        { name: 'model', type: 'STRING', data: lists.map((list) => list.modelVersion) },
        { name: 'shuffled', type: 'INT32', data: Int32Array.from(lists, (list) => Number(list.shuffled)) },
        { name: 'sources', type: 'STRING', data: lists.map((list) => JSON.stringify(list.sourceNames)) },
        { name: 'feature_columns', type: 'STRING', data: lists.map((list) => JSON.stringify(list.featureColumns)) },
        { name: 'items', type: 'BYTE_ARRAY', data: lists.map((list) => list.items) },
        { name: 'feature_rows', type: 'BYTE_ARRAY', data: lists.map((list) => list.featureRows) },
      ],
      events: [
        { name: 'list', type: 'INT32', data: Int32Array.from(events, (event) => event.list) },
        { name: 'type', type: 'INT32', data: Int32Array.from(events, (event) => event.type) },
        { name: 'pin', type: 'INT32', data: Int32Array.from(events, (event) => event.pin) },
        { name: 'at', type: 'DOUBLE', data: Float64Array.from(events, (event) => event.at) },
      ],
    } as const;
    const digest = newDigest();
    for (const [part, columns] of Object.entries(files)) {
      const columnData = columns.map((column) => ({ ...column, nullable: false }));
      const rowGroupSize = Math.max(lists.length, events.length);
      const bytes = new Uint8Array(parquetWriteBuffer({ columnData, codec: 'UNCOMPRESSED', statistics: false, rowGroupSize }));
      digest.update(bytes);
      replaceFile(pieceFile(folder, part, number, 'parquet'), bytes);
    }
    return digest.hex();
  }
}

/** The lists of a segment with the grades of their items, as `LogDatabase.judged` gives them. Throws CATALOG_FILE_UNREADABLE. */
export async function judgedOfSegment(folder: string, number: number, grades: Grades): Promise<Generator<JudgedList>> {
  const lists = await parquetColumns(pieceFile(folder, 'lists', number, 'parquet'), { utf8: false });
  const events = await parquetColumns(pieceFile(folder, 'events', number, 'parquet'), { utf8: false });
  const actions: ListAction[][] = Array.from(lists.at, () => []);
  for (let event = 0; event < events.list.length; event++)
    actions[Number(events.list[event])].push({
      type: Number(events.type[event]),
      pin: Number(events.pin[event]),
      at: Number(events.at[event]),
    });
  const all = function* (): Generator<StoredList> {
    for (let list = 0; list < lists.at.length; list++) yield storedList(lists, list);
  };
  const gradesOf = (list: number, at: number, pins: Int32Array, attributionMs: number, given?: Grades): Float32Array =>
    gradesOfActions(actions[list], at, pins, attributionMs, given);
  return judgedLists({ lists: all }, { gradesOf }, { grades });
}

type Columns = Readonly<Record<string, ArrayLike<unknown>>>;

function storedList(columns: Columns, list: number): StoredList {
  const text = (name: string): string => String(columns[name][list]);
  const names = (name: string): readonly string[] => namesOf(text(name));
  const bytes = (name: string): Uint8Array => columns[name][list] as Uint8Array;
  const head = {
    listIndex: list,
    recommendationId: text('recommendation_id'),
    at: Number(columns.at[list]),
    surface: text('surface') as Surface,
    queryPinIndex: Number(columns.query_pin[list]),
    arm: text('arm') || null,
    modelVersion: text('model'),
    shuffled: Number(columns.shuffled[list]) === 1,
    forced: false,
    treatment: '',
    latencyMs: 0,
    degraded: [],
  };
  const encoded = {
    sourceNames: names('sources'),
    featureColumns: names('feature_columns'),
    items: bytes('items'),
    featureRows: bytes('feature_rows'),
  };
  return { ...head, userId: text('person') || null, items: decodedItems(encoded) };
}

const known = new Map<string, readonly string[]>();

/** The same array for the same text: readers compare names by it. */
function namesOf(text: string): readonly string[] {
  let names = known.get(text);
  if (!names) known.set(text, (names = JSON.parse(text) as string[]));
  return names;
}
