/** How many images a second go from a JPEG file to a stored code? See the README beside this file. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../src/math/random.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { projectRoot } from '../../src/worker-url.ts';
import { flagsOf } from '../flags.ts';

const SHARED = 'shared/datasets/clothing-test';

export async function run({ argv }: { argv: readonly string[]; json: boolean }): Promise<Record<string, unknown>> {
  const shared = fileURLToPath(new URL(`../${SHARED}`, projectRoot()));
  const flags = flagsOf(argv, {
    net: fileURLToPath(new URL('data/nets/visual', projectRoot())),
    images: existsSync(shared) ? shared : '',
    count: 0,
    workers: [1, 2] as readonly number[],
    rounds: 3,
  });
  const { images: folder, workers, rounds } = flags;
  const net = resolve(flags.net);
  const count = flags.count || (folder === '' ? 200 : 400);
  const made = folder === '' ? await drawnPhotos(count) : null;
  try {
    const photos = photosIn(made ?? folder).slice(0, count);
    const list = join(mkdtempSync(join(tmpdir(), 'bench-list-')), 'photos.txt');
    writeFileSync(list, photos.join('\n'));
    const kinds = ['onnxruntime 1', 'tensors 1', 'sharp 1', 'files 1', ...workers.map((each) => `stored ${each}`)];
    const raw: Record<string, number[]> = Object.fromEntries(kinds.map((kind) => [kind, []]));
    for (let round = 0; round < rounds; round++) {
      for (const kind of round % 2 === 0 ? kinds : [...kinds].reverse()) raw[kind].push(contender(kind, net, list));
    }
    return { photos: photos.length, drawn: made !== null, ...figures(raw, workers), raw };
  } finally {
    if (made) rmSync(made, { recursive: true });
  }
}

/** The list goes by file: onnxruntime 1.30 overflows its stack on a command line of some ten thousand characters. */
function contender(kind: string, net: string, list: string): number {
  const [name, workers] = kind.split(' ');
  const script = fileURLToPath(new URL('./contenders.js', import.meta.url));
  const out = execFileSync(process.execPath, [script, name, net, workers, list], { encoding: 'utf8' });
  return Number(JSON.parse(out));
}

function figures(raw: Readonly<Record<string, readonly number[]>>, workers: readonly number[]): Record<string, unknown> {
  const median = (kind: string): number => [...raw[kind]].sort((a, b) => a - b)[raw[kind].length >> 1];
  const [onnxruntime, tensors, sharp, files] = ['onnxruntime 1', 'tensors 1', 'sharp 1', 'files 1'].map(median);
  const alone = 1 / (1 / sharp + 1 / onnxruntime);
  return {
    tensors: { ours: tensors, onnxruntime },
    tensorRatio: tensors / onnxruntime,
    files: { ours: files, sharp, onnxruntime, alone },
    fileRatio: files / alone,
    stored: Object.fromEntries(workers.map((count) => [`${count} worker${count === 1 ? '' : 's'}`, median(`stored ${count}`)])),
  };
}

function photosIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? photosIn(path) : /\.jpe?g$/i.test(entry.name) ? [path] : [];
  });
}

/** Drawings of 640 x 480 with enough in them to be decoded like photos. */
async function drawnPhotos(count: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-photos-'));
  const random = seededRandom(1);
  const colour = (): string => `rgb(${random.integer(256)},${random.integer(256)},${random.integer(256)})`;
  for (let i = 0; i < count; i++) {
    const discs = Array.from(
      { length: 120 },
      () => `<circle cx="${random.integer(640)}" cy="${random.integer(480)}" r="${random.integer(60)}" fill="${colour()}"/>`,
    );
    writeFileSync(
      join(folder, `${i}.jpg`),
      await drawSvg(`<svg xmlns="http://www.w3.org/2000/svg" width="640" height="480">${discs.join('')}</svg>`),
    );
  }
  return folder;
}
