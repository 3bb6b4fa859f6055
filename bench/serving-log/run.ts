/** What does logging served lists cost a closeup? The same service with and without it, in turns, order reversed each round. */
import { seededRandom } from '../../src/math/random.ts';
import { Asking, figures, type Measured, pairedRatio, reaches, round, startContender, WARM_SECONDS } from '../contest.ts';
import { generatedCatalog } from '../generated-catalog.ts';
import { flagsOf } from '../flags.ts';

/** Of a closeup's rate, by the goal. */
const COST_MAX = 0.15;

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const { pins, seconds, rounds } = flagsOf(argv, { pins: 100_000, seconds: 6, rounds: 6 });
  const folder = generatedCatalog({ pins, boardList: 400, visualList: 300 });
  const requests = seededRandom(17)
    .shuffled(Array.from({ length: pins }, (_, i) => i))
    .map((pin) => ({ path: `/v1/pins/pin-${pin}/related?limit=25` }));
  const found: Record<'logged' | 'silent', Measured[]> = { logged: [], silent: [] };
  for (let i = 0; i < rounds; i++) {
    const order = i % 2 === 0 ? (['logged', 'silent'] as const) : (['silent', 'logged'] as const);
    for (const kind of order) {
      const service = await startContender({ kind: 'service', folder, settings: { serveLog: kind === 'logged' } });
      const asking = new Asking(service, requests);
      await asking.measure({ seconds: WARM_SECONDS, clients: 16 });
      found[kind].push(await asking.measure({ seconds, clients: 16 }));
      await service.stop();
    }
  }
  const ours = median(found.logged);
  const peer = median(found.silent);
  const raw = { logged: found.logged.map(figures), silent: found.silent.map(figures) };
  const [logged, silent] = [found.logged, found.silent].map((each) => each.map(({ perCoreSecond }) => perCoreSecond));
  const ratio = pairedRatio(logged, silent);
  // The log may cost fifteen hundredths.
  const withinBound = reaches(ratio, 1 - COST_MAX);
  return { ours, peer, ...ratio, costShare: round(1 - ratio.ratio), withinBound, unit: 'closeups per second of a core', pins, raw };
}

function median(measured: readonly Measured[]): number {
  const rates = measured.map(({ perCoreSecond }) => perCoreSecond).sort((a, b) => a - b);
  return round(rates[rates.length >> 1]);
}
