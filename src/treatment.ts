/**
 * What an experiment arm changes in serving. One record that serving and the experiment both read; variants A, B and C
 * of the paper's section 6 are three of them.
 */
export interface Treatment {
  /** A model of the registry by name; null: the one that is being served. */
  readonly model: string | null;
  /** Candidate sources by name; null: all there are. */
  readonly sources: readonly string[] | null;
  /** Whose visual features stand for the query: the whole image, or its dominant object's crop where there is one. */
  readonly visualFrom: 'image' | 'object';
  readonly whenDominantObject: {
    /** Multiplies the weights of fc6 and fc8 similarity and of the fc6 crosses when the query has a dominant object. */
    readonly visualWeightFactor: number;
  };
  /** How objects inside a picture are offered to visual search; absent: dots by the fitted thresholds. */
  readonly dots?: DotsTreatment;
}

/** Dots, each signal at least at the threshold given (absent: the fitted one), or one default box (paper, section 7). */
export interface DotsTreatment {
  readonly show: 'dots' | 'box';
  readonly thresholds?: { readonly [K in DotKnob]?: number };
}

export const DOT_KNOBS = ['score', 'visual', 'annotation', 'conformity', 'agreement'] as const;
export type DotKnob = (typeof DOT_KNOBS)[number];

/** Reads a dots treatment from outside; returns the problem as text when it cannot be one. */
export function readDotsTreatment(given: unknown): DotsTreatment | string {
  const { show = 'dots', thresholds = {} } = (given ?? {}) as { show?: unknown; thresholds?: Record<string, unknown> };
  if (show !== 'dots' && show !== 'box') return 'dots.show is dots or box';
  const wrong = Object.entries(thresholds).find(
    ([name, value]) => !DOT_KNOBS.some((knob) => knob === name) || typeof value !== 'number' || !Number.isFinite(value),
  );
  if (wrong) return `dots.thresholds takes numbers for ${DOT_KNOBS.join(', ')}; it has ${wrong[0]}`;
  return { show, thresholds: thresholds as DotsTreatment['thresholds'] };
}

/** The control: the promoted model, all sources, whole images, factor 1, fitted dots. */
export const DEFAULT_TREATMENT: Treatment = {
  model: null,
  sources: null,
  visualFrom: 'image',
  whenDominantObject: { visualWeightFactor: 1 },
};

const texts = new WeakMap<Treatment, string>();

/** A treatment as log and keys hold it: JSON, made once for each record. */
export function treatmentText(treatment: Treatment): string {
  let text = texts.get(treatment);
  if (text === undefined) texts.set(treatment, (text = JSON.stringify(treatment)));
  return text;
}

/** The treatments that have a name of their own (DESIGN section 8; the paper's Table 4). */
export const NAMED_TREATMENTS: Readonly<Record<string, Treatment>> = {
  control: DEFAULT_TREATMENT,
  'variant-a': { ...DEFAULT_TREATMENT, visualFrom: 'object' },
  'variant-b': { ...DEFAULT_TREATMENT, visualFrom: 'object', whenDominantObject: { visualWeightFactor: 5 } },
  'variant-c': { ...DEFAULT_TREATMENT, whenDominantObject: { visualWeightFactor: 5 } },
};

/**
 * Reads a treatment from outside: a named one, a model's name, or a JSON record whose absent fields are the control's.
 * Returns the problem as text when it cannot be one.
 */
export function readTreatment(given: unknown): Treatment | string {
  if (typeof given === 'string') {
    const text = given.trim();
    const name = text.replace(/^variant ([ABC])$/, (_, letter: string) => `variant-${letter.toLowerCase()}`);
    if (Object.hasOwn(NAMED_TREATMENTS, name)) return NAMED_TREATMENTS[name];
    if (!text.startsWith('{')) return text === '' ? 'is empty' : { ...DEFAULT_TREATMENT, model: text };
    try {
      return readTreatment(JSON.parse(text));
    } catch {
      return 'is neither a name nor a JSON record';
    }
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return 'must be a name or a record';
  const record = given as Record<string, unknown>;
  const unknown = Object.keys(record).filter((field) => !['model', 'sources', 'visualFrom', 'whenDominantObject', 'dots'].includes(field));
  if (unknown.length > 0) return `has the unknown field ${unknown[0]}`;
  const { model = null, sources = null, visualFrom = 'image', whenDominantObject = {} } = record;
  if (model !== null && (typeof model !== 'string' || model === '')) return 'model must be a name or null';
  if (sources !== null && !(Array.isArray(sources) && sources.length > 0 && sources.every((name) => typeof name === 'string')))
    return 'sources must be a list of names or null';
  if (visualFrom !== 'image' && visualFrom !== 'object') return 'visualFrom must be image or object';
  if (typeof whenDominantObject !== 'object' || whenDominantObject === null) return 'whenDominantObject must be a record';
  const factor = (whenDominantObject as Record<string, unknown>).visualWeightFactor ?? 1;
  if (typeof factor !== 'number' || !Number.isFinite(factor) || factor < 0) return 'visualWeightFactor must be a number of 0 or more';
  const treatment: Treatment = { model, sources, visualFrom, whenDominantObject: { visualWeightFactor: factor } };
  if (record.dots === undefined) return treatment;
  const dots = readDotsTreatment(record.dots);
  return typeof dots === 'string' ? dots : { ...treatment, dots };
}

/** The factor that applies to a query: 1 without a dominant object. */
export function visualWeightFactorOf(treatment: Treatment, hasDominantObject: boolean): number {
  return hasDominantObject ? treatment.whenDominantObject.visualWeightFactor : 1;
}
