/** A balanced evaluation set from the catalogue's most frequent annotations: a folder a term, as many images in each. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { fetchImage, imageFetching } from '../../catalog/pins/image-fetch.ts';
import { ServiceError } from '../../errors.ts';
import { mixedSeed, seededRandom } from '../../math/random.ts';
import { formatOf } from '../../vision/image-format.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  { flag: '--out <folder>', meaning: 'where the folders go, one a term', required: true },
  { flag: '--terms <n>', meaning: 'most frequent terms, at most', kind: 'integer', default: 20 },
  { flag: '--per-term <n>', meaning: 'images of each; terms with fewer are left out', kind: 'integer', default: 25 },
  { flag: '--seed <n>', meaning: 'of the choice among the images of a term', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'make-evaluation-set',
  summary: "writes a balanced set of labelled images from the catalogue's most frequent annotations, for evaluate-features",
  examples: ['related-pins make-evaluation-set --data var --out evaluation-set', 'related-pins evaluate-features --images evaluation-set'],
  options: FLAGS,
  run: makeEvaluationSet,
});

interface Chosen {
  readonly pinId: string;
  readonly image: string;
}

async function makeEvaluationSet(input: Input) {
  const { options, dataFolder, config, progress, signal } = input;
  const byTerm = imagesByTerm(dataFolder, options.perTerm).slice(0, options.terms);
  if (byTerm.length < 2)
    throw new ServiceError('NOTHING_TO_DO', { reason: 'Fewer than two annotations are the strongest of enough images; lower --per-term.' });
  const out = resolve(options.out);
  const fetching = { ...imageFetching(config, dataFolder), signal };
  const refused: Record<string, number> = {};
  let images = 0;
  progress.start('terms', byTerm.length);
  for (const [at, [term, pins]] of byTerm.entries()) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    const folder = join(out, folderName(term));
    mkdirSync(folder, { recursive: true });
    const drawn = seededRandom(mixedSeed(options.seed, term)).shuffled(pins).slice(0, options.perTerm);
    for (const { pinId, image } of drawn) {
      try {
        const bytes = await fetchImage(image, fetching);
        writeFileSync(join(folder, `${folderName(pinId)}.${extensionOf(bytes)}`), bytes);
        images++;
      } catch (error) {
        const code = error instanceof ServiceError ? error.code : 'IMAGE_REFUSED';
        refused[code] = (refused[code] ?? 0) + 1;
      }
    }
    progress.update(at + 1);
  }
  progress.stop();
  return { out, terms: byTerm.map(([term]) => term), images, refused };
}

/** Images by the strongest of their annotations, for terms with enough of them; the most frequent term first. */
function imagesByTerm(dataFolder: string, least: number): [string, Chosen[]][] {
  const catalog = openCatalog(dataFolder);
  try {
    const byTerm = new Map<string, Chosen[]>();
    for (const { pinIndex, image } of catalog.pins.images()) {
      const weights = Object.entries(catalog.pins.get(pinIndex)?.annotations ?? {});
      const [best] = weights.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
      if (best) byTerm.set(best[0], [...(byTerm.get(best[0]) ?? []), { pinId: catalog.pins.idOf(pinIndex), image }]);
    }
    return [...byTerm].filter(([, pins]) => pins.length >= least).sort((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1));
  } finally {
    catalog.close();
  }
}

/** Terms and ids may hold anything; files may not. */
const folderName = (text: string): string => encodeURIComponent(text).replace(/\*/g, '%2A').replace(/^\.+/, '_').slice(0, 120);

function extensionOf(bytes: Uint8Array): string {
  const format = formatOf(bytes);
  return format === 'jpeg' ? 'jpg' : format;
}
