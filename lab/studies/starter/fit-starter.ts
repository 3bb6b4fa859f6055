/**
 * The weights of the starter model: what puts most right pins among the first twelve, over catalogs of several kinds. Photos in
 * class folders are laid under several structures of boards, and pins of the query's class are right. Of a data folder with saves
 * one board at a time does not exist, and its other pins are right. Sources named by `--judge` are not fitted on; those that are
 * fitted on are also judged by weights that were fitted on the others. Where the fit is not better than the weights by hand on
 * the sources that judge, the weights by hand are written.
 */
import { resolve } from 'node:path';
import { ServiceError } from '../../../src/errors.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../../src/jobs/job.ts';
import { writeModelFile } from '../../../src/ranker/registry/model-file.ts';
import { codeVersion } from '../../../src/ranker/registry/model-provenance.ts';
import { type StarterFigure, type StarterRecipe } from '../../../src/ranker/registry/starter-model.ts';
import { activeNet } from '../../../src/vision/net-folder.ts';
import { readNet } from '../../../src/vision/net-manifest.ts';
import { labeledLists, lookAtPhotos, STRUCTURES } from './labeled-catalogs.ts';
import { savedCatalogs } from './saved-catalogs.ts';
import { BY_HAND, chanceOf, fitted, GAIN_MIN, type LabeledCatalog, meanShare, shareOf, type Weights } from './starter-search.ts';

const FLAGS = flags([
  { flag: '--photos <folder>', meaning: 'photos in class folders', repeatable: true },
  { flag: '--saves <folder>', meaning: 'data folder with saves and built lists', repeatable: true },
  { flag: '--judge <name>', meaning: 'a source, by the name of its folder, that is judged on and not fitted on', repeatable: true },
  { flag: '--per-kind <n>', meaning: 'photos of a class at most', kind: 'integer', default: 40 },
  { flag: '--queries <n>', meaning: 'queries of a catalog', kind: 'integer', default: 100 },
  { flag: '--seed <n>', meaning: 'which boards and queries are drawn', kind: 'integer', default: 1 },
  { flag: '--out <file>', meaning: 'where the model is written (default: it is only reported)' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'fit-starter',
  summary: 'fits the starter model on labeled photos and on saves, and judges it on catalogs it was not fitted on',
  examples: [
    'npm run lab -- fit-starter --photos chairs --saves var --data /tmp/starter --json',
    'npm run lab -- fit-starter --photos chairs --photos shoes --judge shoes --data /tmp/starter --out data/starter-model.json',
  ],
  options: FLAGS,
  run: fitStarter,
});

async function fitStarter(input: Input): Promise<Readonly<Record<string, unknown>>> {
  const { perKind, queries, seed, out } = input.options;
  const startedAt = performance.now();
  const catalogs = await allCatalogs(input, { perKind, queries, seed });
  const judge = new Set((input.options.judge ?? []) as readonly string[]);
  const unknown = [...judge].find((name) => !catalogs.some(({ source }) => source === name));
  const fitOn = catalogs.filter(({ source }) => !judge.has(source));
  if (unknown !== undefined || fitOn.length === 0)
    throw new ServiceError('JOB_USAGE', {
      reason: unknown === undefined ? 'Give --photos or --saves that are not judged on.' : `--judge: no source is called ${unknown}`,
    });
  const found = fitted(fitOn);
  const weights = betterOf(
    found,
    catalogs.filter(({ source }) => judge.has(source)),
  );
  const withoutSource = new Map<string, Weights | null>();
  for (const { source } of fitOn) {
    if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
    const others = fitOn.filter((catalog) => catalog.source !== source);
    if (!withoutSource.has(source)) withoutSource.set(source, others.length === 0 ? null : fitted(others));
  }
  const figures = catalogs.map((catalog) =>
    figureOf(catalog, found, judge.has(catalog.source) ? found : (withoutSource.get(catalog.source) ?? null)),
  );
  const recipe: StarterRecipe = {
    command: 'npm run lab -- fit-starter',
    fittedOn: [...new Set(fitOn.map(({ source }) => source))],
    judgedOn: [...judge],
    perKind,
    queries,
    found,
    kept: weights === found ? 'found' : 'by hand',
    figures,
  };
  if (out !== undefined) write(input, out, weights, { recipe, seed });
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  return { weights, recipe, seconds, ...(out === undefined ? {} : { out }) };
}

/** What was found, where it gains on the sources that judge (or none judges); else the weights by hand. */
function betterOf(found: Weights, judging: readonly LabeledCatalog[]): Weights {
  if (judging.length === 0) return found;
  return meanShare(judging, found) >= meanShare(judging, BY_HAND) + GAIN_MIN ? found : BY_HAND;
}

async function allCatalogs(
  input: Input,
  { perKind, queries, seed }: { readonly perKind: number; readonly queries: number; readonly seed: number },
): Promise<LabeledCatalog[]> {
  const catalogs: LabeledCatalog[] = [];
  for (const folder of (input.options.photos ?? []) as readonly string[]) {
    const photos = await lookAtPhotos(input, folder, perKind);
    for (const structure of STRUCTURES) {
      if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
      const lists = await labeledLists(input, photos, structure, { queries, seed });
      catalogs.push({ source: photos.name, kind: structure.name, lists });
    }
  }
  for (const folder of (input.options.saves ?? []) as readonly string[])
    catalogs.push(...(await savedCatalogs(input, folder, { queries, seed })));
  return catalogs.filter(({ lists }) => lists.length > 0);
}

/** `heldOut`: weights that were not fitted on the catalog's source. */
function figureOf(catalog: LabeledCatalog, found: Weights, heldOut: Weights | null): StarterFigure {
  const round = (given: Weights): number => Math.round(1000 * shareOf(catalog, given)) / 1000;
  return {
    source: catalog.source,
    kind: catalog.kind,
    lists: catalog.lists.length,
    fitted: round(found),
    heldOut: heldOut && round(heldOut),
    byHand: round(BY_HAND),
    boardsAlone: round({ 'cooccurrence-score': 1 }),
    looksAlone: Math.max(...['fc6-similarity', 'fc8-similarity', 'user-visual-likeness'].map((name) => round({ [name]: 1 }))),
    chance: Math.round(1000 * chanceOf(catalog)) / 1000,
  };
}

function write(
  { dataFolder }: Input,
  out: string,
  weights: Weights,
  { recipe, seed }: { readonly recipe: StarterRecipe; readonly seed: number },
): void {
  const named = Object.keys(weights).filter((name) => weights[name] !== 0);
  const net = readNet(activeNet(dataFolder, 'visual'));
  writeModelFile(resolve(out), {
    features: named.map((name) => ({ name, weight: weights[name], normalization: { kind: 'none' } })),
    lineage: {
      source: 'starter',
      window: null,
      codeVersion: codeVersion(),
      seed,
      c: null,
      settings: { recipe: { ...recipe, net: net.digest } },
      // Raw likenesses are from 0 to 1 with every net: it orders with all of them.
      netDigest: null,
      previous: null,
    },
    counts: { lists: recipe.figures.reduce((sum, { lists }) => sum + lists, 0), rows: 0, pairs: 0 },
    training: {},
    distributions: {},
  });
}
