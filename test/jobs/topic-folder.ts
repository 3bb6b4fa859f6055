import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { temporaryFolder } from '../world.ts';

/** Sixty boards of five pins of one of six topics. */
export function topicFolder(): string {
  const folder = temporaryFolder();
  const catalog = openCatalog(folder);
  const options = { now: Date.UTC(2026, 2, 1), folders: { images: folder, data: folder } };
  const pins = Array.from({ length: 60 }, (_, i) => ({ id: `p${i}`, title: `pin ${i}` }));
  const boards = Array.from({ length: 60 }, (_, b) => ({ id: `b${b}`, ownerId: `u${b}` }));
  const saves = boards.flatMap(({ id }, b) =>
    [0, 1, 2, 3, 4].map((n) => ({ boardId: id, pinId: `p${(b % 6) * 10 + ((Math.floor(b / 6) + 2 * n) % 10)}`, at: Date.UTC(2026, 1, 1) })),
  );
  for (const [kind, rows] of [
    ['pins', pins],
    ['boards', boards],
    ['saves', saves],
  ] as const)
    upsertBatch(catalog, kind, rows, options);
  catalog.close();
  return folder;
}
