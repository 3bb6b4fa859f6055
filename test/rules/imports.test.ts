import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const SRC = join(ROOT, 'src');

/** Rows from the ground up (HOUSE, "Which way imports point"): a place may import lower rows and its own folder. */
const ROWS: readonly (readonly string[])[] = [
  ['errors.ts', 'counted.ts', 'grades.ts', 'swapped-file.ts', 'worker-url.ts', 'ordered-worker.ts', 'progress.ts', 'shape.ts', 'math'],
  ['treatment.ts', 'access-keys.ts', 'audit-trail.ts', 'cache.ts', 'config.ts'],
  ['event-stream.ts'],
  ['catalog', 'vision'],
  ['features', 'detection', 'exact'],
  ['candidates', 'marks'],
  ['ranker'],
  ['lists', 'search'],
  ['related-pins.ts', 'visual-search.ts', 'experiments', 'schedule', 'publication'],
  ['service'],
  ['api'],
  ['nodes'],
  ['server.ts', 'reading-thread.ts'],
  ['jobs'],
  ['command-line.ts'],
  ['cli.ts'],
];
/** Places that stand apart: only these may be imported by them. */
const APART: Readonly<Record<string, readonly string[]>> = {
  experiments: [
    'catalog',
    'config.ts',
    'treatment.ts',
    'grades.ts',
    'counted.ts',
    'errors.ts',
    'progress.ts',
    'swapped-file.ts',
    'worker-url.ts',
    'math',
  ],
  math: [],
};
/** Native packages, each behind one file. */
const NATIVE: Readonly<Record<string, string>> = {
  sharp: 'vision/image-tensor.ts',
  'onnxruntime-node': 'vision/onnx-session.ts',
  'hnswlib-node': 'candidates/visual/hnsw-index.ts',
  '@techstark/opencv-js': 'exact/key-points.ts',
  ioredis: 'cache.ts',
  'better-sqlite3': 'catalog/database.ts',
};

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

function importsOf(file: string): readonly { readonly target: string; readonly typeOnly: boolean }[] {
  const text = readFileSync(file, 'utf8');
  const found = [
    ...text.matchAll(/^(?:import|export)\s+(type\s)?[^'"]*?from\s+'([^']+)'/gm),
    ...text.matchAll(/()\bimport\(\s*'([^']+)'\s*\)/g),
  ];
  return found.map((match) => ({ target: match[2], typeOnly: Boolean(match[1]) }));
}

const placeOf = (path: string): string => relative(SRC, path).split('/')[0];
const rowOf = (place: string): number => ROWS.findIndex((row) => row.includes(place));
const files = sources(SRC).filter((file) => placeOf(file) !== 'web');

describe('imports', () => {
  it('every place in src/ has a row', () => {
    expect([...new Set(files.map(placeOf))].filter((place) => rowOf(place) < 0)).toEqual([]);
  });

  it('point down', () => {
    const wrong: string[] = [];
    for (const file of files) {
      const from = placeOf(file);
      for (const { target } of importsOf(file)) {
        if (!target.startsWith('.')) continue;
        const to = placeOf(resolve(dirname(file), target));
        if (to === from) continue;
        const allowed = APART[from] ? APART[from].includes(to) : rowOf(to) < rowOf(from);
        if (!allowed) wrong.push(`${relative(SRC, file)} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('run in no loop, inside a folder either, types included', () => {
    const all = [...sources(SRC), ...sources(join(ROOT, 'lab'))];
    const arrows = new Map(
      all.map((file) => [file, importsOf(file).flatMap(({ target }) => (target.startsWith('.') ? [resolve(dirname(file), target)] : []))]),
    );
    // Takes away what imports nothing that is left, until nothing goes: what stays is in a loop or leads into one.
    const left = new Set(all);
    for (let before = -1; before !== left.size;) {
      before = left.size;
      for (const file of left) if (!arrows.get(file)?.some((target) => left.has(target))) left.delete(file);
    }
    expect([...left].map((file) => relative(ROOT, file))).toEqual([]);
  });

  it('the lab imports the product, and nothing imports the lab', () => {
    const lab = join(ROOT, 'lab');
    expect(sources(lab).length).toBeGreaterThan(0);
    const users = ['src', 'bench', 'torture'].flatMap((folder) => sources(join(ROOT, folder)));
    const wrong = users.filter((file) =>
      importsOf(file).some(({ target }) => target.startsWith('.') && resolve(dirname(file), target).startsWith(`${lab}/`)),
    );
    expect(wrong.map((file) => relative(ROOT, file))).toEqual([]);
  });

  it('pages take types from the schemas of the service, and nothing else', () => {
    const wrong: string[] = [];
    for (const file of sources(join(SRC, 'web'))) {
      for (const { target, typeOnly } of importsOf(file)) {
        if (!target.startsWith('.')) continue;
        const to = relative(SRC, resolve(dirname(file), target));
        if (!to.startsWith('web/') && !(typeOnly && to.startsWith('api/'))) wrong.push(`${relative(SRC, file)} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('a native package is imported in one file', () => {
    const wrong: string[] = [];
    for (const file of files) {
      for (const { target, typeOnly } of importsOf(file)) {
        const home = NATIVE[target];
        if (home && !typeOnly && relative(SRC, file) !== home)
          wrong.push(`${relative(SRC, file)} imports ${target}, which belongs to ${home}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('only config.ts and the entries read the environment', () => {
    const readers = files.filter((file) => /process\.env\b/.test(readFileSync(file, 'utf8'))).map((file) => relative(SRC, file));
    expect(readers.filter((file) => !['config.ts', 'cli.ts', 'command-line.ts', 'server.ts'].includes(file))).toEqual([]);
  });

  it('SQL is written only in stores and logs', () => {
    const sql = /\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX|VIRTUAL))\b/;
    const writers = files.filter((file) => sql.test(readFileSync(file, 'utf8'))).map((file) => relative(SRC, file));
    expect(writers.filter((file) => !/-(store|log)\.ts$/.test(file) && file !== 'catalog/database.ts')).toEqual([]);
  });
});
