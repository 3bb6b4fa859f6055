import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { objectsInPixels, readTrueObjects } from '../../src/detection/true-objects.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'truth-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('readTrueObjects', () => {
  it('reads objects.jsonl with photos relative to its folder', () => {
    const line = { photo: 'photos/1.jpg', width: 10, height: 20, objects: [{ label: 'shoe', box: [1, 2, 3, 4] }] };
    writeFileSync(join(folder, 'objects.jsonl'), `${JSON.stringify(line)}\n\n`);
    const [image] = readTrueObjects(join(folder, 'objects.jsonl'));
    expect(image.file).toBe(join(folder, 'photos/1.jpg'));
    expect(objectsInPixels(image, 10, 20)).toEqual([{ label: 'shoe', box: [1, 2, 3, 4] }]);
  });

  it.each([
    ['images', 'labels'],
    ['', ''],
  ])('reads a YOLO folder, photos in "%s" and texts in "%s"', (images, labels) => {
    for (const name of [images, labels]) mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, 'classes.yaml'), 'names:\n  0: shoe\n  1: hat\n');
    writeFileSync(join(folder, images, 'a.jpg'), '');
    writeFileSync(join(folder, images, 'b.jpg'), '');
    writeFileSync(join(folder, labels, 'a.txt'), '1 0.5 0.5 0.5 0.25\n');
    const truth = readTrueObjects(folder);
    expect(truth.map((image) => image.objects.length)).toEqual([1, 0]);
    expect(objectsInPixels(truth[0], 100, 200)).toEqual([{ label: 'hat', box: [25, 75, 75, 125] }]);
  });

  it('takes names as a list too', () => {
    writeFileSync(join(folder, 'data.yaml'), 'names: [shoe, hat]\n');
    writeFileSync(join(folder, 'a.png'), '');
    writeFileSync(join(folder, 'a.txt'), '0 0.5 0.5 1 1');
    expect(readTrueObjects(folder)[0].objects[0].label).toBe('shoe');
  });

  it('names the line that is wrong', () => {
    writeFileSync(join(folder, 'objects.jsonl'), '{"photo": "a", "objects": []}\n{"photo": "b", "objects": [{"label": "x"}]}\n');
    expect(() => readTrueObjects(join(folder, 'objects.jsonl'))).toThrow(/line 2/);
    expect(() => readTrueObjects(join(folder, 'absent'))).toThrow(/no such file/);
  });
});
