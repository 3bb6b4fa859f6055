/** Pages that are made from tables in the code. `node scripts/write-tables.mjs` writes them, and the table of benches in docs/FIGURES.md; test/rules/documents.test.ts compares them. */
import { readdirSync, readFileSync } from 'node:fs';
import { SETTINGS } from '../src/config.ts';
import { JOB_GROUPS as LAB_GROUPS } from '../lab/studies/table.ts';
import { RECORD_FORMATS, rowsOf } from '../src/catalog/pins/record-formats.ts';
import { JOB_GROUPS, type JobGroup } from '../src/jobs/table.ts';
import { projectRoot } from '../src/worker-url.ts';

const NOTE = '<!-- Made by `node scripts/write-tables.mjs`; edit the tables in the code instead. -->';
const unitOf = (unit: string): string => (unit ? ` (${unit})` : '');
const cell = (text: string): string => text.replaceAll('|', '\\|');

/** docs/SETTINGS.md: a row per setting. */
export function settingsPage(): string {
  const rows = Object.values(SETTINGS).map(
    (row) => `| \`${row.env}\` | ${row.default === '' ? '' : `\`${row.default}\``} | ${row.meaning}${unitOf(row.unit)} |`,
  );
  return [
    '# Settings',
    '',
    NOTE,
    '',
    'All settings are environment variables. A flag of a job wins over its setting. `.env.example` holds the same list;',
    'copy it and start with `set -a; . ./.env; set +a`.',
    '',
    '| setting | default | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** docs/FORMATS.md: a table per record. */
export function formatsPage(): string {
  const parts = [
    '# Record formats',
    '',
    NOTE,
    '',
    'One shape for JSON Lines fields, CSV and Parquet columns and HTTP bodies. A field that is absent keeps what is stored; `null`',
    'clears it. A bad row is rejected with its line and reason ([ERRORS.md](ERRORS.md)) and stops no other.',
    '`lines` of a receipt are line numbers from 1 for a file (the header of a CSV is line 1), and places from 0 for an HTTP batch.',
    'A column or field of a file may go by another spelling, without regard to case and separators: `Image URL` is `image`.',
    '`import-catalog --map theirs=ours` names any other.',
    '',
  ];
  for (const format of RECORD_FORMATS) {
    const rows = rowsOf(format).map(
      ({ field, type, required, meaning, spellings }) =>
        `| \`${field}\` | ${type} | ${required ? 'yes' : ''} | ${meaning} | ${spellings.map((name) => `\`${name}\``).join(', ')} |`,
    );
    parts.push(`## ${format.name}`, '', '| field | type | required | meaning | also read from |', '|---|---|---|---|---|', ...rows, '');
    if (format.note) parts.push(format.note, '');
  }
  return [...parts, ...VECTORS].join('\n');
}

const VECTORS = [
  '## vector',
  '',
  '`import-vectors` reads embeddings of pins, one row a pin. Pins that the catalog does not have are left out and counted.',
  '',
  '| file | what it holds |',
  '|---|---|',
  '| `.npy` | a matrix of floats (`<f2`, `<f4` or `<f8`, row by row); the pins of its rows stand in a file of ids: one a line, or a JSON list |',
  '| `.parquet` | the columns `id` (or `pinId`) and `vector` (or `embedding`), a list of numbers |',
  '| `.jsonl`, `.json` | objects with the same two fields: `{"id": "1", "vector": [0.1, -0.2]}` |',
  '',
  'All vectors have as many numbers as the first one. Another length, and what is no finite number of 32 bits, refuses the file',
  'by row and pin; what serves stays. A pin that comes again has its last vector. Vectors of zeros have no cosine and are left out.',
  '',
];

/** .env.example: each setting, commented out, with its default. */
export function envExample(): string {
  const rows = Object.values(SETTINGS).map((row) => `# ${row.meaning}${unitOf(row.unit)}\n# ${row.env}=${row.default}`);
  return `${rows.join('\n')}\n`;
}

