/** How sure a net may be of its words: a temperature and a curve fitted on one half of labelled photos, judged on the other. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { objectsInPixels, readTrueObjects } from '../../../src/detection/true-objects.ts';
import { ServiceError } from '../../../src/errors.ts';
import { openConvNet } from '../../../src/features/convnet.ts';
import { alongCurve, type WordConfidence, wordScores } from '../../../src/features/words.ts';
import { folderImages } from '../../../src/jobs/nets/labelled-images.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../../src/jobs/job.ts';
import { seededRandom } from '../../../src/math/random.ts';
import { measureImage } from '../../../src/vision/image-tensor.ts';
import { openPool } from '../../../src/vision/inference-pool.ts';
import type { ImageInput } from '../../../src/vision/inference-task.ts';
import { projectRoot } from '../../../src/worker-url.ts';
import { expectedError, fitCurve, fitTemperature, type JudgedWord } from './calibration.ts';

const FLAGS = flags([
  { flag: '--net <folder>', meaning: 'a classifier; words.txt beside it holds a word for each class', required: true },
  { flag: '--images <folder>', meaning: 'class folders; as often as there are sets', repeatable: true },
  {
    flag: '--objects <path>',
    meaning: 'objects.jsonl or a YOLO folder: its true boxes are looked at; as often as there are sets',
    repeatable: true,
  },
  { flag: '--labels <file>', meaning: 'label: word, word (default: data/label-words.txt)' },
  { flag: '--seed <n>', meaning: 'which half is fitted on', kind: 'integer', default: 1 },
  { flag: '--write', meaning: 'put words and confidence into the manifest of the net' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'calibrate-words',
  summary: 'fits how sure a visual net may be of its words, on labelled photos',
  examples: ['npm run lab -- calibrate-words --net data/nets/visual --images clothing-test --objects coco-val128 --write --json'],
  options: FLAGS,
  run: calibrate,
  describe: (receipt) => {
    const { photos, temperature, judged, leftOut } = receipt as unknown as Receipt;
    return [
      `${photos} photos and crops, temperature ${temperature}; on the half not fitted on the top word is right in ${judged.right}`,
      `expected calibration error ${judged.error} (the softmax as it comes: ${judged.errorOfSoftmax}); spoken at a third or more: ${judged.spoken}, right ${judged.spokenRight}`,
      `left out, no word: ${leftOut.join(', ')}`,
    ];
  },
});

interface Receipt {
  readonly photos: number;
  readonly temperature: number;
  readonly curve: WordConfidence['curve'];
  readonly judged: Readonly<Record<'right' | 'error' | 'errorOfSoftmax' | 'spoken' | 'spokenRight', number>>;
  readonly leftOut: readonly string[];
}

interface Labelled {
  readonly set: string;
  readonly image: ImageInput;
  readonly right: ReadonlySet<string>;
}

/** Objects smaller than this say little, and are no pictures that anybody asks about. */
const SIDE_MIN_PX = 48;
const AT_ONCE = 32;
const SPOKEN = 1 / 3;

