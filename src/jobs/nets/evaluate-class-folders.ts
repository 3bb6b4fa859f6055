/** Photos in class folders, each asking all others: precision of whole photos against crops of what the detector saw. */
import { readFileSync } from 'node:fs';
import { dominantObject } from '../../detection/dominant-object.ts';
import { openDetectors, readDetectorSet, readUnited } from '../../detection/detector-set.ts';
import { ServiceError } from '../../errors.ts';
import { codeOf, fitBinarizer } from '../../features/binarize.ts';
import { openConvNet } from '../../features/convnet.ts';
import { hammingAt } from '../../math/bits.ts';
import { activationSample, type Figure, meanInterval } from '../../search/crop-evaluation.ts';
import type { Box } from '../../vision/box.ts';
import type { InferencePool } from '../../vision/inference-pool.ts';
import { activeNet } from '../../vision/net-folder.ts';
import type { JobInput } from '../job.ts';
import { folderImages } from './labelled-images.ts';

interface Figures {
  readonly p1: Figure;
  readonly p5: Figure;
  readonly p10: Figure;
}

interface ClassFigures {
  readonly photos: number;
  /** Photos in which the detector saw a dominant object; the others ask as a whole. */
  readonly cropped: number;
  readonly wholePhotos: Figures;
  readonly crops: Figures;
}

const AT_ONCE = 32;

export async function classFolders(folder: string, pool: InferencePool, { dataFolder, progress, signal }: JobInput): Promise<ClassFigures> {
  const photos = folderImages(folder);
  const detectors = openDetectors(readDetectorSet(dataFolder), pool);
  const net = await openConvNet(activeNet(dataFolder, 'visual'), pool);
  const rows: { label: string; whole: Float32Array; crop: Float32Array; cropped: boolean }[] = [];
  progress.start('describe photos', photos.length);
  for (let from = 0; from < photos.length; from += AT_ONCE) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    const part = photos.slice(from, from + AT_ONCE);
    const bytes = part.map(({ file }) => readFileSync(file));
    const found = await detectors.detect(bytes);
    const boxes = found.map((one): Box | null =>
      one.ok ? (dominantObject(readUnited(one.found.detections, detectors.set), one.found)?.box ?? null) : null,
    );
    const wholes = await net.embed(bytes.map((each) => ({ bytes: each })));
    const crops = await net.embed(bytes.map((each, i) => ({ bytes: each, ...(boxes[i] ? { box: boxes[i] } : {}) })));
    for (const [i, { label }] of part.entries()) {
      const [whole, crop] = [wholes[i], crops[i]];
      if (whole.ok && crop.ok) rows.push({ label, whole: whole.fc6, crop: crop.fc6, cropped: boxes[i] !== null });
    }
    progress.update(from + part.length);
  }
  progress.stop();
  const binarizer = fitBinarizer(net.features.rule, net.features.fc6Length, activationSample(rows.map((row) => row.whole)));
  const coded = (pick: 'whole' | 'crop') => figuresOf(rows.map((row) => ({ label: row.label, code: codeOf(binarizer, row[pick]) })));
  return { photos: rows.length, cropped: rows.filter((row) => row.cropped).length, wholePhotos: coded('whole'), crops: coded('crop') };
}

/** Each row asks all others. */
function figuresOf(rows: readonly { readonly label: string; readonly code: Uint32Array }[]): Figures {
  const shares: { photo: number; value: number }[][] = [[], [], []];
  for (const [photo, { label, code }] of rows.entries()) {
    const ranked = rows
      .map((row, at) => ({ at, same: row.label === label, distance: hammingAt(code, 0, row.code, 0, code.length) }))
      .filter(({ at }) => at !== photo)
      .sort((a, b) => a.distance - b.distance || a.at - b.at);
    for (const [i, k] of [1, 5, 10].entries()) shares[i].push({ photo, value: ranked.slice(0, k).filter(({ same }) => same).length / k });
  }
  const [p1, p5, p10] = shares.map((values) => meanInterval(values));
  return { p1, p5, p10 };
}
