// Rewrites the pages that are made from tables in the code: .env.example, docs/SETTINGS.md, docs/FORMATS.md, docs/JOBS.md, and the
// table of benches in docs/FIGURES.md.
// Run it after changing settings or jobs or keeping the result of a bench, and after a build: node scripts/write-tables.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { envExample, figuresPage, formatsPage, jobsPage, settingsPage } = await import(
  pathToFileURL(join(root, 'dist', 'scripts', 'generated-docs.js')).href
);
writeFileSync(join(root, '.env.example'), envExample());
writeFileSync(join(root, 'docs', 'SETTINGS.md'), settingsPage());
writeFileSync(join(root, 'docs', 'FORMATS.md'), formatsPage());
writeFileSync(join(root, 'docs', 'JOBS.md'), await jobsPage());
const figures = join(root, 'docs', 'FIGURES.md');
writeFileSync(figures, figuresPage(readFileSync(figures, 'utf8')));
