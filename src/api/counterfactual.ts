/**
 * On a sample of the lists of an experiment the other arm's list is made as well, after the reply, to mark lists that
 * would have been the same: where nothing differs there is nothing to find, and a report can leave those lists out.
 */
import type { Context } from '../context.ts';
import { readArmsText } from '../experiments/assignment.ts';
import { ExposureStore } from '../experiments/exposure-store.ts';
import { mixedSeed, seededRandom } from '../math/random.ts';
import { DEFAULT_TREATMENT } from '../ranker/treatment.ts';
import { relatedPins } from '../related-pins.ts';
import type { RankedList } from '../serving/ranked-list.ts';

export class Counterfactual {
  private readonly context: Context;
  private store: ExposureStore | null = null;

  constructor(context: Context) {
    this.context = context;
  }

  /** Compares a closeup with what the other arm would have shown, when the sample says so. Does nothing otherwise. */
  async compare(list: RankedList): Promise<void> {
    const { options } = list;
    if (options.arm === null || options.forced || options.cursor !== null) return;
    const [served] = readArmsText(options.arm);
    const plan = this.context.experiments.current(options.now).find((each) => each.key === served?.experiment);
    if (!plan || !sampled(options.recommendationId, plan.counterfactualShare)) return;
    const other = plan.armKeys[0] === served.arm ? plan.treatments[1] : plan.treatments[0];
    const treatment = { ...DEFAULT_TREATMENT, ...other };
    const alternative = await relatedPins(this.context.parts, list.queryPinIndex, { ...options, treatment, arm: null });
    this.store ??= new ExposureStore(this.context.experimentDatabase);
    this.store.noteCounterfactual(options.recommendationId, samePage(list, alternative));
  }
}

function sampled(recommendationId: string, share: number): boolean {
  return share > 0 && seededRandom(mixedSeed(2, recommendationId)).next() < share;
}

function samePage(a: RankedList, b: RankedList): boolean {
  if (a.page.length !== b.page.length) return false;
  return a.page.every((row, place) => a.candidates.pinIndexes[row] === b.candidates.pinIndexes[b.page[place]]);
}
