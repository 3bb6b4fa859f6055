import { type ChosenPlan, chooseInferencePlan } from '../../vision/inference-plan.ts';
import type { JobInput } from '../job.ts';

/** Workers, threads and batch for a job over `images` images: flags first, then settings, then what was or is measured. */
export interface PlanFlags {
  readonly workers?: number;
  readonly threads?: number;
  readonly batch?: number;
}

export function planFor(
  { options, config, dataFolder, progress }: JobInput<PlanFlags>,
  netFolder: string,
  images: number,
): Promise<ChosenPlan> {
  const given = {
    ...numbered('workers', options.workers),
    ...numbered('threads', options.threads ?? config.inferenceThreads),
    ...numbered('batch', options.batch ?? config.inferenceBatch),
  };
  const provider = config.executionProvider;
  const told = (): void => progress.note('measuring how many workers, threads and images at once suit this machine');
  return chooseInferencePlan({ netFolder, dataFolder, provider, images, given, told });
}

/** Nothing for 0 or an absent value: not decided. */
function numbered(name: string, value: unknown): Readonly<Record<string, number>> {
  return typeof value === 'number' && value > 0 ? { [name]: value } : {};
}

export function toldPlan({ workers, threads, batch, source, imagesPerSecond }: ChosenPlan): string {
  const rate = imagesPerSecond === null ? '' : `, ${imagesPerSecond} images a second`;
  return `${workers} workers of ${threads} thread${threads === 1 ? '' : 's'}, ${batch} images at once (${source}${rate})`;
}
