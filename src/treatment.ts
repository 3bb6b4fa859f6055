/** What an experiment arm, or a caller, changes in serving. Variants A, B and C of the paper's section 6 are three of them. */
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { GRADE_MAX, GRADE_NAMES, GRADES } from './grades.ts';
import type { Shape } from './shape.ts';

const DOT_KNOBS = ['score', 'visual', 'annotation', 'conformity', 'agreement'] as const;

const FACTOR_MAX = 1000;
const Factor = Type.Number({ minimum: 0, maximum: FACTOR_MAX });
const Knob = Type.Optional(Factor);
const Grade = Type.Number({ minimum: -GRADE_MAX, maximum: GRADE_MAX });
const Names = Type.Array(Type.String({ minLength: 1 }), { minItems: 1 });

const Limit = Type.Optional(
  Type.Object(
    { most: Type.Integer({ minimum: 1, maximum: 100 }), of: Type.Integer({ minimum: 1, maximum: 50 }) },
    { additionalProperties: false, description: 'At most so many of one in any stretch of `of` items.' },
  ),
);

const FIELDS = {
  model: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
    description: 'A model of the registry by name; null: the one that serves.',
  }),
  sources: Type.Union([Names, Type.Null()], { description: 'Candidate sources by name; null: all there are.' }),
  visualFrom: Type.Union([Type.Literal('image'), Type.Literal('object')], {
    description: "Whose visual features stand for the query: the whole image, or its dominant object's crop where there is one.",
  }),
  whenDominantObject: Type.Object(
    {
      visualWeightFactor: Type.Number({
        minimum: 0,
        maximum: FACTOR_MAX,
        description: 'Multiplies the weights of fc6 and fc8 similarity and of the fc6 crosses when the query has a dominant object.',
      }),
    },
    { additionalProperties: false },
  ),
  dots: Type.Object(
    {
      show: Type.Union([Type.Literal('dots'), Type.Literal('box')]),
      thresholds: Type.Optional(
        Type.Object({ score: Knob, visual: Knob, annotation: Knob, conformity: Knob, agreement: Knob }, { additionalProperties: false }),
      ),
    },
    {
      additionalProperties: false,
      description:
        'Visual search: dots, each signal at least at the threshold given (absent: the fitted one), or one default box. Absent: dots by the fitted thresholds.',
    },
  ),
  composition: Type.Object(
    {
      method: Type.Union([Type.Literal('ssd'), Type.Literal('mmr'), Type.Literal('none')], {
        description: 'ssd: sliding spectrum decomposition; mmr: maximal marginal relevance; none: by score, within the limits.',
      }),
      weight: Type.Number({ minimum: 0, maximum: 100, description: 'Deviations of the scores that being quite new is worth.' }),
      window: Type.Integer({ minimum: 2, maximum: 50, description: 'Items that are looked at together, the one to be placed included.' }),
      limits: Type.Object({ domain: Limit, category: Limit }, { additionalProperties: false }),
    },
    {
      additionalProperties: false,
      description:
        'Places the items of a list one by one, the score less what resembles the items before. Such pages are not served shuffled. Absent: by score.',
    },
  ),
  exploration: Type.Object(
    {
      share: Type.Number({ minimum: 0, maximum: 0.5, description: 'Share of the places that go to pins with few impressions.' }),
      fewerThan: Type.Integer({ minimum: 1, maximum: 100_000, description: 'Impressions that a pin must have fewer of.' }),
    },
    {
      additionalProperties: false,
      description:
        'Gives places of first pages to pins that were hardly seen, drawn at random. Such pages are not served shuffled. Absent: none.',
    },
  ),
  grades: Type.Object(
    { save: Grade, longClick: Grade, click: Grade, closeup: Grade, seen: Grade, hide: Grade },
    {
      additionalProperties: false,
      description:
        "How much each action of the user's past says about what they want: what is worth more than seen speaks, in proportion. Absent: save 1, longClick 0.7, click 0.5, closeup 0.3.",
    },
  ),
};
type Field = keyof typeof FIELDS;
const { dots: Dots, grades: GradesSchema, composition: CompositionSchema, exploration: ExplorationSchema, ...always } = FIELDS;

export const TreatmentSchema = Type.Object({
  ...always,
  dots: Type.Optional(Dots),
  composition: Type.Optional(CompositionSchema),
  exploration: Type.Optional(ExplorationSchema),
  grades: Type.Optional(GradesSchema),
});
export type Treatment = Shape<typeof TreatmentSchema>;
export type Composition = NonNullable<Treatment['composition']>;
export type Exploration = NonNullable<Treatment['exploration']>;
/** Absent fields keep what serves. */
export type TreatmentPart = Partial<Treatment>;

