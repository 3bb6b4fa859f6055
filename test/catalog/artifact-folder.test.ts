import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ArtifactFile } from '../../src/catalog/artifacts/artifact-file.ts';
import { ArtifactFolder } from '../../src/catalog/artifacts/artifact-folder.ts';
import { digestOf } from '../../src/catalog/artifacts/digest.ts';
import { noteVerified, verifiedDigest } from '../../src/catalog/artifacts/verified-file.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'artifact-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const codes = Uint32Array.from({ length: 1000 }, (_, i) => i * 7);

test('what was written is read back, whole or by range, also when it came in pieces', () => {
  const folder = new ArtifactFolder(root, 'codes', 1);
  expect(folder.open()).toBeNull();
  folder.write({ net: 'n1' }, { codes, scores: [Float32Array.of(0.5), Float32Array.of(1.5, 2.5)], none: new Uint8Array(0) });
  const artifact = folder.open();
  expect(artifact?.metadata).toEqual({ net: 'n1' });
  expect(artifact?.read('codes')).toEqual(codes);
  expect(artifact?.read('codes', 10, 3)).toEqual(codes.slice(10, 13));
  expect(artifact?.read('scores')).toEqual(Float32Array.of(0.5, 1.5, 2.5));
  expect(artifact?.lengthOf('none')).toBe(0);
  expect(() => artifact?.read('codes', 999, 2)).toThrow(RangeError);
  artifact?.close();
});

test('the newest version is current, the previous is kept, older ones go', () => {
  const folder = new ArtifactFolder(root, 'codes', 1);
  for (const run of [1, 2, 3]) folder.write({ run }, { codes });
  expect(readdirSync(folder.folder).sort()).toEqual(['000002.bin', '000003.bin', 'CURRENT']);
  folder.use('000002');
  expect(folder.open()?.metadata).toEqual({ run: 2 });
});

test('a damaged file is refused, whichever byte is wrong, and a wrong format too', () => {
  const folder = new ArtifactFolder(root, 'codes', 1);
  const path = join(folder.folder, `${folder.write({}, { codes })}.bin`);
  const good = readFileSync(path);
  for (const at of [0, 9, 70, good.length - 30, good.length - 18, good.length - 1]) {
    const bad = Buffer.from(good);
    bad[at] ^= 1;
    writeFileSync(path, bad);
    expect(() => folder.open(), `byte ${at}`).toThrow(/is refused/);
  }
  writeFileSync(path, good.subarray(0, good.length - 100));
  expect(() => folder.open()).toThrow(/is refused/);
  writeFileSync(path, good);
  expect(() => new ArtifactFolder(root, 'codes', 2).open()).toThrow(/format version 1, this program reads 2/);
});

// The digest is not a secret: a forged file with a right one named arrays past its end and types nobody knows, and was opened.
test('a directory that makes no sense is refused, also under a right digest', () => {
  const folder = new ArtifactFolder(root, 'codes', 1);
  const path = join(folder.folder, `${folder.write({}, { codes })}.bin`);
  const whole = readFileSync(path).subarray(0, -16);
  const forge = (from: string, to: string): void => {
    const bytes = Buffer.from(whole.toString('latin1').replace(from, to), 'latin1');
    writeFileSync(path, Buffer.concat([bytes, Buffer.from(digestOf(bytes), 'latin1')]));
  };
  for (const [from, to, problem] of [
    ['"length":1000', '"length":1e17', /array codes leaves the file/],
    ['"length":1000', '"length":-100', /array codes leaves the file/],
    ['Uint32Array', 'constructor', /unknown type "constructor"/],
    ['"sections"', '"Sections"', /its directory is not one/],
  ] as const) {
    forge(from, to);
    expect(() => folder.open(), to).toThrow(problem);
  }
});

test('a large artifact that was found right is not read whole again until it changes', () => {
  const folder = new ArtifactFolder(root, 'large', 1);
  const version = folder.write({}, { zeros: new Uint8Array(65 << 20) });
  const path = join(folder.folder, `${version}.bin`);
  expect(verifiedDigest(path)).toBeNull();
  const first = folder.open();
  first?.close();
  expect(verifiedDigest(path)).toBe(first?.digest);
  const file = openSync(path, 'r+');
  writeSync(file, Uint8Array.of(1), 0, 1, 1 << 20);
  closeSync(file);
  expect(verifiedDigest(path)).toBeNull();
  expect(() => folder.open()).toThrow(/digest/);
});

test('a check of everything believes no note', () => {
  const folder = new ArtifactFolder(root, 'large', 1);
  const path = join(folder.folder, `${folder.write({}, { zeros: new Uint8Array(65 << 20) })}.bin`);
  folder.open()?.close();
  noteVerified(path, '0'.repeat(16));
  expect(() => new ArtifactFile(path, 1)).toThrow(/digest/);
  new ArtifactFile(path, null, true).close();
});
