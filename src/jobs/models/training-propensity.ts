/** Weights of pairs by how positions are looked at. */
import { ServiceError } from '../../errors.ts';
import type { LogData } from '../../ranker/training/log-data.ts';
import {
  type ExaminationCurve,
  examinationFromInterventions,
  examinationFromShuffled,
  propensityWeights,
} from '../../ranker/training/position-bias.ts';
import type { PropensityFlags } from './ranker-flags.ts';

export interface Propensity {
  readonly examination: ExaminationCurve;
  readonly weigh: (training: LogData) => { readonly better: Float64Array };
  /** The same for a part of the rows. */
  readonly again: (part: LogData) => { readonly better: Float64Array };
  /** Filled when the weights were made: the report states the clipping. */
  readonly told: { method: string; clip: number; clipped: number; curve: readonly number[] };
}

/** Weights of pairs by inverse examination, when asked for. */
export function propensityOf(data: LogData, { propensity: kind, clip }: PropensityFlags): Propensity | null {
  if (kind === 'none') return null;
  const examination = kind === 'randomized' ? examinationFromShuffled(data) : examinationFromInterventions(data);
  if (!examination)
    throw new ServiceError('NOTHING_TO_DO', {
      reason: `The log cannot tell how positions are looked at: ${kind === 'randomized' ? 'no list was served shuffled' : 'no pair was met at two positions'}.`,
    });
  const told = { method: kind, clip, clipped: 0, curve: examination.curve };
  const weigh = (training: LogData): { readonly better: Float64Array } => {
    const { better, clipped } = propensityWeights(training, examination, clip);
    told.clipped = clipped;
    return { better };
  };
  const again = (part: LogData): { readonly better: Float64Array } => propensityWeights(part, examination, clip);
  return { examination, weigh, again, told };
}
