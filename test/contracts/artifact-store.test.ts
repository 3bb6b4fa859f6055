import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import type { ArtifactStore } from '../../src/publication/artifact-store.ts';
import { openStore } from '../../src/publication/open-store.ts';
import { BUCKET, HAS_S3, NO_S3, startS3, type TestS3 } from '../../torture/s3-server.ts';
import { temporaryFolder } from '../world.ts';

let s3: TestS3;
beforeAll(async () => {
  if (HAS_S3) s3 = await startS3();
});
afterAll(() => s3?.remove());

let made = 0;
const implementations = [
  { name: 'a folder', there: true, place: () => join(temporaryFolder(), 'published') },
  { name: `a bucket${NO_S3}`, there: HAS_S3, place: () => `s3://${BUCKET}/a/b-${made++}` },
  { name: `a folder of a bucket that holds others${NO_S3}`, there: HAS_S3, place: () => `s3://${BUCKET}/a` },
];

describe.each(implementations)('what is published to $name', ({ there, place }) => {
  const store = (): ArtifactStore => openStore(place(), { config: readConfig(s3?.environment ?? {}), dataFolder: temporaryFolder() });

  it.skipIf(!there)('a small text is replaced as a whole; one that is not there is null', async () => {
    const to = store();
    expect(await to.read('CURRENT')).toBeNull();
    for (const text of ['{"version":"1"}', 'ä <&> "2"']) {
      await to.write('CURRENT', text);
      expect(String(await to.read('CURRENT'))).toBe(text);
    }
    await to.remove('CURRENT');
    expect(await to.read('CURRENT')).toBeNull();
  });

  it.skipIf(!there)('a block is put under its name, found under its folder, read to the bit and taken away', async () => {
    const to = store();
    for (const [name, bytes] of [
      ['blocks/a', Buffer.from([0, 1, 255, 13, 10])],
      ['blocks/b', Buffer.alloc(0)],
      ['versions/c.json', Buffer.from('{}')],
    ] as const) {
      await to.write(name, bytes);
      expect(await to.read(name)).toEqual(bytes);
    }
    expect([...(await to.names('blocks/'))].sort()).toEqual(['blocks/a', 'blocks/b']);
    expect(await to.names('nothing/')).toEqual([]);
    await to.remove('blocks/a');
    await to.remove('blocks/a');
    expect(await to.names('blocks/')).toEqual(['blocks/b']);
    expect(await to.read('blocks/a')).toBeNull();
    for (const name of ['blocks/b', 'versions/c.json']) await to.remove(name);
  });
});
