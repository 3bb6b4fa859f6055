/**
 * What would a treatment have earned that never served? Estimated from the lists of the log that were served shuffled:
 * IPS, self-normalized IPS and doubly robust, with the effective sample size and an alarm where support is missing.
 * The treatment is asked as of the moment of each list: the person's history and what they had seen end there, and nothing that
 * counts engagement takes part (no clicks over expected clicks, no remembered winners), because that knows what people did with
 * the very list. Candidate lists, popularity and models are those of today.
 */
import { openContext } from '../../service/context.ts';
import type { Context } from '../../service/context.ts';
import { ServiceError } from '../../errors.ts';
import type { StoredList } from '../../catalog/log/served-list-log.ts';
import type { ReplayList } from '../../experiments/statistics/replay.ts';
import { fitRewardModel, replayValue } from '../../experiments/statistics/replay.ts';
import { readTreatment, type Treatment } from '../../treatment.ts';
import { relatedPins } from '../../related-pins.ts';
import { withoutLog } from '../../lists/serving-parts.ts';
import { plainOptions } from '../../lists/serve-list.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  { flag: '--treatment <treatment>', meaning: 'a model, a variant, or a treatment as JSON', required: true },
  { flag: '--places <k>', meaning: 'places of the list that are valued', kind: 'integer', default: 25 },
  { flag: '--hours <h>', meaning: 'actions later than this after the list do not count', kind: 'number', default: 24 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'replay-treatment',
  summary: 'what a treatment that never served would have earned, by the shuffled share of the log',
  examples: [
    'related-pins replay-treatment --treatment rank-svm-3',
    'related-pins replay-treatment --treatment \'{"visualFrom":"object"}\' --json',
  ],
  options: FLAGS,
  run: replay,
  describe: (receipt) => Object.entries(receipt).map(([name, value]) => `${name}: ${JSON.stringify(value)}`),
});

async function replay({ options, config, dataFolder, progress, signal }: Input) {
  const treatment = readTreatment(options.treatment);
  if (typeof treatment === 'string') throw new ServiceError('JOB_USAGE', { reason: `--treatment ${treatment}` });
  const places = options.places;
  const context = await openContext(config, dataFolder);
  try {
    const lists: ReplayList[] = [];
    progress.start('ordering shuffled lists again', 0);
    for (const list of context.log.lists.lists({ surfaces: ['closeup'], withRows: false })) {
      if (signal.aborted) throw new ServiceError('JOB_STOPPED');
      if (!list.shuffled || list.forced || list.queryPinIndex < 0) continue;
      lists.push(await replayListOf(context, list, treatment, places, options.hours));
      progress.update(lists.length);
    }
    progress.stop();
    if (lists.length === 0)
      throw new ServiceError('NOTHING_TO_DO', { reason: 'No list of the log was served shuffled; see RELATED_PINS_SHUFFLED_SHARE.' });
    return { ...crossFitted(lists), servedValue: valueOf(lists) };
  } finally {
    await context.close();
  }
}

/**
 * The reward model that helps a list was fitted on the lists of the other half of the people (cross-fitting): one that has seen
 * the rewards it explains would make doubly robust look surer than it is.
 */
function crossFitted(lists: readonly ReplayList[]) {
  const units = [...new Set(lists.map(({ unit }, i) => unit ?? i))];
  const placeOf = new Map(units.map((unit, place) => [unit, place % 2]));
  const halfOf = new Map(lists.map((list, i) => [list, placeOf.get(list.unit ?? i) ?? 0]));
  const models = [0, 1].map((half) => fitRewardModel(lists.filter((list) => halfOf.get(list) === half)));
  return replayValue(lists, lists.length < 4 ? null : (list, item, place) => models[1 - (halfOf.get(list) ?? 0)](list, item, place));
}

async function replayListOf(
  { log, parts }: Context,
  list: StoredList,
  treatment: Treatment,
  places: number,
  hours: number,
): Promise<ReplayList> {
  const { items } = list;
  const shown = Array.from(items.positions.keys())
    .filter((i) => items.positions[i] > 0)
    .sort((a, b) => items.positions[a] - items.positions[b]);
  const engaged = new Set<number>();
  for (const { type, pinIndex, at } of log.events.eventsOf(list.listIndex))
    if (type !== 'impression' && type !== 'closeup' && at <= list.at + hours * 3_600_000) engaged.add(pinIndex);
  const logged = Int32Array.from(shown, (i) => items.pinIndexes[i]);
  const given = {
    treatment,
    forced: true,
    userId: list.userId,
    limit: logged.length,
    now: list.at,
    recommendationId: list.recommendationId,
  };
  const target = await relatedPins(withoutLog(parts), list.queryPinIndex, plainOptions(given));
  return {
    unit: list.userId,
    logged,
    rewards: Float64Array.from(logged, (pinIndex) => (engaged.has(pinIndex) ? 1 : 0)),
    target: Int32Array.from(target.page.subarray(0, places), (row) => target.candidates.pinIndexes[row]),
  };
}

/** Engaged items per place of the shuffled lists themselves, at the places that are valued: to set the estimates beside. */
function valueOf(lists: readonly ReplayList[]): number {
  let earned = 0;
  let places = 0;
  for (const { rewards, target } of lists) {
    const valued = Math.min(rewards.length, target.length);
    for (let place = 0; place < valued; place++) earned += rewards[place];
    places += valued;
  }
  return places === 0 ? 0 : earned / places;
}
