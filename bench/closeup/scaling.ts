/**
 * What more threads give: the same load meets one thread and several behind one port, in pairs of slices that take turns. Load generator
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
/** Turns that a round is cut into. */
const SLICES = 3;
/** Threads whose memory is measured together. */
const FURTHER = 4;
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
  // Both are there at once and take turns, slice by slice: a shared machine is faster at one time than at another.
  // As much load for each thread: what is kept of people is kept in each.
  const [single, all] = [await opened(contest, 1), await opened(contest, workers, WARM_SECONDS * workers)];
  const [one, several]: Found[][] = [[], []];
  for (let i = 0; i < SLICES * rounds; i++) {
    const turn = [async () => one.push(await measured(contest, single)), async () => several.push(await measured(contest, all))];
    for (const slice of i % 2 === 0 ? turn : turn.reverse()) await slice();
  }
  await single.service.stop();
  await all.service.stop();
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
    memoryOfOneMoreMiB: await memoryOfOneMore(contest),
    one,
    several,
  };
}

/** Resident memory that a further thread takes: the mean of several, because garbage that is not collected yet decides the figure of one. */
async function memoryOfOneMore(contest: Contest): Promise<number> {
  const rss: number[] = [];
  for (const workers of [contest.workers, contest.workers + FURTHER]) {
    // As much load for each thread.
    const { service } = await opened(contest, workers, (WARM_SECONDS * workers) / contest.workers);
    rss.push((await service.usage()).rssBytes / MIB);
    await service.stop();
  }
  return round((rss[1] - rss[0]) / FURTHER);
}

interface Opened {
  readonly service: Contender;
  readonly asking: Asking;
  readonly workers: number;
}

async function opened({ folder, log, requests }: Contest, workers: number, warmSeconds = WARM_SECONDS): Promise<Opened> {
  const service = await startContender({ kind: 'service', folder, settings: { workers } }, log);
  const asking = new Asking(service, requests);
  await asking.measure({ seconds: warmSeconds, clients: CLIENTS });
  return { service, asking, workers };
}

async function measured({ seconds }: Contest, { service, asking, workers }: Opened): Promise<Found> {
  const before = await service.usage();
  const { perSecond, cpuMicrosEach, done, failed, cpuMicros } = await asking.measure({ seconds: seconds / SLICES, clients: CLIENTS });
  const after = await service.usage();
  return {
    perSecond: round(perSecond),
    serviceMicros: round(cpuMicrosEach),
    writerMicros: workers === 1 ? 0 : round((after.mainMicros - before.mainMicros) / done),
    generatorMicros: round(cpuMicros / done),
    rssMiB: round(after.rssBytes / MIB),
    failed,
  };
}
