import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    const run = (options: Record<string, unknown>) =>
      job.run({
        options: { heldOut: 0.25, recall: 0.9, ...options },
        args: [],
        config: readConfig({}, { data: folder }),
        dataFolder: folder,
        progress: SILENT,
        signal: new AbortController().signal,
      });
    const receipt = (await run({ truth, limit: 24 })) as {
      precision: { trueBoxes: { p1: { value: number }; queries: number } };
      dots: { table: unknown[] };
      objectToScene: { queries: number };
    };
    expect(receipt.precision.trueBoxes.queries).toBeGreaterThan(10);
    expect(receipt.precision.trueBoxes.p1.value).toBeGreaterThan(0.3);
    expect(receipt.objectToScene.queries).toBeGreaterThan(10);
    expect(receipt.dots.table.length).toBeGreaterThan(0);
    await expect(run({})).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
    rmSync(folder, { recursive: true });
  },
);
