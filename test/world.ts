/**
 * The two-taste world: a dozen pins, half of them plants, half of them tattoos; boards are pure, so the right answer is
 * visible by eye: next to a plant belong plants. `plant-6` and `tattoo-6` are on no board: only image and words speak for them.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { buildCooccurrence } from '../src/candidates/list-builds.ts';
import { DEFAULT_COOCCURRENCE } from '../src/candidates/cooccurrence/board-cooccurrence.ts';
import { openCatalog } from '../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../src/catalog/pins/upsert.ts';
import { type Config, readConfig } from '../src/config.ts';
import { SILENT } from '../src/progress.ts';
import { drawSvg } from '../src/vision/image-tensor.ts';

export type Taste = 'plant' | 'tattoo';
export const TASTES: readonly Taste[] = ['plant', 'tattoo'];
const CATEGORY: Record<Taste, string> = { plant: 'gardening', tattoo: 'tattoos' };

export const tasteOf = (pinId: string): Taste => pinId.split('-')[0] as Taste;

export interface TwoTasteWorld {
  readonly pins: readonly Record<string, unknown>[];
  readonly boards: readonly Record<string, unknown>[];
  readonly saves: readonly Record<string, unknown>[];
}

/** The records as they would be imported. */
export function twoTasteWorld(): TwoTasteWorld {
  const pins = TASTES.flatMap((taste) =>
    [1, 2, 3, 4, 5, 6].map((n) => ({
      id: `${taste}-${n}`,
      image: `${taste}-${n}.png`,
      title: `${taste} number ${n}`,
      annotations: { [taste]: 1, [`${taste} ${n % 2 ? 'small' : 'large'}`]: 0.5 },
      link: `https://${taste}.example/${n}`,
      buyable: n % 2 === 0,
      createdAt: Date.UTC(2026, 0, n),
    })),
  );
  const boards = TASTES.flatMap((taste) =>
    ['ann', 'bob', 'cleo'].map((user) => ({
      id: `${taste}s of ${user}`,
      title: `my ${taste}s`,
      ownerId: `${user}-${taste}`,
      category: CATEGORY[taste],
    })),
  );
  const saves = TASTES.flatMap((taste) =>
    ['ann', 'bob', 'cleo'].flatMap((user, u) =>
      [1, 2, 3, 4, 5]
        .filter((n) => n % 3 !== u)
        .map((n) => ({ pinId: `${taste}-${n}`, boardId: `${taste}s of ${user}`, at: Date.UTC(2026, 1, n) })),
    ),
  );
  return { pins, boards, saves };
}

/** Leaves in greens, or lines in black: different for every pin, alike within a taste. */
export function drawing(taste: Taste, n: number): string {
  const shapes = Array.from({ length: 6 + n }, (_, i) => {
    const x = 20 + ((i * 37 + n * 11) % 88);
    const y = 20 + ((i * 53 + n * 7) % 88);
    return taste === 'plant'
      ? `<ellipse cx="${x}" cy="${y}" rx="${9 + n}" ry="5" fill="hsl(${100 + 4 * n},60%,${30 + 3 * i}%)" transform="rotate(${i * 40} ${x} ${y})"/>`
      : `<path d="M${x} ${y} l${6 + n} 14 l-12 3 z" fill="none" stroke="#111" stroke-width="2"/>`;
  });
  const ground = taste === 'plant' ? '#eaf5e0' : '#f3d9c4';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="128" height="128"><rect width="128" height="128" fill="${ground}"/>${shapes.join('')}</svg>`;
}

/** Draws every pin's picture into a folder. */
export async function drawWorld(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const taste of TASTES) {
    for (let n = 1; n <= 6; n++) writeFileSync(join(folder, `${taste}-${n}.png`), await drawSvg(drawing(taste, n), 'png'));
  }
}

const folders: string[] = [];
// Here and not where a folder is made: that may be inside a hook, where the runner takes no other hook any more.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** A fresh folder, removed after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-'));
  folders.push(folder);
  return folder;
}

/** Settings for tests: nothing shuffled, nothing printed, commits at once. */
export function testConfig(dataFolder: string, more: Partial<Config> = {}): Config {
  const quiet = { logLevel: 'silent', shuffledShare: 0, groupCommitMs: 2, port: 0 } as const;
  return readConfig({}, { ...quiet, data: dataFolder, ...more });
}

/** A data folder that holds the two-taste world with its candidate lists. */
export async function worldFolder(more: Partial<TwoTasteWorld> = {}): Promise<string> {
  const folder = temporaryFolder();
  const world = { ...twoTasteWorld(), ...more };
  await drawWorld(join(folder, 'images'));
  const catalog = openCatalog(folder);
  const options = { now: Date.UTC(2026, 2, 1), folders: { images: join(folder, 'images'), data: folder } };
  for (const kind of ['pins', 'boards', 'saves'] as const) upsertBatch(catalog, kind, world[kind], options);
  const setting = { artifacts: join(folder, 'artifacts'), threads: 1, progress: SILENT, signal: new AbortController().signal };
  await buildCooccurrence(catalog, DEFAULT_COOCCURRENCE, setting);
  catalog.close();
  return folder;
}
