/**
 * How many workers, threads of each and images at once get the most out of this machine for a net: measured in a few seconds on
 * drawn pictures, kept by net and machine, and overruled by whatever is given.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { drawSvg } from './image-tensor.ts';
import { InferencePool } from './inference-pool.ts';
import { readNet } from './net-manifest.ts';
import { cudaAvailable, type ProviderChoice } from './onnx-session.ts';
import { replaceFile } from '../swapped-file.ts';

export interface InferencePlan {
  readonly workers: number;
  /** Intra-op threads of each worker. */
  readonly threads: number;
  /** Images a net sees at once. */
  readonly batch: number;
}

export interface ChosenPlan extends InferencePlan {
  /** given: by settings; usual: too few images to be worth a measurement; measured: just now; kept: from an earlier run. */
  readonly source: 'given' | 'usual' | 'measured' | 'kept';
  /** From JPEG file to activations, as measured; null where nothing was. */
  readonly imagesPerSecond: number | null;
}

export interface PlanRequest {
  readonly netFolder: string;
  readonly dataFolder: string;
  readonly provider: ProviderChoice;
  /** Images that wait: for a few the usual plan does. */
  readonly images: number;
  /** What people have decided. */
  readonly given: Partial<InferencePlan>;
  /** Called before a measurement, which takes some seconds. */
  told?(): void;
}

/** Rates of plans, best first or not; the seam by which tests do without a clock. */
export type PlanMeasure = (netFolder: string, plans: readonly InferencePlan[], provider: ProviderChoice) => Promise<number[]>;

const USUAL_BATCH = 8;
const BATCHES = [1, 4, 8, 16, 32];
/** Fewer images are done before a measurement would pay. */
const WORTH_IMAGES = 500;
/** A plan with more in it must be so much faster: measurements of a second differ by some percent. */
const FASTER = 1.03;
const MEASURE_MS = 700;

export async function chooseInferencePlan(request: PlanRequest, measure: PlanMeasure = measurePlans): Promise<ChosenPlan> {
  const { given, netFolder, dataFolder, provider, images } = request;
  const cores = availableParallelism();
  const usual: InferencePlan = { workers: cores, threads: 1, batch: USUAL_BATCH, ...given };
  if (given.workers && given.threads && given.batch) return { ...usual, source: 'given', imagesPerSecond: null };
  const file = join(dataFolder, 'nets', 'inference-plans.json');
  const key = planKey(readNet(netFolder).digest, provider, given);
  const kept = readPlans(file);
  if (kept[key]) return { ...kept[key], source: 'kept' };
  if (images < WORTH_IMAGES) return { ...usual, source: 'usual', imagesPerSecond: null };
  request.told?.();
  const first = await best(splitsOf(usual, cores, given), netFolder, provider, measure);
  const batches = given.batch ? [] : BATCHES.filter((batch) => batch !== USUAL_BATCH).map((batch) => ({ ...first.plan, batch }));
  const last = await best(batches, netFolder, provider, measure, first);
  const chosen = { ...last.plan, imagesPerSecond: Math.round(last.rate * 10) / 10 };
  keepPlan(file, key, chosen);
  return { ...chosen, source: 'measured' };
}

/** A core to each worker, all cores to one, and the halves between. */
function splitsOf(usual: InferencePlan, cores: number, given: Partial<InferencePlan>): InferencePlan[] {
  const splits: InferencePlan[] = [usual];
  for (let threads = 2; threads <= cores; threads *= 2) {
    const workers = Math.max(1, Math.floor(cores / threads));
    const plan = { workers, threads, batch: USUAL_BATCH, ...given };
    if (!splits.some((other) => other.workers === plan.workers && other.threads === plan.threads)) splits.push(plan);
  }
  return splits;
}

interface Measured {
  readonly plan: InferencePlan;
  readonly rate: number;
}

/** The fastest; earlier ones keep their place unless a later one is clearly faster. */
async function best(
  plans: readonly InferencePlan[],
  netFolder: string,
  provider: ProviderChoice,
  measure: PlanMeasure,
  so?: Measured,
): Promise<Measured> {
  const rates = await measure(netFolder, plans, provider);
  const all = [...(so ? [so] : []), ...plans.map((plan, i) => ({ plan, rate: rates[i] }))];
  return all.reduce((winner, one) => (one.rate > winner.rate * FASTER ? one : winner));
}

/** Everything a rate depends on: the net, the machine, the runtime's provider, and what was not free to choose. */
function planKey(digest: string, provider: ProviderChoice, given: Partial<InferencePlan>): string {
  const machine = [process.arch, cpus()[0]?.model ?? '', availableParallelism(), provider !== 'cpu' && cudaAvailable()];
  const text = JSON.stringify([digest, machine, provider, given.workers ?? 0, given.threads ?? 0, given.batch ?? 0]);
  return `${digest.slice(0, 8)}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}

type Kept = Readonly<Record<string, InferencePlan & { readonly imagesPerSecond: number }>>;

/** A file that cannot be read is measured again: it holds nothing else. */
function readPlans(file: string): Kept {
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Kept;
  } catch {
    return {};
  }
}

function keepPlan(file: string, key: string, plan: Kept[string]): void {
  replaceFile(file, `${JSON.stringify({ ...readPlans(file), [key]: plan }, null, 1)}\n`);
}

/** Images a second of each plan, in a pool of its own, on JPEG pictures of 480 x 360. */
async function measurePlans(netFolder: string, plans: readonly InferencePlan[], provider: ProviderChoice): Promise<number[]> {
  const bytes = await drawSvg(PICTURE, 'jpeg');
  const rates: number[] = [];
  for (const plan of plans) {
    const pool = new InferencePool({ ...plan, provider });
    try {
      await pool.warmUp(netFolder);
      const part = Array.from({ length: 2 * plan.workers * plan.batch }, () => ({ bytes }));
      await pool.embed(netFolder, part.slice(0, plan.workers * plan.batch));
      const startedAt = performance.now();
      let done = 0;
      for (; performance.now() - startedAt < MEASURE_MS; done += part.length) await pool.embed(netFolder, part);
      rates.push((done * 1000) / (performance.now() - startedAt));
    } finally {
      await pool.close();
    }
  }
  return rates;
}

const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" width="480" height="360"><filter id="grain"><feTurbulence baseFrequency="0.05" numOctaves="3" seed="7"/></filter><rect width="480" height="360" filter="url(#grain)"/><circle cx="240" cy="180" r="110" fill="#c86"/></svg>`;
