import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fetchImage } from '../../src/catalog/pins/image-fetch.ts';
import { imageReference } from '../../src/catalog/pins/image-reference.ts';
import { Rejection } from '../../src/catalog/pins/rejection.ts';

const folder = mkdtempSync(join(tmpdir(), 'names-'));
const data = join(folder, 'data');
const images = join(data, 'images');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NFC = 'caf\u00e9.jpg';
const NFD = 'cafe\u0301.jpg';
mkdirSync(join(images, 'Sub'), { recursive: true });
for (const name of [NFD, 'shot-12:30.jpg', 'Sub/Oak.JPG', 'my photo.jpg', 'twin.jpg', 'TWIN.jpg']) writeFileSync(join(images, name), name);
writeFileSync(join(folder, 'secret.jpg'), 'secret');
symlinkSync(join(folder, 'secret.jpg'), join(images, 'LINK.jpg'));

async function read(image: string): Promise<string> {
  const reference = imageReference(image, { images, data });
  if (reference instanceof Rejection) return reference.reason;
  const bytes = await fetchImage(reference, { dataFolder: data, byteLimit: 1000 }).catch((error: Error) => error.message);
  return typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString();
}

test.each([
  [NFC, NFD],
  [NFD, NFD],
  ['shot-12:30.jpg', 'shot-12:30.jpg'],
  ['sub\\oak.jpg', 'Sub/Oak.JPG'],
  ['sub/OAK.jpg', 'Sub/Oak.JPG'],
  ['my%20photo.jpg', 'my photo.jpg'],
  ['twin.jpg', 'twin.jpg'],
  ['TWIN.jpg', 'TWIN.jpg'],
])('the file that %s means is found', async (image, file) => {
  expect(await read(image)).toBe(file);
});

test.each([
  ['Twin.jpg', 'The image is refused: there is no such file'],
  ['none.jpg', 'The image is refused: there is no such file'],
  ['link.jpg', 'The image is refused: it is a link that leads out of the image folder'],
  ['..\\secret.jpg', 'IMAGE_OUTSIDE_FOLDER'],
  ['Sub\\..\\..\\secret.jpg', 'IMAGE_OUTSIDE_FOLDER'],
  ['C:\\photos\\a.jpg', 'IMAGE_OUTSIDE_FOLDER'],
  ['%2e%2e%2fsecret.jpg', 'The image is refused: there is no such file'],
  ['data:image/png;base64,AAAA', 'IMAGE_ADDRESS_INVALID'],
  ['javascript:alert(1)', 'IMAGE_ADDRESS_INVALID'],
  ['s3://bucket/a.jpg', 'IMAGE_ADDRESS_INVALID'],
])('%s leads nowhere', async (image, refusal) => {
  expect(await read(image)).toBe(refusal);
});
