import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { loadPinColumns } from '../../src/catalog/pins/pin-columns.ts';
import { type PinRecord, readPin } from '../../src/catalog/pins/records.ts';
import { readConfig } from '../../src/config.ts';
import { readDetectorSet } from '../../src/detection/detector-set.ts';
import { featureNetOf } from '../../src/features/convnet.ts';
import { netKeyOf } from '../../src/features/feature-store.ts';
import { job as detectObjects } from '../../src/jobs/nets/detect-objects.ts';
import { job as extractFeatures } from '../../src/jobs/nets/extract-features.ts';
import { job as indexObjects } from '../../src/jobs/search/index-objects.ts';
import type { Job } from '../../src/jobs/job.ts';
import { SILENT } from '../../src/progress.ts';
import { openObjectStore } from '../../src/search/object-store.ts';
import { ResidentObjects } from '../../src/search/resident-objects.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { activeNet } from '../../src/vision/net-folder.ts';
import { readNet } from '../../src/vision/net-manifest.ts';

let folder: string;

const shoe = (x: number, colour: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="240" height="240"><rect width="240" height="240" fill="#f4f1ea"/>
   <path d="M${x} 150 q10 -60 40 -60 q20 30 60 40 q30 8 30 40 h-130 z" fill="${colour}"/>
   <rect x="${x}" y="165" width="130" height="12" fill="#333"/></svg>`;

const run = (job: Job, options: Record<string, unknown> = {}) =>
  job.run({
    options: { workers: 1, ...options },
    args: [],
    config: readConfig({}, { data: folder }),
    dataFolder: folder,
    progress: SILENT,
    signal: new AbortController().signal,
  });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'index-'));
  mkdirSync(join(folder, 'images'));
  for (const [i, colour] of ['#a33', '#a33', '#338', '#383'].entries()) {
    writeFileSync(join(folder, 'images', `${i}.jpg`), await drawSvg(shoe(30 + 10 * i, colour)));
  }
  const catalog = openCatalog(folder);
  catalog.pins.upsert([0, 1, 2, 3].map((i) => readPin({ id: `p${i}`, image: `images/${i}.jpg` }, Date.now()) as PinRecord));
  catalog.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

it('names the job that comes first', async () => {
  await expect(run(indexObjects)).rejects.toThrow(/extract-features comes first/);
  await run(extractFeatures);
  await expect(run(indexObjects)).rejects.toThrow(/detect-objects comes first/);
});

it('indexes every object once, and an indexed crop finds its own scene', async () => {
  await run(detectObjects);
  const receipt = await run(indexObjects);
  expect(receipt).toMatchObject({ read: 4, written: 4, refused: 0 });
  expect(receipt.objects).toBeGreaterThan(0);
  expect(await run(indexObjects)).toMatchObject({ written: 0, unchanged: 4 });
  expect(await run(indexObjects, { anew: true })).toMatchObject({ written: 4, objects: receipt.objects });

  const net = featureNetOf(readNet(activeNet(folder, 'visual')));
  const store = openObjectStore(folder, netKeyOf(net), readDetectorSet(folder).digest);
  const row = [...store.all()].find(({ objects }) => objects.length > 0);
  expect(row).toBeDefined();
  const { pinIndex, objects } = row as NonNullable<typeof row>;
  expect(store.read(pinIndex)).toEqual(row);
  expect(objects[0].signals.visual).toBeGreaterThan(0);
  const catalog = openCatalog(folder);
  const columns = loadPinColumns(catalog);
  const resident = new ResidentObjects(store, objects[0].code.length * 32);
  expect(resident.refresh()).toBe(false);
  const { index } = resident;
  expect(index.count).toBe(receipt.objects);
  expect(index.scenes({ code: objects[0].code, pinIndex: -1 }, 5, columns)[0]).toMatchObject({
    distance: 0,
    label: objects[0].label,
  });
  catalog.removals.removePins([pinIndex], Date.now());
  catalog.close();
  expect(await run(indexObjects)).toMatchObject({ written: 0, removed: 1 });
  resident.refresh();
  expect(index.count).toBe(Number(receipt.objects) - objects.length);
  store.close();
});

/** The stored rows. */
function openRows() {
  const net = featureNetOf(readNet(activeNet(folder, 'visual')));
  return openObjectStore(folder, netKeyOf(net), readDetectorSet(folder).digest);
}

// An empty row was kept as final and counted nowhere: the picture's objects were never searched by.
it('comes back to a picture that was away, and says so', async () => {
  const store = openRows();
  const found = [...store.all()].find(({ objects }) => objects.length > 0);
  const [image, away] = ['late.jpg', 'away.jpg'].map((name) => join(folder, 'images', name));
  copyFileSync(join(folder, 'images', `${found?.pinIndex}.jpg`), image);
  const catalog = openCatalog(folder);
  catalog.pins.upsert([readPin({ id: 'late', image: 'images/late.jpg' }, Date.now()) as PinRecord]);
  const pinIndex = catalog.pins.indexOf('late');
  catalog.close();
  await run(extractFeatures);
  await run(detectObjects);
  renameSync(image, away);
  const without = await run(indexObjects);
  expect(without).toMatchObject({ written: 0, unread: 1 });
  expect(without.refused).toBeGreaterThan(0);
  expect(store.read(pinIndex)?.objects).toEqual([]);
  renameSync(away, image);
  expect(await run(indexObjects)).toMatchObject({ written: 1, unread: 0, objects: without.refused, refused: 0 });
  expect(store.read(pinIndex)?.objects).toHaveLength(Number(without.refused));
  store.close();
});

it('describes again, when told to, the objects of a row that lacks some', async () => {
  const store = openRows();
  const row = [...store.all()].find(({ objects }) => objects.length > 0);
  if (!row) throw new TypeError('expected a picture with objects');
  // As it was left by a net that refused the crop, and by earlier versions where the picture was away.
  store.put([{ ...row, objects: [] }]);
  expect(await run(indexObjects)).toMatchObject({ written: 0, unread: 0 });
  expect(await run(indexObjects, { retryFailed: true })).toMatchObject({ written: 1, objects: row.objects.length });
  expect(store.read(row.pinIndex)?.objects.map(({ code }) => code)).toEqual(row.objects.map(({ code }) => code));
  store.close();
});
