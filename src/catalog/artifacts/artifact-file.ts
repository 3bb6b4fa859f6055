/**
 * One flat artifact: named typed arrays, a record of what made them, a digest. Layout, little endian:
 *
 *   "RPARTIF1" | format u32 | 0 u32 | arrays, each at a multiple of 64 | directory (JSON) | directory length u32 | xxhash64, 16 hex digits
 *
 * The digest covers every byte before it. A file is refused by name when anything disagrees; it is never repaired.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { reasonOf, ServiceError } from '../../errors.ts';
import { digestOfFile, newDigest } from './digest.ts';
import { noteVerified, verifiedDigest } from './verified-file.ts';

const MAGIC = 'RPARTIF1';
const ALIGNMENT = 64;
const HEADER_BYTES = 16;
const DIGEST_BYTES = 16;

const ARRAY_TYPES = {
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
} as const;
type ArrayTypeName = keyof typeof ARRAY_TYPES;
export type FlatArray = InstanceType<(typeof ARRAY_TYPES)[ArrayTypeName]>;
/** An array, or its pieces in order (all of one type), for what is too long to hold at once. */
export type ArtifactArray = FlatArray | Iterable<FlatArray>;

interface Section {
  readonly type: ArrayTypeName;
  readonly length: number;
  readonly byteOffset: number;
}

interface Directory {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly sections: Readonly<Record<string, Section>>;
}

/** Writes arrays in the order given. `format` is the producer's own format version. The file is open for writing and empty. */
export function writeArtifactFile(
  file: number,
  format: number,
  metadata: Readonly<Record<string, unknown>>,
  arrays: Readonly<Record<string, ArtifactArray>>,
): void {
  const digest = newDigest();
  let at = 0;
  const put = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, at + done);
    digest.update(bytes);
    at += bytes.length;
  };
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  header.writeUInt32LE(format, 8);
  put(header);
  const sections: Record<string, Section> = {};
  for (const [name, array] of Object.entries(arrays)) {
    put(new Uint8Array((ALIGNMENT - (at % ALIGNMENT)) % ALIGNMENT));
    sections[name] = putArray(array, at, put);
  }
  const directory = Buffer.from(JSON.stringify({ metadata, sections } satisfies Directory));
  put(directory);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(directory.length);
  put(length);
  put(Buffer.from(digest.hex(), 'latin1'));
}

function putArray(array: ArtifactArray, byteOffset: number, put: (bytes: Uint8Array) => void): Section {
  let type: ArrayTypeName = 'Uint8Array';
  let length = 0;
  for (const piece of ArrayBuffer.isView(array) ? [array as FlatArray] : (array as Iterable<FlatArray>)) {
    type = piece.constructor.name as ArrayTypeName;
    length += piece.length;
    put(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
  }
  return { type, length, byteOffset };
}

/** An open artifact: its digest was checked, now or (a large one) since it last changed; arrays are read when asked for, whole or by range. */
export class ArtifactFile {
  readonly path: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly digest: string;
  private readonly file: number;
  private readonly sections: Readonly<Record<string, Section>>;

  /**
   * `format` null: any. `again`: every byte is read, whatever is known of it.
   * @throws ARTIFACT_REFUSED when the file is damaged or of another format.
   */
  constructor(path: string, format: number | null, anew = false) {
    this.path = path;
    try {
      this.file = openSync(path, 'r');
    } catch (error) {
      throw new ServiceError('ARTIFACT_REFUSED', { file: path, reason: reasonOf(error) }, error);
    }
    try {
      const { directory, digest } = readDirectory(this.file, path, format, anew);
      this.metadata = directory.metadata;
      this.sections = directory.sections;
      this.digest = digest;
    } catch (error) {
      closeSync(this.file);
      if (error instanceof ServiceError) throw error;
      throw new ServiceError('ARTIFACT_REFUSED', { file: path, reason: reasonOf(error) }, error);
    }
  }

  get names(): readonly string[] {
    return Object.keys(this.sections);
  }

  /** The metadata as those who wrote the file typed it: its format number stands for the type. */
  about<Metadata>(): Metadata {
    return this.metadata as Metadata;
  }

  lengthOf(name: string): number {
    return this.section(name).length;
  }

  /** The elements from `start` on, `count` of them (to the end by default). */
  read(name: string, start = 0, count = this.lengthOf(name) - start): FlatArray {
    const { type, length, byteOffset } = this.section(name);
    if (start < 0 || count < 0 || start + count > length) {
      throw new RangeError(`${name}: range ${start} + ${count} leaves 0..${length}`);
    }
    const array = new ARRAY_TYPES[type](count);
    this.readBytes(new Uint8Array(array.buffer), byteOffset + start * array.BYTES_PER_ELEMENT);
    return array;
  }

  /** Reads elements from `start` on into `out`, which must be of the array's own type. */
  readInto(name: string, start: number, out: FlatArray): void {
    const { type, length, byteOffset } = this.section(name);
    if (out.constructor.name !== type) throw new TypeError(`${name} holds ${type}, not ${out.constructor.name}`);
    if (start < 0 || start + out.length > length) {
      throw new RangeError(`${name}: range ${start} + ${out.length} leaves 0..${length}`);
    }
    this.readBytes(new Uint8Array(out.buffer, out.byteOffset, out.byteLength), byteOffset + start * out.BYTES_PER_ELEMENT);
  }

  close(): void {
    closeSync(this.file);
  }

  private section(name: string): Section {
    const section = Object.hasOwn(this.sections, name) ? this.sections[name] : undefined;
    if (!section) throw new ServiceError('ARTIFACT_REFUSED', { file: this.path, reason: `it has no array ${name}` });
    return section;
  }

  private readBytes(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length;) {
      const count = readSync(this.file, bytes, done, Math.min(bytes.length - done, 1 << 30), position + done);
      if (count === 0) throw new ServiceError('ARTIFACT_REFUSED', { file: this.path, reason: 'it ends too early' });
      done += count;
    }
  }
}

