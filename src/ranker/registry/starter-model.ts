/**
 * The model that ships with the program and serves before any training. Its weights were set by hand beside what
 * `npm run lab -- fit-starter` finds; docs/DECISIONS.md has both and the figures. The file carries no recipe of its own.
 */
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../../worker-url.ts';
import type { ModelArtifact } from './model-artifact.ts';
import { readModelFile } from './model-file.ts';

/** A name that no stored model may have. */
export const STARTER = 'starter';

let known: (ModelArtifact & { readonly digest: string }) | null = null;

/** The starter, read once per process. Throws RANKER_MODEL_REFUSED when the file is damaged. */
export function starterModel(): ModelArtifact & { readonly digest: string } {
  known ??= { ...readModelFile(fileURLToPath(new URL('data/starter-model.json', projectRoot()))), name: STARTER };
  return known;
}
