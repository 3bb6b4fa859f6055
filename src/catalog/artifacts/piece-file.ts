/**
 * Files of work that is dealt to many tasks: FOLDER/STEP/00012.bin is what piece 12 of a step made. Each has the key of everything
 * it depends on, so a piece that is there already need not be done again, on whatever machine it was.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceError } from '../../errors.ts';
import { replaceFile } from '../../swapped-file.ts';
import { type ArtifactArray, ArtifactFile, writeArtifactFile } from './artifact-file.ts';

export const PIECE_FORMAT = 1;

export const pieceFile = (folder: string, step: string, piece: number, ending = 'bin'): string =>
  join(folder, step, `${String(piece).padStart(5, '0')}.${ending}`);

/** Whether the file is there, whole, and of this key. */
export function hasPiece(path: string, key: string): boolean {
  if (!existsSync(path)) return false;
  try {
    openPiece(path, key).close();
    return true;
  } catch {
    return false;
  }
}

/** Throws ARTIFACT_REFUSED for a file that is missing, damaged or of another key. */
export function openPiece(path: string, key: string): ArtifactFile {
  const file = new ArtifactFile(path, PIECE_FORMAT);
  if (file.metadata.key === key) return file;
  file.close();
  throw new ServiceError('ARTIFACT_REFUSED', { file: path, reason: 'it was made from other input or settings' });
}

/** `about`: what else the reader needs, as JSON. */
export function writePiece(path: string, key: string, arrays: Readonly<Record<string, ArtifactArray>>, about: object = {}): void {
  replaceFile(path, (file) => writeArtifactFile(file, PIECE_FORMAT, { ...about, key }, arrays));
}

/** What a file of JSON holds: a plan, or what a piece is made from. Throws ARTIFACT_REFUSED when it is missing or damaged. */
export function readPlain(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ServiceError('ARTIFACT_REFUSED', { file: path, reason: (error as Error).message }, error);
  }
}
