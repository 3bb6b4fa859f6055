/** Catalogs whose right answers are known: photos in class folders, with boards of several structures laid over them. */
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type Random, seededRandom } from '../../../src/math/random.ts';
import { job as buildCandidates } from '../../../src/jobs/candidates/build-candidates.ts';
import { job as importCatalog } from '../../../src/jobs/catalog/import-catalog.ts';
import { callJob, type Job, type JobInput } from '../../../src/jobs/job.ts';
import { job as extractFeatures } from '../../../src/jobs/nets/extract-features.ts';
import { plainOptions } from '../../../src/lists/serve-list.ts';
import { AS_RETRIEVED } from '../../../src/ranker/measures/baselines.ts';
import { relatedPins } from '../../../src/related-pins.ts';
import { openContext } from '../../../src/service/context.ts';
import { labeledList, type LabeledList } from './starter-search.ts';

/** Boards of a class are all of it, or `splits` parts of it, or `overlapping` boards that hold 30 % of it each. */
interface BoardStructure {
  readonly name: string;
  readonly splits: number;
  readonly overlapping: number;
  /** Boards of fifteen pins drawn from all, by the hundred pins. */
  readonly mixedPer100: number;
}

export const STRUCTURES: readonly BoardStructure[] = [
  { name: 'pure', splits: 1, overlapping: 0, mixedPer100: 0 },
  { name: 'some mixed', splits: 1, overlapping: 0, mixedPer100: 4 },
  { name: 'many mixed', splits: 1, overlapping: 0, mixedPer100: 14 },
  { name: 'split, some mixed', splits: 3, overlapping: 0, mixedPer100: 9 },
  { name: 'overlapping, some mixed', splits: 0, overlapping: 4, mixedPer100: 9 },
];

interface LabeledPin {
  readonly id: string;
  readonly image: string;
  readonly kind: string;
}

interface LabeledPhotos {
  readonly name: string;
  readonly photos: string;
  /** Data folder with pins and features, without boards. */
  readonly folder: string;
  readonly pins: readonly LabeledPin[];
}

/** Everything happens at these times, so that the same photos give the same weights whenever they are fitted. */
const MADE_AT = Date.UTC(2026, 0, 1);
export const ASKED_AT = Date.UTC(2026, 1, 1);

const run = <Options, Receipt extends object>(
  input: JobInput,
  job: Job<Options, Receipt>,
  dataFolder: string,
  options: Partial<Options>,
): Promise<Receipt> => callJob(job, { ...input, dataFolder }, options);

/** Imports at most `perKind` photos of each class folder and looks at them; what an earlier run did is not done again. */
export async function lookAtPhotos(input: JobInput, photos: string, perKind: number): Promise<LabeledPhotos> {
  const folder = join(input.dataFolder, 'starter', `${basename(resolve(photos))}-photos`);
  mkdirSync(folder, { recursive: true });
  const kinds = readdirSync(photos)
    .filter((kind) => statSync(join(photos, kind)).isDirectory())
    .sort();
  const pins = kinds.flatMap((kind) =>
    readdirSync(join(photos, kind))
      .sort()
      .slice(0, perKind)
      .map((file) => ({ id: `${kind}/${file}`, image: `${kind}/${file}`, kind })),
  );
  writeLines(
    join(folder, 'pins.jsonl'),
    pins.map(({ id, image }) => ({ id, image, createdAt: MADE_AT })),
  );
  await run(input, importCatalog, folder, { pins: join(folder, 'pins.jsonl'), images: resolve(photos) });
  await run(input, extractFeatures, folder, { workers: 2, threads: 1, batch: 8 });
  return { name: basename(resolve(photos)), photos: resolve(photos), folder, pins };
}

/** The lists of some queries of the photos under a board structure. */
export async function labeledLists(
  input: JobInput,
  photos: LabeledPhotos,
  structure: BoardStructure,
  { queries, seed }: { readonly queries: number; readonly seed: number },
): Promise<LabeledList[]> {
  const folder = `${photos.folder}-boards`;
  rmSync(folder, { recursive: true, force: true });
  cpSync(photos.folder, folder, { recursive: true });
  const boards = boardsOf(photos.pins, structure, seededRandom(seed));
  writeLines(
    join(folder, 'boards.jsonl'),
    boards.map((_, b) => ({ id: `board ${b}`, ownerId: `owner ${b}` })),
  );
  writeLines(
    join(folder, 'saves.jsonl'),
    boards.flatMap((pins, b) => pins.map((pinId) => ({ pinId, boardId: `board ${b}`, at: MADE_AT }))),
  );
  await run(input, importCatalog, folder, { boards: join(folder, 'boards.jsonl'), saves: join(folder, 'saves.jsonl') });
  await run(input, buildCandidates, folder, {});
  return serve({ ...input, dataFolder: folder }, photos.pins, queries);
}

function boardsOf(pins: readonly LabeledPin[], { splits, overlapping, mixedPer100 }: BoardStructure, random: Random): string[][] {
  const boards: string[][] = [];
  for (const kind of new Set(pins.map((pin) => pin.kind))) {
    const own = pins.filter((pin) => pin.kind === kind).map(({ id }) => id);
    const parts: string[][] = Array.from({ length: splits }, () => []);
    if (splits > 0) for (const id of own) parts[random.integer(splits)].push(id);
    const some = Array.from({ length: overlapping }, () => own.filter(() => random.next() < 0.3));
    boards.push(...parts, ...some);
  }
  for (let board = 0; board < Math.round((pins.length * mixedPer100) / 100); board++)
    boards.push(Array.from({ length: 15 }, () => random.pick(pins).id));
  return boards.filter((board) => board.length > 0);
}

async function serve(input: JobInput, pins: readonly LabeledPin[], queries: number): Promise<LabeledList[]> {
  const context = await openContext(input.config, input.dataFolder, { lock: true });
  try {
    const kinds = new Map(pins.map(({ id, kind }) => [context.pins.indexOf(id), kind]));
    const step = Math.max(1, Math.floor(pins.length / queries));
    const lists: LabeledList[] = [];
    for (let at = 0; at < pins.length && lists.length < queries; at += step) {
      const plain = plainOptions({ recommendationId: `labeled-${at}`, now: ASKED_AT, limit: 12 });
      const options = { ...plain, treatment: { ...plain.treatment, model: AS_RETRIEVED }, keepInputs: true };
      const { candidates, inputs } = await relatedPins(context.parts, context.pins.indexOf(pins[at].id), options);
      if (inputs === null) continue;
      const right = Uint8Array.from(candidates.pinIndexes, (pin) => (kinds.get(pin) === pins[at].kind ? 1 : 0));
      const list = labeledList(inputs.rows, right);
      if (list) lists.push(list);
    }
    return lists;
  } finally {
    await context.close();
  }
}

function writeLines(path: string, rows: readonly unknown[]): void {
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
