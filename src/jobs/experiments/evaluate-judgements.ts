/** A model measured on what people judged by hand: the graded candidates of a study, in the order the model would show. */
import { openContext } from '../../service/context.ts';
import { ServiceError } from '../../errors.ts';
import type { GradedLabel } from '../../experiments/judgement-store.ts';
import { seededRandom } from '../../math/random.ts';
import { AS_RETRIEVED } from '../../ranker/measures/baselines.ts';
import { bootstrapMean } from '../../math/bootstrap.ts';
import { gradesByScore, ndcg } from '../../ranker/measures/ranking-metrics.ts';
import { DEFAULT_TREATMENT } from '../../treatment.ts';
import { relatedPins } from '../../related-pins.ts';
import { plainOptions } from '../../lists/serve-list.ts';
import type { ServingParts } from '../../lists/serving-parts.ts';
import type { JobInput } from '../job.ts';

/** Depth of the lists in which judged candidates are looked for; those not found stand last. */
const DEPTH = 200;
const NDCG_AT = 10;

interface JudgementsOptions {
  /** The study. */
  readonly judgements?: string;
  /** Absent: the serving one. */
  readonly model?: string;
  readonly seed: number;
}

export async function evaluateJudgements({ options, config, dataFolder }: JobInput<JudgementsOptions>) {
  const { judgements: study = '', seed } = options;
  const context = await openContext(config, dataFolder);
  try {
    const store = context.experiments.judgements;
    const byQuery = queriesOf(store.labels(study));
    if (byQuery.size === 0) {
      const reason = `No graded judgement in study ${study}; there are: ${store.studies().join(', ') || 'none'}.`;
      throw new ServiceError('NOTHING_TO_DO', { reason });
    }
    const model = options.model ?? context.registry.roles().serving;
    const contenders = { model, asRetrieved: AS_RETRIEVED };
    const values: Record<string, number[]> = { model: [], asRetrieved: [], shuffled: [] };
    const random = seededRandom(seed);
    for (const [queryPinId, labels] of byQuery) {
      const grades = labels.map(({ grade }) => grade);
      const add = (name: string, scores: readonly number[]): void => {
        const value = ndcg(gradesByScore(grades, scores), NDCG_AT);
        if (value !== null) values[name].push(value);
      };
      for (const [name, ranker] of Object.entries(contenders)) add(name, await placesBy(context.parts, ranker, queryPinId, labels));
      add(
        'shuffled',
        labels.map(() => random.next()),
      );
    }
    const { agreement, selfAgreement, judges } = store.summary(study);
    const ndcg10 = Object.fromEntries(Object.entries(values).map(([name, list]) => [name, bootstrapMean(list, seed)]));
    const judged = [...byQuery.values()].reduce((sum, labels) => sum + labels.length, 0);
    const queriesWithoutPositive = byQuery.size - values.model.length;
    return { model, study, queries: byQuery.size, queriesWithoutPositive, judged, judges, agreement, selfAgreement, ndcg10 };
  } finally {
    await context.close();
  }
}

function queriesOf(labels: readonly GradedLabel[]): ReadonlyMap<string, readonly GradedLabel[]> {
  const byQuery = new Map<string, GradedLabel[]>();
  for (const label of labels) byQuery.set(label.queryPinId, [...(byQuery.get(label.queryPinId) ?? []), label]);
  return byQuery;
}

/** Minus the place of each judged candidate on the list a ranker would show. */
async function placesBy(parts: ServingParts, model: string, queryPinId: string, labels: readonly GradedLabel[]): Promise<number[]> {
  const { pins } = parts;
  const query = pins.indexOf(queryPinId);
  if (query < 0) return labels.map(() => -DEPTH);
  const treatment = { ...DEFAULT_TREATMENT, model };
  const given = { treatment, forced: true, limit: DEPTH, now: Date.now(), recommendationId: `judged ${queryPinId}` };
  const list = await relatedPins(parts, query, plainOptions(given));
  const places = new Map(Array.from(list.page, (row, place) => [list.candidates.pinIndexes[row], place]));
  return labels.map(({ pinId }) => -(places.get(pins.indexOf(pinId)) ?? DEPTH));
}
