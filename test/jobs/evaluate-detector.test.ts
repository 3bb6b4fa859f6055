import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { importDetector } from '../../src/detection/import/import-detector.ts';
import { openProbe } from '../detection/probe-session.ts';
import { job } from '../../src/jobs/nets/evaluate-detector.ts';
import { SILENT } from '../../src/progress.ts';
import { sharedData } from '../shared-data.ts';

const coco = sharedData('datasets/coco-val128');
const net = sharedData('nets/fastestdet/FastestDet.onnx');
const fashion = sharedData('datasets/fashion-ccp/objects.jsonl');
const why = (there: unknown): string => (there ? '' : ' (skipped: the shared data is not beside the checkout)');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evaluate-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (options: Partial<Parameters<typeof job.run>[0]['options']>) =>
  job.run({
    options: { truth: '', ...options },
    args: [],
    config: readConfig({}, { data: folder }),
    dataFolder: folder,
    progress: SILENT,
    signal: new AbortController().signal,
  });

describe('evaluate-detector', () => {
  it.skipIf(!coco || !net)(`FastestDet reaches its known figure on coco-val128${why(coco && net)}`, async () => {
    const out = join(folder, 'fastestdet');
    await importDetector({ file: net as string, name: 'fastestdet', form: 'fastestdet', out, open: openProbe });
    const groups = join(folder, 'groups.yaml');
    writeFileSync(groups, 'people: [person]\nvehicles: [car, bus, truck, no such label]\n');
    const figures = await run({ net: [out], truth: coco as string, groups, sweeps: false });
    expect(figures.images).toBe(128);
    expect(figures.labelsPresent).toBe(73);
    expect(figures.map50).toBeGreaterThan(0.345 - 0.015);
    expect(figures.dominantAgreement).toBeGreaterThan(0.65);
    expect(figures.groups.map(({ group, labels }) => [group, labels.length])).toEqual([
      ['people', 1],
      ['vehicles', 3],
    ]);
  });

  it.skipIf(!fashion)(`the bundled detector is judged by the labels it knows${why(fashion)}`, async () => {
    const figures = (await run({ net: ['data/nets/detectors/fashion'], truth: fashion as string, limit: 24 })) as {
      map50: number;
      unmatched: { truth: Record<string, number> };
      sweeps: { proposals: unknown[] };
    };
    expect(figures.map50).toBeGreaterThan(0.3);
    expect(figures.sweeps.proposals).toHaveLength(6);
    expect(Object.values(figures.unmatched.truth).every((count) => count > 0)).toBe(true);
  });

  it('says so when there is nothing to judge', async () => {
    writeFileSync(join(folder, 'objects.jsonl'), '');
    await expect(run({ net: ['data/nets/detectors/fashion'], truth: join(folder, 'objects.jsonl') })).rejects.toMatchObject({
      code: 'NOTHING_TO_DO',
    });
    await expect(run({ net: [folder], truth: join(folder, 'absent') })).rejects.toMatchObject({
      code: 'CATALOG_FILE_UNREADABLE',
    });
  });
});
