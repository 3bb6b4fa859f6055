import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { plainNeighbors } from './plain-neighbors.ts';
import { buildVisualNeighbors } from '../../src/candidates/list-builds.ts';
import { VisualNeighbors } from '../../src/candidates/visual/visual-neighbors.ts';
import { allocateCodeTable } from '../../src/features/code-table.ts';
import { seededRandom } from '../../src/math/random.ts';
import { SILENT } from '../../src/progress.ts';

const artifacts = mkdtempSync(join(tmpdir(), 'visual-'));
afterAll(() => rmSync(artifacts, { recursive: true, force: true }));

const random = seededRandom(12);
const table = allocateCodeTable(256, 300);
for (let w = 0; w < table.codes.length; w++) table.codes[w] = random.integer(2 ** 32);
for (let row = 0; row < 300; row++) table.has[row] = row % 10 === 0 ? 0 : 1;

const setting = { artifacts, threads: 1, progress: SILENT, signal: new AbortController().signal };

describe('visual neighbours', () => {
  it('are the nearest codes, from a list or by a scan', async () => {
    const scanned = new VisualNeighbors(artifacts, table, 'net-a');
    const before = scanned.propose({ pinIndex: 5, code: null }, 20);
    const receipt = await buildVisualNeighbors(table, 300, 'net-a', 20, setting);
    expect(receipt).toMatchObject({ pins: 300, listed: 270 });
    expect(scanned.reload()).toBe(true);
    expect(scanned.propose({ pinIndex: 5, code: null }, 20)).toEqual(before);
    const truth = plainNeighbors(table, table.codes.slice(40, 48), 21);
    expect([...before.pinIndexes]).toEqual([...truth.pinIndexes].slice(1));
    expect(before.scores[0]).toBeCloseTo(1 - truth.distances[1] / 256, 6);
    scanned.close();
  });

  it('are the same whoever scans', async () => {
    await buildVisualNeighbors(table, 300, 'net-a', 7, { ...setting, threads: 2 });
    const source = new VisualNeighbors(artifacts, table, 'net-a');
    const plain = plainNeighbors(table, table.codes.slice(8 * 77, 8 * 78), 8);
    expect([...source.propose({ pinIndex: 77, code: null }, 7).pinIndexes]).toEqual([...plain.pinIndexes].slice(1));
    source.close();
  });

  it('answer an uploaded image, and nothing for a pin without a code', () => {
    const source = new VisualNeighbors(artifacts, table, 'net-a');
    expect(source.propose({ pinIndex: -1, code: table.codes.slice(8, 16) }, 1).pinIndexes[0]).toBe(1);
    expect(source.propose({ pinIndex: 10, code: null }, 5).pinIndexes.length).toBe(0);
    source.close();
  });

  // The list of the build was served on until the next one: candidates that looked like the picture before.
  it('of a pin whose picture changed are those of the new one, also after a restart; the next build takes over', async () => {
    await buildVisualNeighbors(table, 300, 'net-a', 20, setting);
    const running = new VisualNeighbors(artifacts, table, 'net-a');
    const listed = running.propose({ pinIndex: 6, code: null }, 20);
    const before = table.codes.slice(40, 48);
    for (let w = 40; w < 48; w++) table.codes[w] = ~table.codes[w];
    const truth = [...plainNeighbors(table, table.codes.slice(40, 48), 21).pinIndexes].slice(1);
    const restarted = new VisualNeighbors(artifacts, table, 'net-a');
    for (const source of [running, restarted]) expect([...source.propose({ pinIndex: 5, code: null }, 20).pinIndexes]).toEqual(truth);
    expect(running.propose({ pinIndex: 6, code: null }, 20)).toEqual(listed);
    table.has[5] = 0;
    expect(running.propose({ pinIndex: 5, code: null }, 20).pinIndexes.length).toBe(0);
    table.has[5] = 1;
    await buildVisualNeighbors(table, 300, 'net-a', 3, setting);
    expect(running.reload()).toBe(true);
    expect([...running.propose({ pinIndex: 5, code: null }, 20).pinIndexes], 'from the list, which holds three').toEqual(truth.slice(0, 3));
    table.codes.set(before, 40);
    running.close();
    restarted.close();
  });

  it('pass over lists of another net', () => {
    const source = new VisualNeighbors(artifacts, table, 'net-b');
    expect(source.version).toBeNull();
    expect(source.propose({ pinIndex: 5, code: null }, 3).pinIndexes.length).toBe(3);
    source.close();
  });
});