async function calibrate({ options, config, progress, signal }: Input): Promise<Readonly<Record<string, unknown>>> {
  const folder = resolve(options.net);
  const words = readFileSync(join(folder, 'words.txt'), 'utf8').trim().split('\n');
  const labels = readLabels(options.labels === undefined ? new URL('data/label-words.txt', projectRoot()) : resolve(options.labels));
  const { labelled, leftOut } = await photosOf(options, labels, new Set(words));
  if (labelled.length === 0) throw new ServiceError('NOTHING_TO_DO', { reason: 'No photo has a label that is one of the words.' });
  const pool = openPool(config, { workers: 2 });
  try {
    const net = await openConvNet(folder, pool);
    const seen: { readonly fc8: Float32Array; readonly one: Labelled }[] = [];
    progress.start('look', labelled.length);
    for (let from = 0; from < labelled.length; from += AT_ONCE) {
      if (signal.aborted) throw new ServiceError('JOB_STOPPED');
      const part = labelled.slice(from, from + AT_ONCE);
      const found = await net.embed(part.map(({ image }) => image));
      found.forEach((one, i) => one.ok && seen.push({ fc8: one.fc8, one: part[i] }));
      progress.update(from + part.length);
    }
    progress.stop();
    const half = seededRandom(options.seed).shuffled(seen);
    const [fitted, judged] = [half.slice(0, half.length >> 1), half.slice(half.length >> 1)];
    const temperature = fitTemperature(
      fitted.map(
        ({ fc8, one }) =>
          (t: number) =>
            rightShare(fc8, words, t, one.right),
      ),
    );
    const top = (list: typeof seen, t: number): JudgedWord[] => list.map(({ fc8, one }) => topWord(fc8, words, t, one));
    const curve = fitCurve(top(fitted, temperature));
    const tops = top(judged, temperature).map((row) => ({ ...row, score: alongCurve(row.score, curve) }));
    const spoken = tops.filter(({ score }) => score >= SPOKEN);
    const receipt = {
      photos: seen.length,
      temperature,
      curve,
      judged: {
        photos: judged.length,
        right: shareRight(tops),
        error: expectedError(tops),
        errorOfSoftmax: expectedError(top(judged, 1)),
        spoken: round(spoken.length / tops.length),
        spokenRight: shareRight(spoken),
      },
      sets: Object.fromEntries([...new Set(tops.map(({ set }) => set))].map((set) => [set, ofSet(tops.filter((row) => row.set === set))])),
      leftOut,
    };
    if (options.write === true) write(folder, words, receipt);
    return receipt;
  } finally {
    await pool.close();
  }
}

const round = (value: number): number => Math.round(1000 * value) / 1000;
const shareRight = (rows: readonly JudgedWord[]): number => round(rows.filter(({ right }) => right).length / Math.max(1, rows.length));
const ofSet = (rows: readonly JudgedWord[]) => ({ photos: rows.length, right: shareRight(rows), error: expectedError(rows) });

function rightShare(fc8: Float32Array, words: readonly string[], temperature: number, right: ReadonlySet<string>): number {
  return wordScores(fc8, words, temperature).reduce((sum, { word, score }) => sum + (right.has(word) ? score : 0), 0);
}

function topWord(fc8: Float32Array, words: readonly string[], temperature: number, { right, set }: Labelled): JudgedWord {
  const [{ word, score }] = wordScores(fc8, words, temperature);
  return { set, score, right: right.has(word) };
}

function readLabels(file: string | URL): ReadonlyMap<string, readonly string[]> {
  const lines = readFileSync(file, 'utf8').split('\n');
  const rows = lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return new Map(
    rows.map((line): [string, string[]] => {
      const [label, list] = line.split(': ');
      return [label, list.split(', ')];
    }),
  );
}

/** Labelled photos and crops whose label has a word; the labels without one. */
async function photosOf(options: Input['options'], labels: ReadonlyMap<string, readonly string[]>, words: ReadonlySet<string>) {
  const leftOut = new Set<string>();
  const labelled: Labelled[] = [];
  const add = (set: string, label: string, image: ImageInput): void => {
    const name = label.toLowerCase();
    const right = (labels.get(name) ?? [name]).filter((word) => words.has(word));
    if (right.length > 0) labelled.push({ set, image, right: new Set(right) });
    else leftOut.add(name);
  };
  for (const set of options.images ?? [])
    for (const { file, label } of folderImages(resolve(set))) add(set, label, { bytes: readFileSync(file) });
  for (const set of options.objects ?? [])
    for (const image of readTrueObjects(resolve(set))) {
      const bytes = readFileSync(image.file);
      const { width, height } = await measureImage(bytes);
      for (const { label, box } of objectsInPixels(image, width, height)) {
        const [x1, y1, x2, y2] = box;
        if (x2 - x1 < SIDE_MIN_PX || y2 - y1 < SIDE_MIN_PX) continue;
        add(set, label, { bytes, box });
      }
    }
  return { labelled, leftOut: [...leftOut].sort() };
}

/** Words and confidence stand behind the classes, which they describe. */
function write(folder: string, words: readonly string[], { temperature, curve, judged, photos }: Receipt): void {
  const file = join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const confidence = { temperature, curve, photos, judged };
  writeFileSync(file, `${JSON.stringify({ ...manifest, words, confidence }, null, 1)}\n`);
}
