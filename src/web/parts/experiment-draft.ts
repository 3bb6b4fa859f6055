/** A definition as the form edits it: what the form does not know stays as it is. */
import type { Definition } from '../../api/experiment-schemas.ts';

export interface DraftArm {
  readonly key: string;
  readonly weight: number;
  readonly treatment?: unknown;
}

export type Draft = Partial<Omit<Definition, 'arms'>> & { readonly key: string; readonly arms: readonly DraftArm[] };

const arm = (key: string, weight: number, treatment: unknown): DraftArm => ({ key, weight, treatment });

const SHARED = {
  layer: { name: 'ranker', slots: [0, 1] as const },
  traffic: 0.1,
  metrics: ['engagement-rate', 'save-propensity'],
  guardrails: [
    { metric: 'latency-ms', margin: 5, marginUnit: 'absolute' as const },
    { metric: 'empty-lists', margin: 0.01, marginUnit: 'absolute' as const },
  ],
  minimumLift: 0.01,
  plannedDays: 14,
  expectedUnits: 20_000,
  counterfactualShare: 0.05,
};

/** Starting points: what is most often tried. The control is what serves now. */
export const TEMPLATES: Readonly<Record<string, (models: readonly string[], serving: string) => Draft>> = {
  'two models': (models, serving) => {
    const other = [...models].reverse().find((name) => name !== serving) ?? 'as-retrieved';
    return {
      ...SHARED,
      key: 'new-model',
      description: `${other} against ${serving}, which serves`,
      arms: [arm('control', 0.5, { model: serving }), arm('new', 0.5, { model: other })],
      eligibility: { surfaces: ['closeup'] },
    };
  },
  'dominant object': () => ({
    ...SHARED,
    key: 'dominant-object',
    description: 'variants A, B and C on fashion queries with a dominant object',
    arms: [
      arm('control', 0.25, {}),
      arm('variant A', 0.25, 'variant A'),
      arm('variant B', 0.25, 'variant B'),
      arm('variant C', 0.25, 'variant C'),
    ],
    eligibility: { categories: ['womens fashion', 'mens fashion'], dominantObject: true },
  }),
  sources: () => ({
    ...SHARED,
    key: 'without-annotations',
    description: 'candidates from boards and pictures only',
    arms: [arm('control', 0.5, {}), arm('fewer', 0.5, { sources: ['board-cooccurrence', 'visual-neighbors'] })],
    eligibility: { querySet: { popular: 5000 } },
  }),
};

/** With one arm more or less: all get the same share. */
export function withArms(draft: Draft, arms: readonly DraftArm[]): Draft {
  const share = Math.floor(10_000 / arms.length) / 10_000;
  const last = Number((1 - share * (arms.length - 1)).toFixed(4));
  return { ...draft, arms: arms.map((each, at) => ({ ...each, weight: at === arms.length - 1 ? last : share })) };
}

/** What an arm changes, as a choice: '' nothing, `model NAME`, a variant, or `other` for what only the JSON says. */
export function choiceOf(treatment: unknown): string {
  if (treatment === undefined || treatment === null) return '';
  if (typeof treatment === 'string') return treatment;
  const fields = Object.entries(treatment);
  if (fields.length === 0) return '';
  const [name, value] = fields[0];
  return fields.length === 1 && name === 'model' && typeof value === 'string' ? `model ${value}` : 'other';
}

export function treatmentOf(choice: string): unknown {
  if (choice === '') return {};
  return choice.startsWith('model ') ? { model: choice.slice(6) } : choice;
}
