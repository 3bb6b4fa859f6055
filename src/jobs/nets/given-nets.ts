/** Nets by their folders, or by ONNX files as they were exported, which are imported for the while. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Progress } from '../../progress.ts';
import { importClassifier } from '../../vision/import/import-classifier.ts';

interface GivenNets {
  /** In the order given. */
  readonly folders: readonly string[];
  /** Removes what was imported. */
  forget(): void;
}

/** What an import had to assume is noted. Throws NET_REFUSED. */
export async function givenNets(given: readonly string[], progress: Progress): Promise<GivenNets> {
  const work: string[] = [];
  const forget = (): void => work.forEach((folder) => rmSync(folder, { recursive: true, force: true }));
  const folders: string[] = [];
  try {
    for (const place of given) folders.push(/\.onnx$/i.test(place) ? await imported(resolve(place), work, progress) : resolve(place));
  } catch (error) {
    forget();
    throw error;
  }
  return { folders, forget };
}

async function imported(file: string, work: string[], progress: Progress): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-net-'));
  work.push(folder);
  const name = basename(file).replace(/\.onnx$/i, '');
  const out = join(folder, name);
  const { doubts } = await importClassifier({ file, name, out });
  for (const doubt of doubts) progress.note(`${name}, please check: ${doubt}`);
  return out;
}
