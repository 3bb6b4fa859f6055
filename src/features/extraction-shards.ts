/**
 * Extraction dealt to many tasks. On a path that all of them reach, one machine writes `plan.json`, `net/` (a copy of the net),
 * `binarizer.bin` and `images/N.json`; each task reads the images of a piece and writes their rows to `extract/N.bin`.
 *
 * An image's row depends on the net, the fitted binarizer and its bytes alone, so rows have the bits of one machine however they
 * are dealt. A piece that is there is left as it is: its key names all three, but for the bytes, of which it has the version.
 */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactFile, FlatArray } from '../catalog/artifacts/artifact-file.ts';
import { hasPiece, openPiece, pieceFile, writePiece, readPlain } from '../catalog/artifacts/piece-file.ts';
import { fetchImage, type ImageFetchOptions } from '../catalog/pins/image-fetch.ts';
import { ServiceError } from '../errors.ts';
import { replaceFile } from '../swapped-file.ts';
import { isJpegWithoutEnd } from '../vision/image-damage.ts';
import type { ImageLimits } from '../vision/image-tensor.ts';
import type { Net } from '../vision/net-manifest.ts';
import { type Binarizer, packBinarizer, unpackBinarizer } from './binarize.ts';
import { featureNetOf } from './convnet.ts';
import { type ImageReading, type ImageToRead, readRows } from './extraction.ts';
import { type FeatureRow, netKeyOf } from './feature-store.ts';

/** Images of a piece: a minute or so of one core, and some megabytes of rows. */
const IMAGES_PER_PIECE = 500;

export interface ExtractionPlan {
  readonly netDigest: string;
  readonly pieces: number;
  /** How images are fetched and which are refused: as on the machine that dealt them. */
  readonly fetching: Omit<ImageFetchOptions, 'signal' | 'addressAllowed' | 'resolve'>;
  readonly limits: ImageLimits;
}

interface Piece {
  readonly key: string;
  readonly images: readonly ImageToRead[];
}

interface PlanInput extends Pick<ExtractionPlan, 'fetching' | 'limits'> {
  readonly net: Net;
  readonly binarizer: Binarizer;
  /** How many pieces; absent: by the number of images. */
  readonly parts?: number;
}

/** Where the copy of the net lies. */
export const netOfPlan = (folder: string): string => join(folder, 'net');

/** Writes what tasks need. Rows that they wrote before stay where their images and net are the same. */
export function writeExtractionPlan(folder: string, images: readonly ImageToRead[], input: PlanInput): ExtractionPlan {
  const { net, binarizer, fetching, limits } = input;
  const pieces = Math.min(images.length, input.parts ?? Math.ceil(images.length / IMAGES_PER_PIECE));
  const packed = packBinarizer(binarizer);
  rmSync(join(folder, 'images'), { recursive: true, force: true });
  cpSync(net.folder, netOfPlan(folder), { recursive: true });
  replaceFile(join(folder, 'binarizer.bin'), packed);
  const same = JSON.stringify([netKeyOf(featureNetOf(net)), createHash('sha256').update(packed).digest('hex'), limits]);
  for (let piece = 0; piece < pieces; piece++) {
    const from = Math.floor((piece * images.length) / pieces);
    const own = images.slice(from, Math.floor(((piece + 1) * images.length) / pieces));
    const key = createHash('sha256').update(same).update(JSON.stringify(own)).digest('hex');
    replaceFile(pieceFile(folder, 'images', piece, 'json'), JSON.stringify({ key, images: own } satisfies Piece));
  }
  const plan: ExtractionPlan = { netDigest: net.digest, pieces, fetching, limits };
  replaceFile(join(folder, 'plan.json'), JSON.stringify(plan));
  return plan;
}

/** Throws ARTIFACT_REFUSED when the folder has none. */
export const readExtractionPlan = (folder: string): ExtractionPlan => readPlain(join(folder, 'plan.json')) as ExtractionPlan;

