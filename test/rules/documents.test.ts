import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REJECTION_REASONS } from '../../src/catalog/pins/rejection.ts';
import { RECORD_FORMATS, rowsOf } from '../../src/catalog/pins/record-formats.ts';
import { job as importCatalog } from '../../src/jobs/catalog/import-catalog.ts';
import { ERRORS } from '../../src/errors.ts';
import { NODE_FLOOR, NODE_LINE } from '../../src/node-launcher.mjs';
import { envExample, figuresPage, formatsPage, jobsPage, settingsPage } from '../../scripts/generated-docs.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe('documents say what the code says', () => {
  it('docs/ERRORS.md lists every code with its status, and no other', () => {
    const listed = [...read('docs/ERRORS.md').matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)].map((row) => `${row[1]} ${row[2]}`);
    expect(listed.sort()).toEqual(
      Object.entries(ERRORS)
        .map(([code, { status }]) => `${code} ${status}`)
        .sort(),
    );
  });

  it('docs/ERRORS.md lists every reason for which a row stays out, and no other', () => {
    const listed = [...read('docs/ERRORS.md').matchAll(/^\| `([A-Z0-9_]+)` \| (?!\d)/gm)].map((row) => row[1]);
    expect(listed).toEqual([...REJECTION_REASONS]);
  });

  it('.env.example, docs/SETTINGS.md, docs/FORMATS.md, docs/JOBS.md and the benches of docs/FIGURES.md are what `node scripts/write-tables.mjs` writes', async () => {
    expect(read('.env.example')).toBe(envExample());
    expect(read('docs/SETTINGS.md')).toBe(settingsPage());
    expect(read('docs/FORMATS.md')).toBe(formatsPage());
    expect(read('docs/JOBS.md')).toBe(await jobsPage());
    const figures = read('docs/FIGURES.md');
    expect(figures).toBe(figuresPage(figures));
    expect(figures).toContain('[closeup](../bench/results/closeup.json)');
  });

  it('every field of a record has a meaning, and import-catalog --help says it', () => {
    const rows = RECORD_FORMATS.flatMap((format) => rowsOf(format).map((row) => ({ ...row, file: format.file })));
    expect(rows.filter(({ meaning }) => meaning === '')).toEqual([]);
    const named = RECORD_FORMATS.flatMap(({ meanings, shape }) =>
      Object.keys(meanings).filter((field) => !Object.hasOwn(shape.fields, field)),
    );
    expect(named).toEqual([]);
    const help = importCatalog.help ?? '';
    expect(rows.filter(({ file, field, meaning }) => file !== '' && !(help.includes(field) && help.includes(meaning)))).toEqual([]);
  });

  it('the README is read in a minute: 7 KB at most, and every page it links is there', () => {
    expect(Buffer.byteLength(read('README.md'))).toBeLessThanOrEqual(7 * 1024);
    const links = [...read('README.md').matchAll(/\]\((?!http)([^)#]+)/g)].map(([, path]) => path);
    expect(links.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('the index of docs/DECISIONS.md has every decision, in their order', () => {
    const page = read('docs/DECISIONS.md');
    const titles = [...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    const index = page.slice(0, page.indexOf('\n## '));
    expect([...index.matchAll(/^- \[(.+?)\]\(#/gm)].map(([, title]) => title)).toEqual(titles);
  });

  it('every bench has a README', () => {
    const benches = readdirSync(join(ROOT, 'bench')).filter((name) => existsSync(join(ROOT, 'bench', name, 'run.ts')));
    expect(benches.length).toBeGreaterThan(10);
    expect(benches.filter((name) => !existsSync(join(ROOT, 'bench', name, 'README.md')))).toEqual([]);
  });

  it('every place that names a Node names the same: the floor, or the line that is developed on', () => {
    const floor = `Node ${NODE_FLOOR.replace(/\.0$/, '')} or newer`;
    expect(JSON.parse(read('package-lock.json')).packages[''].engines.node).toBe(`>=${NODE_FLOOR}`);
    expect(read('README.md')).toContain(floor);
    const pages = [
      'README.md',
      ...readdirSync(join(ROOT, 'docs'))
        .filter((file) => file.endsWith('.md'))
        .map((file) => `docs/${file}`),
    ];
    const named = pages
      .filter((page) => page !== 'docs/DECISIONS.md')
      .flatMap((page) => [...read(page).matchAll(/Node [\d.]+\d or newer/g)]);
    expect(new Set(named.map(([text]) => text))).toEqual(new Set([floor]));
    expect(read('README.md')).toContain(`Node ${NODE_LINE}`);
    const images = [...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map((row) => row[1]);
    expect(new Set(images).size).toBe(1);
    expect(images[0]).toMatch(new RegExp(`^node:${NODE_LINE}-[a-z-]+@sha256:[0-9a-f]{64}$`));
    // CI: the line first, then the line of the floor.
    expect([...read('.ci/run').matchAll(/^on (\d+)/gm)].map((row) => Number(row[1]))).toEqual([NODE_LINE, parseInt(NODE_FLOOR)]);
    expect(JSON.parse(read('package.json')).devDependencies['@types/node']).toMatch(new RegExp(`^${NODE_LINE}\\.`));
  });

  it('a link to a place in a page leads to a heading of it', () => {
    const docs = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
    const pages = ['README.md', 'SECURITY.md', 'CHANGELOG.md', ...docs.map((file) => `docs/${file}`)];
    const placesOf = (page: string): string[] =>
      [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        heading
          .toLowerCase()
          .replace(/[^\p{L}\p{N}\-_ ]/gu, '')
          .replaceAll(' ', '-'),
      );
    const places = new Map(pages.map((page) => [page, new Set(placesOf(page))]));
    const links = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)].map(([, target, place]) => ({
        page,
        target: target === '' ? page : join(dirname(page), target),
        place,
      })),
    );
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter(({ target, place }) => places.has(target) && !places.get(target)?.has(place))).toEqual([]);
  });

  it('the lock file carries no download addresses', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved":\s*"http/);
  });

  it('the lock file names no script of onnxruntime-node, which would fetch CUDA libraries on every Linux machine', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { hasInstallScript?: boolean }> };
    expect(packages['node_modules/onnxruntime-node']).toBeDefined();
    expect(packages['node_modules/onnxruntime-node'].hasInstallScript).toBeUndefined();
  });
});
