import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OutputTensor } from '../../src/detection/forms/output-form.ts';
import { cocoLabels, importDetector, type ProbeSession } from '../../src/detection/import/import-detector.ts';
import { openProbe } from './probe-session.ts';
import { type NetManifest, readNet } from '../../src/vision/net-manifest.ts';
import { openNetSession, shapeOf } from '../../src/vision/onnx-session.ts';
import { probePicture } from '../../src/vision/import/probe-picture.ts';
import { GraphWriter } from '../vision/onnx-writer.ts';
import { detr, fasterRcnn, ssd, yolo } from './detector-graphs.ts';

/** For sessions that answer by themselves: a graph that nobody runs. */
const GRAPH = new GraphWriter().finish();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'import-'));
  writeFileSync(join(folder, 'given.onnx'), GRAPH);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A session that answers every picture with the same outputs; the graph's own arithmetic is not under test here. */
const answering = (outputs: readonly OutputTensor[], dims: readonly (number | string)[] = [1, 3, 32, 32]) => ({
  open: async (): Promise<ProbeSession> => ({
    inputs: [{ name: 'image', dims, type: 'float32' }],
    run: async () => outputs,
    close() {},
  }),
});
const lists = [
  { name: 'boxes', dims: [1, 2, 4], data: [0, 0, 0.5, 0.5, 0.1, 0.1, 0.2, 0.2] },
  { name: 'labels', dims: [1, 2], data: [1, 0] },
  { name: 'scores', dims: [1, 2], data: [0.9, 0.1] },
];
const request = () => ({ file: join(folder, 'given.onnx'), name: 'mine', out: join(folder, 'net') });

describe('importDetector', () => {
  it('writes a net that can be read back', async () => {
    writeFileSync(join(folder, 'labels.txt'), 'shoe\nhat\n');
    const manifest = await importDetector({
      ...request(),
      ...answering(lists),
      labelsFile: join(folder, 'labels.txt'),
    });
    expect(manifest.form).toBe('ssd');
    expect(readNet(join(folder, 'net')).manifest).toEqual(manifest);
    expect(manifest.labels).toEqual(['shoe', 'hat']);
    expect(readFileSync(join(folder, 'net', 'net.onnx'))).toEqual(Buffer.from(GRAPH));
    expect(readdirSync(join(folder, 'net')).sort()).toEqual(['manifest.json', 'net.onnx']);
  });

  it('numbers labels it cannot name and says so', async () => {
    const manifest = await importDetector({ ...request(), ...answering(lists) });
    expect(manifest.labels?.[1]).toBe('label 1');
    expect((manifest.notes as string[]).join()).toMatch(/--labels FILE/);
  });

  it('takes the side of the family where the graph leaves it free, and what a flag says above all', async () => {
    const free = answering(lists, ['batch', 3, 'height', 'width']);
    const manifest = await importDetector({ ...request(), ...free, input: { channels: 'BGR', width: 64 } });
    expect(manifest.input).toMatchObject({ width: 64, height: 300, channels: 'BGR', batch: 'free' });
  });

  it('brings COCO’s names to 80 labels', async () => {
    const cells = new Float32Array(85 * 16).fill(0.1);
    const outputs = [{ name: 'o', dims: [1, 85, 4, 4], data: cells }];
    const manifest = await importDetector({ ...request(), ...answering(outputs), form: 'fastestdet' });
    expect(manifest.labels).toEqual(cocoLabels());
    expect(manifest.labels).toHaveLength(80);
    expect(manifest.input.channels).toBe('BGR');
  });

  it.each([
    ['outputs of no form', [{ name: 'x', dims: [1, 7], data: new Float32Array(7) }], undefined, /x \[1, 7\].*any form known/],
    ['outputs of another form than said', lists, 'nanodet', /not those of nanodet/],
    ['a form that does not exist', lists, 'retina', /no output form retina/],
  ])('refuses %s and leaves no manifest', async (_, outputs, form, reason) => {
    await expect(importDetector({ ...request(), ...answering(outputs), form })).rejects.toThrow(reason);
    expect(existsSync(join(folder, 'net', 'manifest.json'))).toBe(false);
  });

  it('refuses a label file of the wrong length, a missing file, and a graph that takes more than an image', async () => {
    writeFileSync(join(folder, 'labels.txt'), 'shoe\n');
    const cells = [{ name: 'o', dims: [1, 85, 4, 4], data: new Float32Array(85 * 16).fill(0.1) }];
    const labelsFile = join(folder, 'labels.txt');
    await expect(importDetector({ ...request(), ...answering(cells), labelsFile })).rejects.toThrow(/1 label,.*have 80/);
    await expect(importDetector({ ...request(), ...answering(lists), file: 'absent' })).rejects.toThrow(/no file absent/);
    await expect(importDetector({ ...request(), ...answering(lists, [1, 10]) })).rejects.toThrow(/one image and nothing else/);
  });
});

