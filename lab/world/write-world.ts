/** A world -> files: pins, boards and saves to import, pictures, and the truth. A picture that is there is not drawn again. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServiceError } from '../../src/errors.ts';
import type { Progress } from '../../src/progress.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import type { TrueObject } from './canvas.ts';
import { drawPin } from './drawing.ts';
import { CATEGORIES, PALETTES, PATTERNS, STYLES } from './latents.ts';
import { UTILITY, visualWeights } from './people.ts';
import type { Recipe, WorldPin } from './recipe.ts';
import { boardLine, pinLine, saveLines } from './texts.ts';

/** Pictures in the making at once: two cores and a little in hand. */
const DRAWN_AT_ONCE = 4;
/** A true box that covers this share of the picture is its dominant object (DESIGN, section 2). */
const DOMINANT_SHARE = 0.25;

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly objects: readonly TrueObject[];
}

/** The largest true object if it covers a quarter of the picture, else null. */
export function trueDominant({ width, height, objects }: Picture): TrueObject | null {
  const area = ({ box }: TrueObject): number => (box[2] - box[0]) * (box[3] - box[1]);
  const largest = objects.reduce<TrueObject | null>((best, object) => (best && area(best) >= area(object) ? best : object), null);
  return largest && area(largest) >= DOMINANT_SHARE * width * height ? largest : null;
}

/** What the picture of each pin's own latents shows, by pin index. */
export function picturesOf(recipe: Recipe): Picture[] {
  return recipe.pins.map((pin) => {
    const { width, height, objects } = drawPin(pin.felt, pin.alteration);
    return { width, height, objects };
  });
}

/** Writes the text files of a world into `folder`; the same bytes for the same recipe everywhere. */
export function writeTruth(recipe: Recipe, pictures: readonly Picture[], folder: string): void {
  mkdirSync(join(folder, 'images'), { recursive: true });
  const lines = (name: string, rows: readonly unknown[]): void =>
    writeFileSync(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  lines(
    'pins.jsonl',
    recipe.pins.map((_, i) => pinLine(recipe, i)),
  );
  lines(
    'boards.jsonl',
    recipe.boards.map((board) => boardLine(recipe, board)),
  );
  lines(
    'saves.jsonl',
    recipe.boards.flatMap((board) => saveLines(recipe, board)),
  );
  lines(
    'objects.jsonl',
    recipe.pins.map((pin) => objectLine(pin, pictures[pin.picture])),
  );
  lines(
    'near-duplicates.jsonl',
    duplicateGroups(recipe).map((pins) => ({ pins: pins.map((i) => recipe.pins[i].id) })),
  );
  writeFileSync(join(folder, 'truth.json'), `${JSON.stringify(truthOf(recipe, pictures))}\n`);
}

function objectLine(pin: WorldPin, { width, height, objects }: Picture): Record<string, unknown> {
  return { photo: `images/${pin.id}.jpg`, width, height, objects };
}

/** Pins that show pictures of one original. */
export function duplicateGroups(recipe: Recipe): number[][] {
  const groups = new Map<number, number[]>();
  recipe.pins.forEach((pin, i) => {
    const { group } = recipe.pins[pin.picture];
    if (group >= 0) groups.set(group, [...(groups.get(group) ?? []), i]);
  });
  return [...groups.values()];
}

function truthOf(recipe: Recipe, pictures: readonly Picture[]): Record<string, unknown> {
  const weights = visualWeights(recipe.size.kind);
  return {
    world: recipe.size,
    people: UTILITY,
    categories: CATEGORIES.map(({ name, topics }, i) => ({ name, visualWeight: weights[i], topics: topics.map(([topic]) => topic) })),
    palettes: PALETTES.map(({ name, family }) => ({ name, family })),
    styles: STYLES,
    patterns: PATTERNS,
    pins: recipe.pins.map(({ id, felt, picture, alteration, group, appeal }) => ({
      id,
      felt,
      shows: recipe.pins[picture].id,
      alteration,
      group: group < 0 ? null : group,
      appeal,
      dominant: trueDominant(pictures[picture])?.label ?? null,
    })),
    boards: recipe.boards.map(({ id, owner, kind, themes }) => ({ id, owner: recipe.users[owner].id, kind, themes })),
    users: recipe.users,
  };
}

/** Draws what is missing of the pictures; can be stopped and goes on where it was. Returns how many it drew. */
export async function drawWorld(recipe: Recipe, folder: string, progress: Progress, signal: AbortSignal): Promise<number> {
  mkdirSync(join(folder, 'images'), { recursive: true });
  progress.start('drawing', recipe.pins.length);
  let next = 0;
  let drawn = 0;
  const draw = async (): Promise<void> => {
    while (next < recipe.pins.length) {
      if (signal.aborted) throw new ServiceError('JOB_STOPPED');
      const pin = recipe.pins[next++];
      const file = join(folder, 'images', `${pin.id}.jpg`);
      if (existsSync(file)) continue;
      const shown = recipe.pins[pin.picture];
      const bytes = await drawSvg(drawPin(shown.felt, shown.alteration).svg, 'jpeg', shown.alteration.quality);
      await writeFile(`${file}.part`, bytes);
      await rename(`${file}.part`, file);
      progress.update(++drawn);
    }
  };
  await Promise.all(Array.from({ length: DRAWN_AT_ONCE }, draw));
  progress.stop();
  return drawn;
}
