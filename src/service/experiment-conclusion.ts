/** What is done with an experiment's verdict: its winner serves, or the control stays; with a reason, and written down. */
import { ServiceError } from '../errors.ts';
import type { Author, Experiment } from '../experiments/experiment-store.ts';
import type { Experiments } from '../experiments/experiments.ts';
import type { Context } from './context.ts';
import { promoteJudged } from './model-judge.ts';

export interface Conclusion {
  readonly decision: 'serve' | 'keep-control';
  /** The arm that is to serve. */
  readonly arm?: string | undefined;
  readonly why: string;
  /** Promote although the judge is against it, or cannot tell. */
  readonly force?: boolean | undefined;
}

/**
 * Ends an experiment. `serve` promotes the model of an arm first, so that a refused promotion leaves the experiment running.
 * Throws EXPERIMENT_STATE for a draft, EXPERIMENT_INVALID for an arm that is not a model alone, RANKER_GUARDRAIL, RANKER_UNJUDGED.
 */
export async function conclude(context: Context, core: Experiments, key: string, asked: Conclusion, author: Author): Promise<Experiment> {
  const experiment = core.store.get(key);
  const { state } = experiment;
  if (state !== 'running' && state !== 'stopped')
    throw new ServiceError('EXPERIMENT_STATE', { key, state, reason: 'only one that has run can be concluded', field: 'state' });
  const { why, force = false } = asked;
  const arm = asked.decision === 'serve' ? (asked.arm ?? experiment.definition.arms[1].key) : experiment.definition.arms[0].key;
  if (asked.decision === 'serve') {
    const decision = { who: author.by, why: `won the experiment ${key}: ${why}`, force };
    await promoteJudged(context, modelOf(experiment, arm), decision);
    await context.refresh();
  }
  if (state === 'running') core.store.stop(key, author);
  core.store.remark(key, 'concluded', `${asked.decision === 'serve' ? `${arm} serves` : `control ${arm} stays`}: ${why}`, author);
  return core.store.get(key);
}

/** The model that an arm is; anything else of a treatment cannot be promoted. */
function modelOf({ definition: { arms } }: Experiment, key: string): string {
  const arm = arms.find((each) => each.key === key);
  const refuse = (reason: string): never => {
    throw new ServiceError('EXPERIMENT_INVALID', { field: 'arm', reason });
  };
  if (!arm) return refuse(`there is no arm "${key}"; there are: ${arms.map((each) => each.key).join(', ')}`);
  const { model, ...rest } = arm.treatment;
  const others = Object.keys(rest);
  if (others.length > 0)
    return refuse(`${key} changes ${others.join(', ')}; only a model can be made to serve here, the rest is set in the configuration`);
  return model ?? refuse(`${key} names no model: it serves what serves now`);
}
