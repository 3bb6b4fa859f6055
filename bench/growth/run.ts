/**
 * How do the costs grow with the catalogue? Closeups, exact neighbours, counting, start and memory at growing numbers of
 * pins; for each the exponent e of cost = c x pins^e, by least squares over the logarithms. `--plot FILE` draws it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExactIndex } from '../../src/candidates/visual/exact-index.ts';
import { allocateCodeTable } from '../../src/features/code-table.ts';
import { seededRandom } from '../../src/math/random.ts';
import { figures, measure, round, startContender } from '../contest.ts';
import { generatedCatalog } from '../generated-catalog.ts';
import { growthPlot } from './plot.ts';
import { COSTS, type Point } from './point.ts';
import { flagsOf } from '../flags.ts';

const BITS = 4096;
const K = 100;
const SAVES_PER_PIN = 5;
const QUERIES = 5;

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const { pins: sizes, seconds, plot } = flagsOf(argv, { pins: [10_000, 100_000, 1_000_000], seconds: 5, plot: '' });
  const points: Point[] = [];
  for (const pins of sizes) {
    console.error(`growth: ${pins} pins (a catalogue is generated once and kept; a stopped run goes on with those it made)`);
    const point = await pointOf(pins, seconds);
    points.push(point);
    console.error(`growth: ${JSON.stringify(point)}`);
  }
  const exponents = Object.fromEntries(
    COSTS.map((cost) => [
      cost,
      round(
        exponentOf(
          points.map(({ pins }) => pins),
          points.map((point) => point[cost]),
        ),
      ),
    ]),
  );
  if (plot !== '') writeFileSync(plot, growthPlot(points, exponents));
  return { ours: exponents.closeupMicros, peer: null, ratio: null, unit: 'exponent of the cost of a closeup', exponents, raw: points };
}

async function pointOf(pins: number, seconds: number): Promise<Point> {
  const folder = generatedCatalog({ pins, boardList: 20, visualList: 20, bits: BITS });
  const startedAt = performance.now();
  const server = await startContender({ kind: 'service', folder });
  const startSeconds = round((performance.now() - startedAt) / 1000);
  const startProcessorSeconds = round((await server.usage()).cpuMicros / 1e6);
  const random = seededRandom(3);
  const requests = Array.from({ length: 5000 }, () => ({ path: `/v1/pins/pin-${random.integer(pins)}/related?limit=25` }));
  console.error(`growth: ready in ${startSeconds} s`);
  await measure(server, { requests, seconds: Math.min(3, seconds), clients: 8 });
  const closeups = figures(await measure(server, { requests, seconds, clients: 8 }));
  const { rssBytes } = await server.usage();
  await server.stop();
  return {
    pins,
    closeupMicros: closeups.cpuMicrosEach,
    closeupP50: closeups.p50,
    neighborsMs: round(neighborsMs(pins)),
    countingSeconds: round(countingSeconds(pins)),
    startSeconds,
    startProcessorSeconds,
    residentMiB: Math.round(rssBytes / 2 ** 20),
  };
}

/** The median of a few exact searches with one thread. */
function neighborsMs(pins: number): number {
  const table = allocateCodeTable(BITS, pins);
  let word = 1;
  for (let at = 0; at < table.codes.length; at++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    table.codes[at] = word;
  }
  table.has.fill(1);
  const index = new ExactIndex(table);
  const times = Array.from({ length: QUERIES + 1 }, (_, q) => {
    const startedAt = performance.now();
    index.search(table.codes.slice(q * table.words, (q + 1) * table.words), K);
    return performance.now() - startedAt;
  }).slice(1);
  return times.sort((a, b) => a - b)[times.length >> 1];
}

/** Co-occurrence lists of all pins with one thread: five saves a pin, boards of twenty, popular pins more often. */
function countingSeconds(pins: number): number {
  const folder = mkdtempSync(join(tmpdir(), 'bench-growth-'));
  try {
    const saves = pins * SAVES_PER_PIN;
    const boards = Math.ceil(saves / 20);
    const random = seededRandom(5);
    const pairs = new Uint32Array(2 * saves);
    for (let s = 0; s < saves; s++) {
      pairs[s] = Math.floor(s / 20);
      pairs[saves + s] = Math.floor(pins * random.next() ** 2);
    }
    const file = join(folder, 'pairs.bin');
    writeFileSync(file, pairs);
    const script = fileURLToPath(new URL('../cooccurrence/contender.js', import.meta.url));
    const done = spawnSync(process.execPath, [script, file, String(boards), String(pins), '1'], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`counting failed: ${done.stderr}`);
    return (JSON.parse(done.stdout) as { seconds: number }).seconds;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Slope of the least-squares line through (ln pins, ln cost). */
export function exponentOf(pins: readonly number[], costs: readonly number[]): number {
  const x = pins.map(Math.log);
  const y = costs.map(Math.log);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const over = x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0);
  return over / x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
}