/** The digest that an artifact says it has, without reading the rest of it; null when there is no such file. */
export function writtenDigest(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    return readAt(file, DIGEST_BYTES, Math.max(0, fstatSync(file).size - DIGEST_BYTES)).toString('latin1');
  } finally {
    closeSync(file);
  }
}

function readDirectory(file: number, path: string, format: number | null, anew: boolean): { directory: Directory; digest: string } {
  const refuse = (reason: string): never => {
    throw new ServiceError('ARTIFACT_REFUSED', { file: path, reason });
  };
  const size = fstatSync(file).size;
  if (size < HEADER_BYTES + 4 + DIGEST_BYTES) refuse(`it has only ${size} bytes`);
  const header = readAt(file, HEADER_BYTES, 0);
  if (header.toString('latin1', 0, 8) !== MAGIC) refuse('it does not begin like an artifact');
  if (format !== null && header.readUInt32LE(8) !== format)
    refuse(`format version ${header.readUInt32LE(8)}, this program reads ${format}`);
  const written = readAt(file, DIGEST_BYTES, size - DIGEST_BYTES).toString('latin1');
  const known = anew ? null : verifiedDigest(path);
  const digest = known ?? digestOfFile(path, size - DIGEST_BYTES).digest;
  if (digest !== written) refuse(`the digest is ${digest}, the file says ${JSON.stringify(written)}`);
  const end = size - DIGEST_BYTES - 4;
  const length = readAt(file, 4, end).readUInt32LE(0);
  if (length > end - HEADER_BYTES) refuse(`a directory of ${length} bytes does not fit into it`);
  const directory = JSON.parse(readAt(file, length, end - length).toString('utf8')) as Directory;
  const problem = problemOf(directory, end - length);
  if (problem !== null) refuse(problem);
  if (known === null) noteVerified(path, digest);
  return { directory, digest };
}

/** A digest proves that bytes are as they were written, not that they make sense: every array is known and lies before `end`. */
function problemOf(directory: unknown, end: number): string | null {
  if (!isRecord(directory) || !isRecord(directory.metadata) || !isRecord(directory.sections)) return 'its directory is not one';
  for (const [name, section] of Object.entries(directory.sections)) {
    const { type, length, byteOffset } = (section ?? {}) as Partial<Section>;
    const known = typeof type === 'string' && Object.hasOwn(ARRAY_TYPES, type) ? ARRAY_TYPES[type] : null;
    if (known === null) return `array ${name} is of the unknown type ${JSON.stringify(type)}`;
    if (!isCount(length) || !isCount(byteOffset) || byteOffset + length * known.BYTES_PER_ELEMENT > end)
      return `array ${name} leaves the file`;
  }
  return null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function readAt(file: number, length: number, position: number): Buffer {
  const bytes = Buffer.alloc(length);
  readSync(file, bytes, 0, length, position);
  return bytes;
}