/** docs/JOBS.md: every job with its flags and examples, grouped by noun. */
export async function jobsPage(): Promise<string> {
  const parts = [
    '# Jobs',
    '',
    NOTE,
    '',
    '`npx related-pins JOB --help` prints the same. Every long job shows progress, stops cleanly at Ctrl-C and goes on where it',
    'stopped. `--json` prints the receipt as one line. Every job takes `--data FOLDER` (default: `RELATED_PINS_DATA`, then `./var`).',
    'Exit codes: 0 done, 1 failed, 2 refused, 130 stopped by hand.',
    '',
    'A new catalog needs these, in this order: `import-catalog`, `extract-features`, `build-candidates`, `serve`. Later come',
    '`train-ranker` and `promote-model`; `detect-objects` and `index-objects` add objects.',
    '',
  ];
  for (const group of JOB_GROUPS) parts.push(...(await section(group)));
  parts.push('The lab, beside the product, proves what the product rests on: `npm run lab -- JOB`.', '');
  for (const group of LAB_GROUPS) parts.push(...(await section(group)));
  return parts.join('\n');
}

async function section({ title, jobs }: JobGroup): Promise<string[]> {
  const lines = [`## ${title}`, ''];
  for (const [name, summary, load] of jobs) {
    const { job } = await load();
    const args = (job.args ?? []).map(({ form, meaning }) => `| \`${form}\` | ${cell(meaning)} |`);
    const flags = job.options.map(
      ({ flag, meaning, default: value }) =>
        `| \`${flag}\` | ${cell(meaning)}${value === undefined || value === '' ? '' : ` (default: ${String(value)})`} |`,
    );
    lines.push(`### ${name}`, '', `${summary[0].toUpperCase()}${summary.slice(1)}.`, '');
    if (args.length + flags.length > 0) lines.push('| flag | meaning |', '|---|---|', ...args, ...flags, '');
    lines.push('```bash', ...job.examples, '```', '');
  }
  return lines;
}

/** What a bench left in bench/results; `ratio` is ours to the peer, or the peer's to ours where less is better. */
interface BenchResult {
  readonly bench?: string;
  readonly command?: string;
  readonly ours?: number;
  readonly peer?: number | null;
  readonly ratio?: number | null;
  readonly interval?: readonly [number, number] | null;
  readonly unit?: string;
  readonly node: string;
  readonly commit?: string;
  readonly at: string;
}

const RESULTS = new URL('bench/results/', projectRoot());
const BENCH_TABLE = /(<!-- benches: made by `node scripts\/write-tables\.mjs` -->\n)[^]*?(<!-- end -->)/;

/** docs/FIGURES.md with its table of benches made from bench/results. */
export function figuresPage(page: string): string {
  const rows = readdirSync(RESULTS)
    .sort()
    .map((file) => ({ file, ...(JSON.parse(readFileSync(new URL(file, RESULTS), 'utf8')) as BenchResult) }))
    .filter(({ bench, ours }) => bench !== undefined && ours !== undefined)
    .map((result) => `| ${benchCells(result).join(' | ')} |`);
  const table = ['', '| bench | ours | peer | ratio | unit | Node, commit, day |', '|---|---|---|---|---|---|', ...rows, '', ''].join('\n');
  return page.replace(BENCH_TABLE, `$1${table}$2`);
}

function benchCells({
  file,
  bench,
  command,
  ours,
  peer,
  ratio,
  interval,
  unit,
  node,
  commit,
  at,
}: BenchResult & { readonly file: string }) {
  const flags = command?.split(`-- ${bench}`)[1]?.trim();
  const name = `[${file.replace('.json', '')}](../bench/results/${file})${flags ? ` \`${flags}\`` : ''}`;
  return [
    name,
    figure(ours),
    figure(peer),
    ratioText(ratio, interval),
    cell(unit ?? ''),
    [node, commit, at.slice(0, 10)].filter(Boolean).join(', '),
  ];
}

/** With its interval; one that contains 1 leaves open which of the two is ahead. */
function ratioText(ratio: number | null | undefined, interval: BenchResult['interval']): string {
  if (typeof ratio !== 'number' || !interval) return figure(ratio);
  const [low, high] = interval;
  return `${figure(ratio)} (${figure(low)} to ${figure(high)})${low <= 1 && high >= 1 ? ', not resolved' : ''}`;
}

function figure(value: number | null | undefined): string {
  if (typeof value !== 'number') return '';
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}
