import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openContext } from '../../src/service/context.ts';
import { job as extractFeatures } from '../../src/jobs/nets/extract-features.ts';
import type { Job } from '../../src/jobs/job.ts';
import { job as rollBackNet } from '../../src/jobs/nets/roll-back-net.ts';
import { job as switchNet } from '../../src/jobs/nets/switch-net.ts';
import { SILENT } from '../../src/progress.ts';
import { eyesLine, keepFormerNet } from '../../src/service/eyes.ts';
import { activeNet, namedNet, netSwitches } from '../../src/vision/net-folder.ts';
import { readNet } from '../../src/vision/net-manifest.ts';
import { temporaryFolder, testConfig, worldFolder } from '../world.ts';

function run(job: Job, dataFolder: string, options: Record<string, unknown> = {}, ...args: string[]) {
  const signal = new AbortController().signal;
  return job.run({ options: { workers: 1, ...options }, args, config: testConfig(dataFolder), dataFolder, progress: SILENT, signal });
}

const nameOf = (dataFolder: string): string => readNet(activeNet(dataFolder, 'visual')).manifest.name;

describe('the net of an earlier version', () => {
  /** As the earlier version left it: features of the net that shipped then, and nothing that names a net. */
  let former: string;
  beforeAll(async () => {
    former = await worldFolder();
    await run(extractFeatures, former, { net: 'visual-1' });
  }, 60_000);

  const copyOf = (folder: string): string => {
    const copy = temporaryFolder();
    cpSync(folder, copy, { recursive: true });
    return copy;
  };

  it('goes on serving its data folder, and the way to the new one is said', async () => {
    const folder = copyOf(former);
    const context = await openContext(testConfig(folder), folder, { lock: true });
    try {
      await context.refresh();
      expect(context.degraded).toEqual([]);
      expect(context.visual?.image.bits).toBe(1024);
    } finally {
      await context.close();
    }
    expect(nameOf(folder)).toBe('related-pins-visual-1');
    expect(eyesLine(folder)).toMatch(
      /earlier version; to move to related-pins-visual-2: extract-features --net bundled.*switch-net bundled/,
    );
  });

  it('is left by switch-net, and there is a way back', async () => {
    const folder = copyOf(former);
    keepFormerNet(folder);
    await run(extractFeatures, folder, { net: 'bundled' });
    keepFormerNet(folder);
    expect(nameOf(folder)).toBe('related-pins-visual-1');
    await run(switchNet, folder, { why: 'better eyes' }, 'bundled');
    expect(nameOf(folder)).toBe('related-pins-visual-2');
    expect(eyesLine(folder)).toMatch(/related-pins-visual-2, the net that ships/);
    await run(rollBackNet, folder, { why: 'back' });
    expect(nameOf(folder)).toBe('related-pins-visual-1');
  });

  it('is not taken where the folder began with the new one, or has no features', async () => {
    const [fresh, empty] = [await worldFolder(), temporaryFolder()];
    await run(extractFeatures, fresh);
    await run(extractFeatures, fresh, { net: 'visual-1' });
    for (const folder of [fresh, empty]) {
      keepFormerNet(folder);
      expect(netSwitches(folder)).toEqual([]);
      expect(nameOf(folder)).toBe('related-pins-visual-2');
    }
    expect(existsSync(join(empty, 'features.sqlite'))).toBe(false);
    expect(namedNet(empty, 'no-such-net')).toBe(join(empty, 'nets', 'no-such-net'));
  });
});