interface PieceReceipt {
  /** False: it was there. */
  readonly written: boolean;
  readonly images: number;
}

/** Reads the images of one piece and writes their rows. Throws ARTIFACT_REFUSED, NET_REFUSED, JOB_STOPPED. */
export async function extractPiece(
  folder: string,
  { fetching }: ExtractionPlan,
  number: number,
  { convNet, pool, signal }: Pick<ImageReading, 'convNet' | 'pool' | 'signal'>,
): Promise<PieceReceipt> {
  const { key, images } = readPlain(pieceFile(folder, 'images', number, 'json')) as Piece;
  const out = pieceFile(folder, 'extract', number);
  if (hasPiece(out, key)) return { written: false, images: images.length };
  const binarizer = unpackBinarizer(readFileSync(join(folder, 'binarizer.bin')));
  const [postponed, endless] = [new Set<string>(), new Set<string>()];
  const fetch = async (image: string): Promise<Uint8Array> => {
    const bytes = await fetchImage(image, { ...fetching, signal });
    if (isJpegWithoutEnd(bytes)) endless.add(image);
    return bytes;
  };
  const rows: FeatureRow[] = [];
  const postpone = (image: string): void => void postponed.add(image);
  for await (const part of readRows({ convNet, pool, signal, fetch, postpone }, images, binarizer)) rows.push(...part);
  if (signal?.aborted) throw new ServiceError('JOB_STOPPED');
  writePiece(out, key, arraysOf(rows), { texts: rows.map(textsOf), postponed: [...postponed], endless: [...endless] });
  return { written: true, images: images.length };
}

export interface ExtractedPiece {
  readonly rows: readonly FeatureRow[];
  /** Images whose servers were busy or away: they have no row. */
  readonly postponed: readonly string[];
  /** JPEG files that lack their end marker. */
  readonly endless: readonly string[];
}

/** What a task has written. Throws ARTIFACT_REFUSED. */
export function readExtracted(folder: string, number: number): ExtractedPiece {
  const { key } = readPlain(pieceFile(folder, 'images', number, 'json')) as Piece;
  const file = openPiece(pieceFile(folder, 'extract', number), key);
  try {
    const { texts, postponed, endless } = file.about<Omit<ExtractedPiece, 'rows'> & { readonly texts: readonly Texts[] }>();
    return { rows: rowsOf(file, texts), postponed, endless };
  } finally {
    file.close();
  }
}

/** The numbers of a row stand in arrays, one after the other, where it has them. */
const NUMBERS = ['code', 'scores', 'embedding', 'colours'] as const;
const TYPES = { code: Uint32Array, scores: Float32Array, embedding: Float32Array, colours: Uint8Array };

type Texts = Omit<FeatureRow, (typeof NUMBERS)[number]>;

function textsOf({ code: _, scores: __, embedding: ___, colours: ____, ...texts }: FeatureRow): Texts {
  return texts;
}

function arraysOf(rows: readonly FeatureRow[]) {
  const arrays: Record<string, FlatArray> = {};
  for (const name of NUMBERS) {
    const lengths = Uint32Array.from(rows, (row) => row[name]?.length ?? 0);
    const all = new TYPES[name](lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const row of rows) {
      const values = row[name];
      if (values) all.set(values, at);
      at += values?.length ?? 0;
    }
    arrays[name] = all;
    arrays[`${name}Lengths`] = lengths;
  }
  return arrays;
}

/** An array of no length stands for none. */
function rowsOf(file: ArtifactFile, texts: readonly Texts[]): FeatureRow[] {
  const columns = NUMBERS.map((name) => ({ name, values: file.read(name), lengths: file.read(`${name}Lengths`) as Uint32Array, at: 0 }));
  return texts.map((text, row) => {
    const numbers = columns.map((column) => {
      const from = column.at;
      column.at += column.lengths[row];
      return [column.name, column.lengths[row] > 0 ? column.values.slice(from, column.at) : null];
    });
    return { ...text, ...Object.fromEntries(numbers) } as FeatureRow;
  });
}