/** The control: the model that serves, all sources, whole images, factor 1, fitted dots. */
export const DEFAULT_TREATMENT: Treatment = {
  model: null,
  sources: null,
  visualFrom: 'image',
  whenDominantObject: { visualWeightFactor: 1 },
};

const NAMED: Readonly<Record<string, TreatmentPart>> = {
  control: {},
  'variant A': { visualFrom: 'object' },
  'variant B': { visualFrom: 'object', whenDominantObject: { visualWeightFactor: 5 } },
  'variant C': { visualFrom: 'image', whenDominantObject: { visualWeightFactor: 5 } },
};
export const TREATMENT_NAMES: readonly string[] = Object.keys(NAMED);

/** A treatment with a name of its own: "variant C", or "variant-c" as requests write it. */
export function namedTreatment(name: string): TreatmentPart | null {
  const spoken = name.trim().replace(/^variant-([abc])$/, (_, letter: string) => `variant ${letter.toUpperCase()}`);
  return Object.hasOwn(NAMED, spoken) ? NAMED[spoken] : null;
}

/** What each field must be, in the words of a refusal. */
const MUST_BE: Readonly<Record<Field, string>> = {
  model: 'must be a name or null',
  sources: 'must be a list of names or null',
  visualFrom: 'must be image or object',
  whenDominantObject: `must be a record with visualWeightFactor, a number within 0..${FACTOR_MAX}`,
  dots: `must be a record with show (dots or box) and thresholds, numbers within 0..${FACTOR_MAX} for ${DOT_KNOBS.join(', ')}`,
  composition:
    'must be a record with method (ssd, mmr or none), weight (0..100), window (2..50) and limits, as {"domain": {"most": 2, "of": 8}, "category": ...}',
  exploration: 'must be a record with share, within 0..0.5, and fewerThan, a whole number of impressions from 1',
  grades: `must be a record with ${GRADE_NAMES.join(', ')}, numbers within -${GRADE_MAX}..${GRADE_MAX}`,
};

/** Why a record is no treatment; `field` is empty where it is no record at all. */
interface TreatmentProblem {
  readonly field: string;
  readonly problem: string;
}

/** Reads a record from outside. */
export function readTreatmentPart(given: unknown): TreatmentPart | TreatmentProblem {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return { field: '', problem: 'must be a name or a record' };
  const part: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(given)) {
    if (!Object.hasOwn(FIELDS, field))
      return { field, problem: `is no field of a treatment; there are: ${Object.keys(FIELDS).join(', ')}` };
    part[field] = filled(field as Field, value);
    if (!Value.Check(FIELDS[field as Field], part[field])) return { field, problem: MUST_BE[field as Field] };
  }
  return part;
}

export function isTreatmentProblem(read: TreatmentPart | TreatmentProblem): read is TreatmentProblem {
  return 'problem' in read;
}

/** What a record may leave out inside its fields. */
function filled(field: Field, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (field === 'whenDominantObject') return { visualWeightFactor: 1, ...value };
  if (field === 'composition') return { method: 'ssd', weight: 0.5, window: 8, limits: {}, ...value };
  if (field === 'exploration') return { share: 0, fewerThan: 20, ...value };
  if (field === 'grades') return { ...GRADES, ...value };
  return field === 'dots' ? { show: 'dots', thresholds: {}, ...value } : value;
}

/**
 * Reads a treatment from outside: a named one, a model's name, or a JSON record whose absent fields are the control's.
 * Returns the problem as text when it cannot be one.
 */
export function readTreatment(given: unknown): Treatment | string {
  if (typeof given === 'string') {
    const text = given.trim();
    const named = namedTreatment(text);
    if (named) return { ...DEFAULT_TREATMENT, ...named };
    if (!text.startsWith('{')) return text === '' ? 'is empty' : { ...DEFAULT_TREATMENT, model: text };
    try {
      return readTreatment(JSON.parse(text));
    } catch {
      return 'is neither a name nor a JSON record';
    }
  }
  const read = readTreatmentPart(given);
  if (!isTreatmentProblem(read)) return { ...DEFAULT_TREATMENT, ...read };
  return read.field === '' ? read.problem : `${read.field} ${read.problem}`;
}

const texts = new WeakMap<Treatment, string>();

/** A treatment as log and keys hold it: JSON, made once for each record. */
export function treatmentText(treatment: Treatment): string {
  let text = texts.get(treatment);
  if (text === undefined) texts.set(treatment, (text = JSON.stringify(treatment)));
  return text;
}

/** The factor that applies to a query: 1 without a dominant object. */
export function visualWeightFactorOf(treatment: Treatment, hasDominantObject: boolean): number {
  return hasDominantObject ? treatment.whenDominantObject.visualWeightFactor : 1;
}
