import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { drawnLogo } from '../../lab/studies/marks/drawn-logos.ts';
import { figuresOf, type JudgedScene } from '../../lab/studies/marks/mark-figures.ts';
import { job as judgeMarks } from '../../lab/studies/marks/judge-marks.ts';
import { decodeImage } from '../../src/vision/image-tensor.ts';
import { runJob } from '../run-job.ts';
import { sharedData } from '../shared-data.ts';
import { temporaryFolder } from '../world.ts';

const datasets = sharedData('datasets');

/** A photo of which both ways are `sureness` sure that it shows `label`. */
function scene(truth: string | null, label: string, sureness: number, fits: boolean): JudgedScene {
  const answer = { label, sureness, overlap: 1 };
  return { truth, isName: true, isCutOut: false, share: 0.2, side: 640, fits, answers: { verified: answer, codes: answer } };
}

test('the threshold is fitted on one half of the photos and judged on the other', () => {
  const strange = (fits: boolean) => Array.from({ length: 100 }, (_, i) => scene(null, 'a', i / 100, fits));
  const taught = [scene('a', 'a', 0.99, false), scene('a', 'b', 0.99, false), scene('a', 'a', 0.5, false), scene('a', 'a', 2, true)];
  const [{ verified }] = figuresOf([...strange(true), ...strange(false), ...taught]);
  // One of a hundred may pass: the surest has 0.99, the next 0.98.
  expect(verified.threshold).toBeCloseTo(0.98, 6);
  expect(verified.falseAccepts?.share).toBe(0.01);
  expect([verified.detected, verified.confused, verified.closedSet].map((one) => one?.share)).toEqual([0.333, 0.333, 0.667]);
});

test('logos have the colors of several palettes', async () => {
  const grounds = await Promise.all(
    Array.from({ length: 12 }, async (_, logo) => String((await decodeImage(await drawnLogo(logo))).working.data.subarray(0, 3))),
  );
  expect(new Set(grounds).size).toBeGreaterThan(3);
});

test.skipIf(datasets === null)(
  `judge-marks asks a photo for both halves of the logos, and goes on from what it kept${datasets ? '' : ' (skipped: no ../shared/datasets here)'}`,
  { timeout: 240_000 },
  async () => {
    const kept = join(temporaryFolder(), 'judged.jsonl');
    const options = { datasets: datasets!, photos: 8, compared: 20, seed: 1, workers: 1, kept };
    const first = await runJob(judgeMarks, temporaryFolder(), options);
    const lines = readFileSync(kept, 'utf8').trimEnd().split('\n');
    const photos = lines.map((line) => JSON.parse(line) as { photo: number; scenes: JudgedScene[] });
    expect(photos.map(({ photo }) => photo)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const { scenes } of photos) expect(scenes.filter(({ truth }) => truth !== null)).toHaveLength(1);
    // A photo that is kept is not asked again: its answer is taken as it stands. A line that a stop cut off is.
    const changed = photos[1].scenes.map((one) => ({
      ...one,
      answers: { ...one.answers, verified: { label: 'x', sureness: 99, overlap: 0 } },
    }));
    writeFileSync(kept, `${JSON.stringify({ ...photos[1], scenes: changed })}\n${lines[2].slice(0, 40)}`);
    const second = await runJob(judgeMarks, temporaryFolder(), options);
    expect(first.curve[7].falseAccepts?.share).toBe(0);
    expect(second.curve[7].falseAccepts?.share).toBe(0.125);
    expect(readFileSync(kept, 'utf8').trimEnd().split('\n')).toHaveLength(8);
  },
);
