import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OutputTensor } from '../../src/detection/forms/output-form.ts';
import { cocoLabels, importDetector, type ProbeSession } from '../../src/detection/import-detector.ts';
import { readNet } from '../../src/vision/net-manifest.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'import-'));
  writeFileSync(join(folder, 'given.onnx'), 'graph');
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
    expect(readFileSync(join(folder, 'net', 'net.onnx'), 'utf8')).toBe('graph');
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
    await expect(importDetector({ ...request(), ...answering(cells), labelsFile })).rejects.toThrow(/1 labels.*have 80/);
    await expect(importDetector({ ...request(), ...answering(lists), file: 'absent' })).rejects.toThrow(/no file absent/);
    await expect(importDetector({ ...request(), ...answering(lists, [1, 10]) })).rejects.toThrow(/one image and nothing else/);
  });
});
