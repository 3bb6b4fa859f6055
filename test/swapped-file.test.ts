import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { replaceFile, stampOf } from '../src/swapped-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'swapped-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a file that is replaced as a whole', () => {
  it('has the new content, the mode asked for, and leaves no draft; its folder is made', () => {
    const path = join(folder, 'in', 'file');
    replaceFile(path, 'one', 0o600);
    expect(readFileSync(path, 'utf8')).toBe('one');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'in'))).toEqual(['file']);
  });

  it('keeps its content when the writer throws in the middle', () => {
    const path = join(folder, 'kept');
    replaceFile(path, Buffer.from('whole'));
    const broken = (file: number): void => {
      writeSync(file, 'ha');
      throw new Error('no space');
    };
    expect(() => replaceFile(path, broken)).toThrow('no space');
    expect(readFileSync(path, 'utf8')).toBe('whole');
    expect(readdirSync(folder).filter((name) => name.startsWith('kept'))).toEqual(['kept']);
  });

  it('has another stamp after each replacement, also by the same content', () => {
    const path = join(folder, 'stamped');
    expect(stampOf(path)).toBe('');
    replaceFile(path, 'same');
    const first = stampOf(path);
    replaceFile(path, 'same');
    expect(stampOf(path)).not.toBe(first);
  });
});
