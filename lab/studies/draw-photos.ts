/** A small folder of drawn photos to open, for who has none at hand: a folder per category, which become its boards. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ServiceError } from '../../src/errors.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../src/jobs/job.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { drawPin } from '../world/drawing.ts';
import { CATEGORIES } from '../world/latents.ts';
import { DEFAULT_WORLD, makeRecipe } from '../world/recipe.ts';
import { pinLine } from '../world/texts.ts';

const PHOTOS = 120;

const FLAGS = flags([
  { flag: '--photos <n>', meaning: 'how many', kind: 'integer', default: PHOTOS },
  { flag: '--seed <n>', meaning: 'the world they are of', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'draw-photos',
  summary: 'draws a folder of photos in subfolders by category, to try open on',
  args: [{ form: '<folder>', meaning: 'where to draw; made when it is not there' }],
  examples: ['npm run lab -- draw-photos photos'],
  options: FLAGS,
  run: drawPhotos,
});

async function drawPhotos({ args, options, progress, signal }: Input): Promise<Readonly<Record<string, unknown>>> {
  if (args[0] === undefined) throw new ServiceError('JOB_USAGE', { reason: 'Name a folder to draw into.' });
  const folder = resolve(args[0]);
  const photos = options.photos;
  const recipe = makeRecipe({ ...DEFAULT_WORLD, seed: options.seed, pins: photos });
  const boards = new Set<string>();
  let drawn = 0;
  progress.start('drawing', photos);
  for (const [i, pin] of recipe.pins.entries()) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    const board = CATEGORIES[pin.felt.category].name;
    const file = join(folder, board, `${fileName(pinLine(recipe, i).title, i)}.jpg`);
    boards.add(board);
    progress.update(i + 1);
    if (existsSync(file)) continue;
    mkdirSync(join(folder, board), { recursive: true });
    writeFileSync(file, await drawSvg(drawPin(pin.felt, pin.alteration).svg, 'jpeg', pin.alteration.quality));
    drawn++;
  }
  progress.stop();
  return { folder, photos, drawn, boards: boards.size };
}

function fileName(title: unknown, index: number): string {
  const words = typeof title === 'string' ? `${title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-` : '';
  return `${words}${index + 1}`;
}
