/**
 * The paper's experiments as definitions: visual features (section 6), category crosses and the dominant object (Table
 * 4). All in one layer, so that a person takes part in one of them; the last gets most people, for its effects are small.
 */
import type { FeatureSet } from '../../../src/ranker/scoring/ranking-feature.ts';
import type { ExperimentDefinition } from '../../../src/experiments/experiment.ts';
import { NOTHING_KNOWN, readDefinition } from '../../../src/experiments/experiment.ts';

/** Models of the replay: feature sets of train-ranker by name. */
export const PAPER_MODELS: Readonly<Record<string, readonly FeatureSet[]>> = {
  'paper-control': ['control'],
  'paper-visual': ['control', 'visual'],
  'paper-crosses': ['control', 'visual', 'cross'],
};

const FASHION = ['womens fashion', 'mens fashion'];

export function paperDefinitions(people: number, queries: number): readonly ExperimentDefinition[] {
  const shared = {
    metrics: ['engagement-rate', 'save-propensity'],
    guardrails: ['empty-lists'],
    attributionHours: 24,
  };
  const layer = (from: number, to: number) => ({ name: 'ranker', slots: [from, to] });
  const arm = (key: string, weight: number, treatment: unknown) => ({ key, weight, treatment });
  const crosses = { model: 'paper-crosses' };
  const factor5 = { whenDominantObject: { visualWeightFactor: 5 } };
  const read = (definition: Record<string, unknown>) => readDefinition({ ...shared, ...definition }, NOTHING_KNOWN);
  return [
    read({
      key: 'paper-visual',
      description: 'fc6 and fc8 similarity with their indicators against the control features',
      layer: layer(0, 0.2),
      eligibility: { querySet: { popular: queries } },
      expectedUnits: Math.max(500, people * 0.2),
      arms: [arm('control', 0.5, { model: 'paper-control' }), arm('+ fc6 and fc8', 0.5, { model: 'paper-visual' })],
    }),
    read({
      key: 'paper-crosses',
      description: 'category x fc6 crosses on top of the visual features',
      layer: layer(0.2, 0.4),
      eligibility: { querySet: { popular: queries } },
      expectedUnits: Math.max(500, people * 0.2),
      arms: [arm('visual features', 0.5, { model: 'paper-visual' }), arm('+ category crosses', 0.5, crosses)],
    }),
    read({
      key: 'paper-objects',
      description: 'the dominant visual object on fashion queries that have one',
      layer: layer(0.4, 1),
      eligibility: { categories: FASHION, dominantObject: true },
      expectedUnits: Math.max(500, people * 0.3),
      arms: [
        arm('visual and crosses', 0.25, crosses),
        arm('variant A', 0.25, { ...crosses, visualFrom: 'object' }),
        arm('variant B', 0.25, { ...crosses, visualFrom: 'object', ...factor5 }),
        arm('variant C', 0.25, { ...crosses, visualFrom: 'image', ...factor5 }),
      ],
    }),
  ];
}
