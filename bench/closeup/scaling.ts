/**
 * What more threads give: the same load meets one thread and several behind one port, in pairs that take turns. Load generator
 * and writing thread need processors of their own, so on a machine with as many cores as threads the ratio by the clock is a
 * lower bound; processor time tells all apart.
 */
import { Asking, type Contender, pairedRatio, round, startContender, WARM_SECONDS } from '../contest.ts';

interface Contest {
  readonly folder: string;
  /** A folder whose log the service begins with. */
  readonly log: string;
  readonly requests: readonly { readonly path: string }[];
  /** Threads of the larger side. */
  readonly workers: number;
  readonly seconds: number;
  readonly rounds: number;
}

const CLIENTS = 32;
const MIB = 2 ** 20;

interface Found {
  readonly perSecond: number;
  /** Microseconds of processor time a closeup: the whole service, its writing thread within that, the load generator. */
  readonly serviceMicros: number;
  readonly writerMicros: number;
  readonly generatorMicros: number;
  readonly rssMiB: number;
  readonly failed: number;
}

export async function scaling(contest: Contest) {
  const { workers, rounds } = contest;
  const one: Found[] = [];
  const several: Found[] = [];
  for (let i = 0; i < rounds; i++) {
    // In turns: whoever is second meets a warmer machine.
    const order = i % 2 === 0 ? [1, workers] : [workers, 1];
    for (const count of order) (count === 1 ? one : several).push(await measured(contest, count));
  }
  const more = await measured(contest, workers + 1);
  const cost = (found: readonly Found[]): number[] => found.map(({ serviceMicros }) => serviceMicros);
  return {
    threads: workers,
    // So many closeups as many cores would answer of which the service has all and nothing else runs.
    byProcessorTime: pairedRatio(
      cost(one).map((micros) => workers * micros),
      cost(several),
    ),
    byClock: pairedRatio(
      several.map(({ perSecond }) => perSecond),
      one.map(({ perSecond }) => perSecond),
    ),
    memoryOfOneMoreMiB: round(more.rssMiB - several[rounds - 1].rssMiB),
    one,
    several,
    more,
  };
}

async function measured({ folder, log, requests, seconds }: Contest, workers: number): Promise<Found> {
  const service = await startContender({ kind: 'service', folder, settings: { workers } }, log);
  const asking = new Asking(service, requests);
  await asking.measure({ seconds: WARM_SECONDS, clients: CLIENTS });
  const before = await writerOf(service);
  const { perSecond, cpuMicrosEach, done, failed, cpuMicros } = await asking.measure({ seconds, clients: CLIENTS });
  const after = await writerOf(service);
  const { rssBytes } = await service.usage();
  await service.stop();
  return {
    perSecond: round(perSecond),
    serviceMicros: round(cpuMicrosEach),
    writerMicros: workers === 1 ? 0 : round((after - before) / done),
    generatorMicros: round(cpuMicros / done),
    rssMiB: round(rssBytes / MIB),
    failed,
  };
}

async function writerOf(service: Contender): Promise<number> {
  return (await service.usage()).mainMicros;
}
