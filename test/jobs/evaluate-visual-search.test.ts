import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { job } from '../../src/jobs/search/evaluate-visual-search.ts';
import { SILENT } from '../../src/progress.ts';
import { sharedData } from '../shared-data.ts';

const truth = sharedData('datasets/fashion-ccp/objects.jsonl');

it.skipIf(truth === null)(
  `measures crops, scenes and dots${truth === null ? ' (skipped: fashion-ccp is not beside the checkout)' : ''}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'search-'));
    const run = (options: Record<string, unknown>): Promise<object> =>
      job.run({
        options: { heldOut: 0.25, recall: 0.9, ...options } as Parameters<typeof job.run>[0]['options'],
        args: [],
        config: readConfig({}, { data: folder }),
        dataFolder: folder,
        progress: SILENT,
        signal: new AbortController().signal,
      });
    const receipt = (await run({ truth, limit: 24 })) as {
      precision: Record<'trueBoxes' | 'detectedBoxes', { p1: { value: number }; queries: number }>;
      dots: { table: unknown[] };
      objectToScene: { queries: number };
    };
    expect(receipt.precision.trueBoxes.queries).toBeGreaterThan(10);
    expect(receipt.precision.trueBoxes.p1.value).toBeGreaterThan(0.3);
    expect(receipt.objectToScene.queries).toBeGreaterThan(10);
    expect(receipt.dots.table.length).toBeGreaterThan(0);
    // Every label becomes another one: what detectors say is then wrong everywhere, and what boxes they meet is as right as before.
    const labels = [
      'shoe',
      'bag',
      'top',
      'outerwear',
      'pants',
      'eyewear',
      'dress',
      'belt',
      'skirt',
      'jewellery',
      'hat',
      'scarf',
      'shorts',
      'watch',
    ];
    const other = (label: string): string => (labels.includes(label) ? labels[(labels.indexOf(label) + 1) % labels.length] : label);
    const lines = readFileSync(truth as string, 'utf8')
      .split('\n')
      .filter(Boolean)
      .slice(0, 24);
    const renamed = lines.map((line) => JSON.parse(line) as { photo: string; objects: { label: string }[] });
    for (const photo of renamed) {
      photo.photo = relative(folder, join(dirname(truth as string), photo.photo));
      for (const object of photo.objects) object.label = other(object.label);
    }
    writeFileSync(join(folder, 'renamed.jsonl'), renamed.map((photo) => `${JSON.stringify(photo)}\n`).join(''));
    const turned = (await run({ truth: join(folder, 'renamed.jsonl') })) as typeof receipt;
    expect(receipt.precision.detectedBoxes.p1.value).toBeGreaterThan(0);
    expect(turned.precision).toEqual(receipt.precision);
    await expect(run({})).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
    rmSync(folder, { recursive: true });
  },
  180_000,
);
