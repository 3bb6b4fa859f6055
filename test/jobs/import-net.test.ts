import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { job } from '../../src/jobs/nets/import-net.ts';
import type { RECOMMENDED_NETS } from '../../src/jobs/nets/recommended-nets.ts';
import { SILENT } from '../../src/progress.ts';
import { fasterRcnn, ssd, yolo } from '../detection/detector-graphs.ts';
import { FAMILIES } from '../vision/family-graphs.ts';
import { GraphWriter } from '../vision/onnx-writer.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'import-net-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Imports a graph by the job, as the command line would call it. */
function run(bytes: Uint8Array, options: Record<string, unknown> = {}) {
  const file = join(folder, 'model.onnx');
  writeFileSync(file, bytes);
  return job.run({
    options: { name: 'mine', out: join(folder, 'net'), ...options },
    args: [file],
    config: readConfig({}, { data: folder }),
    dataFolder: folder,
    progress: SILENT,
    signal: new AbortController().signal,
  });
}

describe('import-net', () => {
  it('tells classifiers and detectors apart', async () => {
    expect(await run(FAMILIES['ResNet, torchvision'].make().bytes)).toMatchObject({ kind: 'classifier' });
    expect(await run(ssd().finish(), { out: join(folder, 'ssd') })).toMatchObject({ kind: 'detector', form: 'ssd' });
    expect(await run(fasterRcnn({ finds: true }).finish(), { out: join(folder, 'rcnn') })).toMatchObject({ form: 'faster-rcnn' });
  });

  it('what is neither is refused with both reasons', async () => {
    const g = new GraphWriter();
    g.output(g.node('Relu', [g.input('x', ['n', 3, 8, 8])], {}, 'y'), ['n', 3, 8, 8]);
    await expect(run(g.finish())).rejects.toMatchObject({
      code: 'NET_REFUSED',
      message: expect.stringMatching(
        /as a detector: its outputs \(y \[.*any form known.*; as a classifier: none of its outputs is a class/,
      ),
    });
    writeFileSync(join(folder, 'labels.txt'), 'shoe\n');
    await expect(run(yolo().finish(), { labels: join(folder, 'labels.txt') })).rejects.toThrow(/as a detector: .*names 1 label,.*have 2;/);
  });

  it('passes on what only detectors have, and the side', async () => {
    const receipt = await run(yolo().finish(), { side: 320, proposals: 100, objectnessMin: 0.1 });
    expect(receipt).toMatchObject({ input: { width: 320, height: 320 }, proposals: 100, objectnessMin: 0.1 });
    const numbered = await run(ssd().finish(), { firstLabel: 1, out: join(folder, 'ssd') });
    expect(numbered).toMatchObject({ outputs: { labels: { firstLabel: 1 } } });
  });

  it('a folder that holds another net is left alone, and the way out is said', async () => {
    await run(yolo().finish());
    await expect(run(ssd().finish())).rejects.toMatchObject({ code: 'JOB_USAGE', message: expect.stringContaining('--replace') });
    await expect(run(FAMILIES['ResNet, torchvision'].make().bytes)).rejects.toMatchObject({ code: 'JOB_USAGE' });
    expect(await run(ssd().finish(), { replace: true })).toMatchObject({ form: 'ssd' });
    expect(existsSync(join(folder, 'net', 'manifest.json'))).toBe(true);
  });

  it('the forms that --form takes stand in its help', () => {
    const help = job.options.find(({ flag }) => flag.startsWith('--form'))?.meaning;
    expect(help).toContain('tensorflow, ssd, faster-rcnn, fastestdet, nanodet, detr, yolo');
  });

  const runAs = (args: readonly string[], options: Record<string, unknown>) =>
    job.run({
      options,
      args,
      config: readConfig({}, { data: folder }),
      dataFolder: folder,
      progress: SILENT,
      signal: new AbortController().signal,
    });

  it('lists nets that are worth a try, each with what a person must know', async () => {
    const { nets } = (await runAs([], { list: true })) as { nets: typeof RECOMMENDED_NETS };
    const told = job.describe?.({ nets }) ?? [];
    const page = readFileSync(new URL('../../docs/NETS.md', import.meta.url), 'utf8');
    for (const { name, licence, source, get, sha256 } of nets) {
      const text = told.join('\n');
      for (const part of [name, licence, source, sha256 ?? 'not known', `import-net ${name} --file FILE`, ...get])
        expect(text).toContain(part);
      expect(page).toContain(`\`${name}\``);
    }
  });

  it('takes a net of the list by its name, and no other file under it', async () => {
    const file = join(folder, 'any.onnx');
    writeFileSync(file, FAMILIES['ResNet, torchvision'].make().bytes);
    const receipt = await runAs(['clip-vit-b32'], { file });
    expect(receipt).toMatchObject({ kind: 'classifier', name: 'clip-vit-b32', licence: 'MIT' });
    expect(existsSync(join(folder, 'nets', 'clip-vit-b32', 'net.onnx'))).toBe(true);
    await expect(runAs(['fastestdet'], { file })).rejects.toThrow(
      /has the digest [0-9a-f]{12}..., the file that was tried has 31cb14c017fc/,
    );
    await expect(runAs(['fastestdet'], { file: join(folder, 'none.onnx') })).rejects.toThrow(/there is no file/);
    await expect(runAs(['no-such'], { file })).rejects.toMatchObject({ code: 'JOB_USAGE' });
    await expect(runAs([file], {})).rejects.toThrow(/needs --name and --out/);
    await expect(runAs([], {})).rejects.toThrow(/needs an ONNX file, or --list/);
  });
});
