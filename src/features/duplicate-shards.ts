/**
 * The search for near-duplicates dealt to many tasks. Fingerprints stand in blocks, `prints/N.bin`; piece N of the step `pairs` compares
 * one block with itself or with another and writes `pairs/N.bin`. Whether two pictures are near-duplicates depends on them alone,
 * and all pairs of blocks are all pairs of pictures, so the pairs are those of one machine. The groups are made of them there.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { newDigest } from '../catalog/artifacts/digest.ts';
import { hasPiece, openPiece, pieceFile, writePiece, readPlain } from '../catalog/artifacts/piece-file.ts';
import { replaceFile } from '../swapped-file.ts';
import { closePairs, type DuplicateRules, type Fingerprint } from './near-duplicates.ts';

/** Fingerprints of a block: about 110 MB with codes of 4,096 bits. A task holds two. */
const PRINTS_PER_BLOCK = 50_000;

export interface PairPlan {
  readonly key: string;
  readonly bits: number;
  readonly rules: DuplicateRules;
  /** Block n holds prints `bounds[n] .. bounds[n + 1]`. */
  readonly bounds: readonly number[];
  /** Every block with itself and with each later one. */
  readonly pieces: number;
}

interface Search {
  readonly bits: number;
  readonly rules: DuplicateRules;
  /** About how many pieces; absent: by the number of prints. */
  readonly parts?: number;
}

/** How many blocks; 1: dealing them gains nothing. */
export const blocksFor = (prints: number, parts?: number): number =>
  Math.max(1, Math.min(prints, parts === undefined ? Math.ceil(prints / PRINTS_PER_BLOCK) : Math.ceil((Math.sqrt(8 * parts + 1) - 1) / 2)));

/** Writes what tasks need. Pairs that they found before stay where prints and rules are the same. */
export function writePairPlan(folder: string, prints: readonly Fingerprint[], { bits, rules, parts }: Search): PairPlan {
  const blocks = blocksFor(prints.length, parts);
  const bounds = Array.from({ length: blocks + 1 }, (_, block) => Math.floor((block * prints.length) / blocks));
  const digest = newDigest();
  for (const { pinIndex, signature, phash, colours, code } of prints)
    for (const bytes of [Buffer.from(`${pinIndex} ${signature} ${phash} `), colours, bytesOf(code)]) digest.update(bytes);
  const key = JSON.stringify([bits, rules, bounds, digest.hex()]);
  rmSync(join(folder, 'prints'), { recursive: true, force: true });
  for (let block = 0; block < blocks; block++)
    writePiece(pieceFile(folder, 'prints', block), key, arraysOf(prints.slice(bounds[block], bounds[block + 1])));
  const plan: PairPlan = { key, bits, rules, bounds, pieces: (blocks * (blocks + 1)) / 2 };
  replaceFile(join(folder, 'plan.json'), JSON.stringify(plan));
  return plan;
}

/** Throws ARTIFACT_REFUSED when the folder has none. */
export const readPairPlan = (folder: string): PairPlan => readPlain(join(folder, 'plan.json')) as PairPlan;

/** Finds the pairs of one piece and writes them. Throws ARTIFACT_REFUSED. */
export function findPairs(folder: string, plan: PairPlan, piece: number): { readonly written: boolean; readonly pairs: number } {
  const out = pieceFile(folder, 'pairs', piece);
  if (hasPiece(out, plan.key)) return { written: false, pairs: 0 };
  const { bits, rules, bounds } = plan;
  const [i, j] = blocksOf(piece);
  const first = readBlock(folder, plan, i);
  const prints = i === j ? first : [...first, ...readBlock(folder, plan, j)];
  const pairs = [...closePairs(prints, bits, rules, i === j ? undefined : first.length)];
  const place = (at: number): number => (at < first.length ? bounds[i] + at : bounds[j] + at - first.length);
  writePiece(out, plan.key, { a: Uint32Array.from(pairs, ({ a }) => place(a)), b: Uint32Array.from(pairs, ({ b }) => place(b)) });
  return { written: true, pairs: pairs.length };
}

/** The pairs (indexes of all prints, a < b) that the pieces have found. Throws ARTIFACT_REFUSED. */
export function* foundPairs(folder: string, plan: PairPlan): IterableIterator<{ readonly a: number; readonly b: number }> {
  for (let piece = 0; piece < plan.pieces; piece++) {
    const file = openPiece(pieceFile(folder, 'pairs', piece), plan.key);
    const [a, b] = [file.read('a'), file.read('b')];
    file.close();
    for (let at = 0; at < a.length; at++) yield { a: a[at], b: b[at] };
  }
}

/** Piece j (j + 1) / 2 + i compares blocks i <= j. */
function blocksOf(piece: number): readonly [i: number, j: number] {
  let j = 0;
  while (((j + 1) * (j + 2)) / 2 <= piece) j++;
  return [piece - (j * (j + 1)) / 2, j];
}

const SIGNATURE_BYTES = 16;
const PHASH_BYTES = 8;

function arraysOf(prints: readonly Fingerprint[]) {
  const joined = (of: (print: Fingerprint) => Uint8Array) => new Uint8Array(Buffer.concat(prints.map(of)));
  return {
    pinIndexes: Int32Array.from(prints, ({ pinIndex }) => pinIndex),
    signatures: joined(({ signature }) => Buffer.from(signature, 'hex')),
    hashes: joined(({ phash }) => Buffer.from(phash, 'hex')),
    colours: joined(({ colours }) => colours),
    codes: joined(({ code }) => bytesOf(code)),
  };
}

function readBlock(folder: string, { key }: PairPlan, block: number): Fingerprint[] {
  const file = openPiece(pieceFile(folder, 'prints', block), key);
  const pinIndexes = file.read('pinIndexes');
  const read = (name: string) => Buffer.from(file.read(name).buffer as ArrayBuffer);
  const [signatures, hashes, colours, codes] = ['signatures', 'hashes', 'colours', 'codes'].map(read);
  file.close();
  const part = (all: Buffer, at: number, bytes: number): Buffer => all.subarray(at * bytes, (at + 1) * bytes);
  const each = (all: Buffer): number => all.length / pinIndexes.length;
  return Array.from(pinIndexes, (pinIndex, at) => ({
    pinIndex,
    signature: part(signatures, at, SIGNATURE_BYTES).toString('hex'),
    phash: part(hashes, at, PHASH_BYTES).toString('hex'),
    colours: Uint8Array.from(part(colours, at, each(colours))),
    code: new Uint32Array(Uint8Array.from(part(codes, at, each(codes))).buffer),
  }));
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);
