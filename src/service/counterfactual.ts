/**
 * On a sample of the lists of an experiment the other arms' lists are made as well, after the reply, to mark lists that
 * all arms would have given alike: where nothing differs there is nothing to find, and a report can leave those lists
 * out. The mark is that of the query and the person, whatever arm served, so that narrowing to it favours no arm.
 */
import type { Context } from './context.ts';
import type { AssignmentPlan } from '../experiments/assignment.ts';
import { armShares, readArmsText } from '../experiments/assignment.ts';
import type { TreatmentPart } from '../treatment.ts';
import { mixedSeed, seededRandom, SERVING_STREAMS } from '../math/random.ts';
import { DEFAULT_TREATMENT } from '../treatment.ts';
import { relatedPins } from '../related-pins.ts';
import type { RankedList } from '../lists/ranked-list.ts';

interface MetArm {
  readonly plan: AssignmentPlan;
  readonly treatment: TreatmentPart;
}

export class Counterfactual {
  private readonly context: Context;

  constructor(context: Context) {
    this.context = context;
  }

  /** Compares the first page of a closeup with what the other arms would have shown, where the sample says so. */
  async compare(list: RankedList): Promise<void> {
    const { options } = list;
    if (options.arm === null || options.forced || options.cursor !== null) return;
    const met = this.armsOf(options.arm, options.now);
    for (const { plan } of met) {
      if (!sampled(`${plan.key} ${options.recommendationId}`, plan.counterfactualShare)) continue;
      this.context.experiments.exposures.noteCounterfactual(options.recommendationId, plan.key, await this.allAlike(list, plan, met));
    }
  }

  private armsOf(text: string, now: number): readonly MetArm[] {
    const plans = this.context.experiments.active.current(now);
    return readArmsText(text).flatMap(({ experiment, arm }) => {
      const plan = plans.find((each) => each.key === experiment);
      const index = plan?.armKeys.indexOf(arm) ?? -1;
      return plan && index >= 0 ? [{ plan, treatment: plan.treatments[index] }] : [];
    });
  }

  /** The arms of one experiment that get units are exchanged; what the person has of the others stays as it is. */
  private async allAlike(list: RankedList, plan: AssignmentPlan, met: readonly MetArm[]): Promise<boolean> {
    const { options, queryPinIndex } = list;
    const shares = armShares(plan);
    for (const own of plan.treatments.filter((_, arm) => shares[arm] > 0)) {
      const layers = met.map((each) => (each.plan === plan ? own : each.treatment));
      const treatment = Object.assign({}, DEFAULT_TREATMENT, ...layers);
      if (JSON.stringify(treatment) === JSON.stringify(options.treatment)) continue;
      const other = await relatedPins(this.context.parts, queryPinIndex, { ...options, treatment });
      if (!samePage(list, other)) return false;
    }
    return true;
  }
}

function sampled(text: string, share: number): boolean {
  return share > 0 && seededRandom(mixedSeed(SERVING_STREAMS.counterfactual, text)).next() < share;
}

function samePage(a: RankedList, b: RankedList): boolean {
  if (a.page.length !== b.page.length) return false;
  return a.page.every((row, place) => a.candidates.pinIndexes[row] === b.candidates.pinIndexes[b.page[place]]);
}
