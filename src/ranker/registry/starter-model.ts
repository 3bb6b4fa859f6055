/**
 * The model that ships with the program and serves before any training, with the recipe and the figures of
 * `npm run lab -- fit-starter` in its file.
 */
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../../worker-url.ts';
import type { ModelArtifact } from './model-artifact.ts';
import { readModelFile } from './model-file.ts';

/** How the starter was made: `lineage.settings.recipe` of its file. */
export interface StarterRecipe {
  readonly command: string;
  /** Sources whose lists the weights were fitted on, and those that only judged them. */
  readonly fittedOn: readonly string[];
  readonly judgedOn: readonly string[];
  /** Photos of a class at most, and queries of a catalog. */
  readonly perKind: number;
  readonly queries: number;
  /** What the search found, and whether it or the weights by hand are in the file: it must gain on the sources that judge. */
  readonly found: Readonly<Record<string, number>>;
  readonly kept: 'found' | 'by hand';
  readonly figures: readonly StarterFigure[];
}

/** Share of the right pins that are among the first twelve of a catalog's lists, of the most there could be. */
export interface StarterFigure {
  readonly source: string;
  readonly kind: string;
  readonly lists: number;
  /** By the weights that were found. */
  readonly fitted: number;
  /** By weights that were not fitted on this source; null: there is no other. */
  readonly heldOut: number | null;
  /** By the weights that the search began with. */
  readonly byHand: number;
  readonly boardsAlone: number;
  readonly looksAlone: number;
  /** Of any order. */
  readonly chance: number;
}

/** A name that no stored model may have. */
export const STARTER = 'starter';

let known: (ModelArtifact & { readonly digest: string }) | null = null;

/** The starter, read once per process. Throws RANKER_MODEL_REFUSED when the file is damaged. */
export function starterModel(): ModelArtifact & { readonly digest: string } {
  known ??= { ...readModelFile(fileURLToPath(new URL('data/starter-model.json', projectRoot()))), name: STARTER };
  return known;
}
