/**
 * The cursor of the next page: when the list was made, and which pins were shown so far. It stands alone, so a page
 * never repeats a pin though lists, models or processes change between two pages.
 *
 *   bytes  version, check (4, FNV-1a of query and payload), then varints: time in ms, count, sorted pin indexes as differences
 *
 * A composed list (version 2) goes on with the deviation of its scores (f64) and the pins placed last, in their order: count,
 * then pin indexes. 1,000 pins of a catalogue of a million make about 2.7 thousand characters.
 */
import { ServiceError } from '../errors.ts';

export interface PageCursor {
  /** Epoch milliseconds of the first page: later pages rank as of then. */
  readonly at: number;
  /** Ascending. */
  readonly shown: readonly number[];
  /** Of a composed list: the pins placed last, in their order, and the deviation of the scores; absent: it was not composed. */
  readonly composed?: { readonly tail: readonly number[]; readonly deviation: number };
}

const VERSION = 1;
const COMPOSED = 2;
/** Version and check. */
const HEADER_BYTES = 5;
/** Longest varint of a number below 2 to the 53rd. */
const VARINT_BYTES = 8;

/** `query` names the list (surface, query pin or user): a cursor of another list is refused. */
export function writeCursor(
  { at, shown, composed }: Omit<PageCursor, 'shown'> & { readonly shown: ArrayLike<number> },
  query: string,
): string {
  const tail = composed?.tail ?? [];
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + VARINT_BYTES * (shown.length + tail.length + 4));
  bytes[0] = composed ? COMPOSED : VERSION;
  let end = writeVarint(bytes, HEADER_BYTES, at);
  end = writeVarint(bytes, end, shown.length);
  for (let i = 0; i < shown.length; i++) end = writeVarint(bytes, end, shown[i] - (i === 0 ? 0 : shown[i - 1]));
  if (composed) {
    end = bytes.writeDoubleLE(composed.deviation, end);
    end = writeVarint(bytes, end, tail.length);
    for (const pinIndex of tail) end = writeVarint(bytes, end, pinIndex);
  }
  const out = bytes.subarray(0, end);
  out.writeUInt32LE(checkOf(out, query), 1);
  return out.toString('base64url');
}

/** @throws REQUEST_INVALID for a cursor that is damaged or belongs to another list. */
export function readCursor(text: string, query: string, pinCount: number): PageCursor {
  const bytes = Buffer.from(text, 'base64url');
  const refuse = (reason: string): never => {
    throw new ServiceError('REQUEST_INVALID', { field: 'cursor', detail: `cursor: ${reason}` });
  };
  if (bytes.length < 7 || (bytes[0] !== VERSION && bytes[0] !== COMPOSED)) refuse('it is not one of ours');
  if (bytes.readUInt32LE(1) !== checkOf(bytes, query)) refuse('it belongs to another list');
  const read = varints(bytes, 5);
  const at = read.varint();
  const count = read.varint();
  const shown: number[] = [];
  for (let i = 0, pinIndex = 0; i < count; i++) {
    pinIndex += read.varint();
    if (!(pinIndex < pinCount)) refuse('it names pins that do not exist');
    shown.push(pinIndex);
  }
  if (bytes[0] === VERSION) return { at, shown };
  const deviation = read.double();
  const tail = Array.from({ length: Math.min(read.varint() || 0, count) }, () => read.varint());
  if (!(deviation > 0) || !tail.every((pinIndex) => pinIndex < pinCount)) refuse('it is not one of ours');
  return { at, shown, composed: { tail, deviation } };
}

/** Writes one varint; returns where it ends. */
function writeVarint(bytes: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest >= 128) {
    bytes[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  bytes[at++] = rest;
  return at;
}

/** Reads one number after the other; NaN past the end. */
function varints(bytes: Buffer, from: number): { varint(): number; double(): number } {
  let at = from;
  const double = (): number => {
    at += 8;
    return at > bytes.length ? Number.NaN : bytes.readDoubleLE(at - 8);
  };
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  return { varint, double };
}

function checkOf(bytes: Buffer, query: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < query.length; i++) hash = Math.imul(hash ^ query.charCodeAt(i), 0x01000193);
  for (let i = 5; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash >>> 0;
}
