import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { job as drawPhotos } from '../../lab/studies/draw-photos.ts';
import { SILENT } from '../../src/progress.ts';
import { temporaryFolder, testConfig } from '../world.ts';

// The README's quickstart named photos that nobody had.
test('draws what the README opens: twelve folders, with the photo that it asks about; what is there is left alone', async () => {
  const folder = join(temporaryFolder(), 'photos');
  const draw = () =>
    drawPhotos.run({
      args: [folder],
      options: { photos: 120, seed: 1 },
      config: testConfig(folder),
      dataFolder: folder,
      progress: SILENT,
      signal: new AbortController().signal,
    });
  expect(await draw()).toMatchObject({ photos: 120, drawn: 120, boards: 12 });
  expect(readdirSync(folder)).toHaveLength(12);
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const asked = [...readme.matchAll(/\/v1\/pins\/([^/]+\.jpg)\/related/g)].map(([, id]) => decodeURIComponent(id));
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.filter((path) => !existsSync(join(folder, path)))).toEqual([]);
  rmSync(join(folder, asked[0]));
  expect(await draw()).toMatchObject({ drawn: 1 });
}, 120_000);
