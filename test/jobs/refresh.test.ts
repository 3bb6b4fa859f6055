import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { job as refresh, type RefreshStep } from '../../src/jobs/catalog/refresh.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { runJob } from '../run-job.ts';
import { drawing, temporaryFolder, worldFolder } from '../world.ts';

describe('refresh', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await worldFolder();
  });

  const steps = async (options = {}): Promise<RefreshStep[]> => (await runJob(refresh, folder, options)).steps as RefreshStep[];
  const busy = (done: readonly RefreshStep[]): string[] => done.filter(({ did }) => !did.startsWith('nothing')).map(({ job }) => job);
  const upsert = (kind: 'pins' | 'saves', rows: readonly unknown[]): void => {
    const catalog = openCatalog(folder);
    upsertBatch(catalog, kind, rows, { now: Date.now(), folders: { images: join(folder, 'images'), data: folder } });
    catalog.close();
  };

  it('goes through extract, detect, index, build and group, and the second time finds nothing to do', async () => {
    const first = await steps();
    expect(first.map(({ job }) => job)).toEqual([
      'extract-features',
      'detect-objects',
      'index-objects',
      'build-candidates',
      'group-near-duplicates',
    ]);
    expect(busy(first)).toEqual(
      expect.arrayContaining(['extract-features', 'detect-objects', 'build-candidates', 'group-near-duplicates']),
    );
    expect(first[0].did).toMatch(/^12 images read/);
    expect(busy(await steps())).toEqual([]);
  }, 120_000);

  it('does what a save makes due, and what a new picture does', async () => {
    upsert('saves', [{ pinId: 'plant-6', boardId: 'plants of ann' }]);
    const saved = await steps({ objects: false });
    expect(saved.map(({ job }) => job)).toEqual(['extract-features', 'build-candidates', 'group-near-duplicates']);
    expect(saved.find(({ job }) => job === 'build-candidates')?.did).toBe('pins that share boards');
    expect(busy(saved)).toEqual(['build-candidates']);
    writeFileSync(join(folder, 'images', 'new.png'), await drawSvg(drawing('plant', 7), 'png'));
    upsert('pins', [{ id: 'new', image: 'new.png' }]);
    const pictured = await steps();
    expect(pictured[0].did).toMatch(/^1 image read/);
    expect(pictured.find(({ job }) => job === 'build-candidates')?.did).toBe('pins that look alike');
    expect(busy(await steps())).toEqual([]);
  }, 120_000);

  it('says that an empty catalog needs an import', async () => {
    await expect(runJob(refresh, temporaryFolder())).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
  });
});