/** Writes a graph (and its weights) as a stranger's download and imports it. */
async function imported(graph: GraphWriter, more: Partial<Parameters<typeof importDetector>[0]> = {}) {
  const from = join(folder, 'from');
  mkdirSync(from, { recursive: true });
  const file = join(from, 'model.onnx');
  writeFileSync(file, graph.finish());
  for (const [name, data] of graph.external) writeFileSync(join(from, name), data);
  return importDetector({ file, name: 'mine', out: join(folder, 'net'), open: openProbe, ...more });
}
const notesOf = (manifest: NetManifest): string => (manifest.notes as string[]).join('\n');
const labelsFile = (...names: string[]): string => {
  writeFileSync(join(folder, 'labels.txt'), `${names.join('\n')}\n`);
  return join(folder, 'labels.txt');
};

describe('small detectors of stock forms', () => {
  it('boxes of a net that finds nothing in the test pictures are in the unit usual for its form, and that is said', async () => {
    const manifest = await imported(fasterRcnn({ finds: false }));
    expect(manifest).toMatchObject({
      form: 'faster-rcnn',
      outputs: { boxes: { format: expect.stringContaining('pixels of the 640 x 640') } },
    });
    expect(notesOf(manifest)).toMatch(/nothing was found .*taken to be pixels.*if they are fractions.*boxes in manifest/);
    expect(notesOf(await imported(fasterRcnn({ finds: true }), { replace: true }))).not.toContain('nothing was found');
  });

  it('asks further pictures when the first shows nothing', async () => {
    const blank = [
      { name: 'boxes', dims: [0, 4], data: new Float32Array(0) },
      { name: 'labels', dims: [0], data: new BigInt64Array(0) },
      { name: 'scores', dims: [0], data: new Float32Array(0) },
    ];
    const full = [
      { name: 'boxes', dims: [1, 4], data: [3, 3, 16, 28] },
      { name: 'labels', dims: [1], data: BigInt64Array.from([1n]) },
      { name: 'scores', dims: [1], data: [0.8] },
    ];
    let runs = 0;
    const session = await answering(blank).open();
    const open = async (): Promise<ProbeSession> => ({ ...session, run: async () => (runs++ % 2 === 0 ? blank : full) });
    const manifest = await importDetector({ ...request(), open });
    expect(manifest.outputs.boxes.format).toBe('x1 y1 x2 y2, pixels of the 32 x 32 input');
    expect(notesOf(manifest)).not.toContain('nothing was found');
  });

  it('a label file that begins with the background is read without it, from number 1', async () => {
    const manifest = await imported(ssd(), { labelsFile: labelsFile('__background__', 'shoe', 'hat') });
    expect(manifest).toMatchObject({ labels: ['shoe', 'hat'], outputs: { labels: { firstLabel: 1 } } });
    expect(notesOf(manifest)).not.toContain('--first-label');
    const scores = [
      { name: 'boxes', dims: [1, 2, 4], data: [0, 0, 1, 1, 0, 0, 0.5, 0.5] },
      { name: 'scores', dims: [1, 2, 3], data: [0.1, 0.9, 0, 0.2, 0.3, 0.5] },
    ];
    const matrix = { ...request(), ...answering(scores), out: join(folder, 'matrix') };
    expect(await importDetector({ ...matrix, labelsFile: labelsFile('background', 'shoe', 'hat') })).toMatchObject({
      labels: ['shoe', 'hat'],
      outputs: { scores: { firstLabel: 1 } },
    });
  });

  it('else the number of the first label is an assumption that is said, and a flag decides', async () => {
    const names = { labelsFile: labelsFile('shoe', 'hat') };
    const assumed = await imported(ssd(), names);
    expect(assumed.outputs.labels.firstLabel).toBe(0);
    expect(notesOf(assumed)).toMatch(/begin at 0, as is usual for ssd; say --first-label N/);
    const said = await imported(ssd(), { ...names, firstLabel: 1 });
    expect(said).toMatchObject({ labels: ['shoe', 'hat'], outputs: { labels: { firstLabel: 1 } } });
    expect(notesOf(said)).not.toContain('--first-label');
    expect((await imported(ssd(), { firstLabel: 1 })).labels?.slice(0, 2)).toEqual(['label 1', 'label 2']);
    await expect(imported(yolo(), { firstLabel: 1, out: join(folder, 'yolo') })).rejects.toThrow(/yolo has no label numbers/);
  });

  it('a graph that takes any size gets the side of the form it turns out to have, and the size is said', async () => {
    const manifest = await imported(detr());
    expect(manifest).toMatchObject({ form: 'detr', input: { width: 800, height: 800, resize: 'stretch-bilinear' } });
    expect(notesOf(manifest)).toMatch(/any size; 800 x 800 was taken: say --side N/);
    expect((await imported(detr(), { side: 480 })).input).toMatchObject({ width: 480, height: 480 });
  });

  it('a graph that fails at one side is tried at others', async () => {
    const manifest = await imported(yolo());
    expect(manifest).toMatchObject({ form: 'yolo', input: { width: 640, height: 640 }, outputs: { predictions: { tensor: 'output' } } });
    expect(manifest.outputs.predictions.format).toMatch(/^v5, pixels of the 640 x 640/);
    await expect(imported(yolo(), { side: 300 })).rejects.toThrow(/fails on plain pictures of 300 x 300:/);
    expect(notesOf(await imported(ssd(), { side: 300, replace: true }))).toMatch(/takes 64 x 64 only: --side was not used/);
  });

  it('YOLOv5 that lists its maps too is read by its predictions', async () => {
    const manifest = await imported(yolo({ maps: true }));
    expect(manifest).toMatchObject({ form: 'yolo', outputs: { predictions: { tensor: 'output' } } });
  });

  it.each(['weights.bin', 'model.onnx_data', 'model.onnx.data'])(
    'weights in %s travel with the net and count in its digest',
    async (file) => {
      const { externalData, sha256 } = await imported(ssd({ file }));
      expect(externalData).toEqual([{ file, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
      const net = readNet(join(folder, 'net'));
      expect(net.digest).not.toBe(sha256);
      const session = await openNetSession(net, { provider: 'cpu' });
      expect(await session.run(probePicture(net.manifest.input), shapeOf(net.manifest.input, 1))).toHaveLength(3);
      await session.close();
      writeFileSync(join(folder, 'net', file), 'other weights');
      expect(() => readNet(join(folder, 'net'))).toThrow(/has the digest/);
      rmSync(join(folder, 'from', file));
      const graph = join(folder, 'from', 'model.onnx');
      await expect(importDetector({ ...request(), ...answering(lists), file: graph })).rejects.toThrow(/should be in .*which is not there/);
    },
  );

  it('bytes go in as they are, whatever the form usually wants', async () => {
    const bytes = ssd({ input: [1, 64, 64, 3], type: 2 });
    expect((await imported(bytes)).input).toMatchObject({ type: 'uint8', layout: 'NHWC', scale: 1, mean: [0, 0, 0] });
    await expect(imported(bytes, { input: { scale: 1 / 255 } })).rejects.toThrow(/type uint8.*--preprocess zero-to-255/);
  });

  it('writes how many boxes enter suppression and what objectness they need, where they have one', async () => {
    expect(await imported(yolo(), { proposals: 100, objectnessMin: 0.2 })).toMatchObject({ proposals: 100, objectnessMin: 0.2 });
    await expect(imported(ssd(), { objectnessMin: 0.2, replace: true })).rejects.toThrow(/ssd has no objectness/);
  });

  it('leaves another net in the folder alone unless told to replace it', async () => {
    const first = await imported(yolo());
    await expect(imported(detr())).rejects.toMatchObject({
      code: 'JOB_USAGE',
      message: expect.stringMatching(/holds the net mine \(.*another --out, or say --replace/),
    });
    expect(readNet(join(folder, 'net')).manifest).toEqual(first);
    await imported(yolo(), { licence: 'MIT' });
    await expect(imported(fasterRcnn({ finds: true }), { form: 'ssd', replace: true })).rejects.toThrow(/not those of ssd/);
    expect(readNet(join(folder, 'net')).manifest).toMatchObject({ form: 'yolo', licence: 'MIT' });
    expect((await imported(detr(), { replace: true })).form).toBe('detr');
    expect(readdirSync(join(folder, 'net')).sort()).toEqual(['manifest.json', 'net.onnx']);
  });
});
