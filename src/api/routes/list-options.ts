import { PIN_REMOVED, type PinColumns } from '../../catalog/pins/pin-columns.ts';
import type { Context } from '../../service/context.ts';
import { ServiceError } from '../../errors.ts';
import type { Decision } from '../../experiments/active-experiments.ts';
import { labelsOf } from '../../experiments/own-metrics.ts';
import { armsText } from '../../experiments/assignment.ts';
import { newId } from '../../math/random.ts';
import { DEFAULT_TREATMENT, readTreatment, type Treatment } from '../../treatment.ts';
import type { ListOptions } from '../../lists/ranked-list.ts';
import type { Degradation } from '../../lists/serving-parts.ts';
import { askedFilter, type Names } from './item-fields.ts';

/** What list requests share, as the schemas let it through. */
interface ListRequest {
  readonly userId?: string;
  readonly sessionId?: string;
  readonly limit?: number;
  readonly cursor?: string;
  readonly exclude?: readonly string[];
  readonly category?: string;
  readonly buyable?: boolean;
  readonly explain?: boolean;
  readonly treatment?: string;
  readonly filter?: Names;
  /** NAME:VALUE, separated by commas. */
  readonly dimensions?: string;
}

/** The ordinal of a pin id, -1 when it is unknown or was taken away. */
export function livePin(pins: PinColumns, id: string): number {
  const pinIndex = pins.indexOf(id);
  return pinIndex >= 0 && (pins.flags[pinIndex] & PIN_REMOVED) !== 0 ? -1 : pinIndex;
}

/** The pin of a request. @throws CATALOG_PIN_UNKNOWN */
export function pinOf({ pins }: Context, id: string): number {
  const pinIndex = livePin(pins, id);
  if (pinIndex < 0) throw new ServiceError('CATALOG_PIN_UNKNOWN', { pinId: id });
  return pinIndex;
}

/** Options of a list with its filters on fields. @throws REQUEST_INVALID for a filter that is none. */
export async function filteredListOptions(
  context: Context,
  request: ListRequest,
  query: { readonly surface: string; readonly pinIndex: number },
): Promise<ListOptions> {
  const options = listOptions(context, request, query);
  const filter = await askedFilter(context, request.filter);
  if (filter === null) return options;
  return { ...options, filter: filter.test, degraded: [...(options.degraded ?? []), ...filter.degraded] };
}

/** Options of a list: the treatment the caller forced, or that of the running experiments' arms. */
export function listOptions(
  context: Context,
  request: ListRequest,
  query: { readonly surface: string; readonly pinIndex: number },
): ListOptions {
  const now = Date.now();
  const { userId = null, sessionId = null } = request;
  const forced = request.treatment !== undefined;
  const recommendationId = newId();
  const decision = forced ? null : context.decide({ userId, sessionId }, query, now);
  const { labels, refused } = labelsAsked(context, request.dimensions);
  return {
    treatment: forced ? forcedTreatment(request.treatment ?? '') : treatmentOf(decision),
    forced: forced || (decision?.arms.some((arm) => arm.forced) ?? false),
    arm: armsText(decision?.arms ?? []),
    userId,
    sessionId,
    labels,
    degraded: [...degradationsOf(decision), ...refused],
    interleave: decision?.interleave?.map(({ key, treatment }) => ({ key, treatment: { ...DEFAULT_TREATMENT, ...treatment } })) ?? null,
    limit: request.limit ?? 25,
    cursor: request.cursor ?? null,
    exclude: excluded(context, request.exclude),
    category: request.category ?? null,
    buyableOnly: request.buyable ?? false,
    explain: request.explain ?? false,
    keepInputs: !forced && (context.darkReading.wants(recommendationId) || context.darkNetReading.wants(recommendationId)),
    now,
    recommendationId,
  };
}

/** A list is served without its labels while `metrics.json` is refused, and says so. @throws REQUEST_INVALID for an unknown dimension. */
function labelsAsked({ ownMetrics }: Context, asked = ''): Pick<ListOptions, 'labels'> & { readonly refused: readonly Degradation[] } {
  if (asked === '') return { refused: [] };
  const problem = ownMetrics.problem();
  if (problem !== null) return { refused: [{ code: 'METRICS_REFUSED', reason: problem }] };
  const labels = labelsOf(ownMetrics.current(), asked);
  return { ...(Object.keys(labels).length > 0 ? { labels } : {}), refused: [] };
}

/** Requests outside experiments share one record. */
function treatmentOf(decision: Decision | null): Treatment {
  return decision === null || decision.arms.length === 0 ? DEFAULT_TREATMENT : { ...DEFAULT_TREATMENT, ...decision.treatment };
}

/** Arms whose model is gone: the control's treatment serves, and the reply, the log and the report say so. */
function degradationsOf(decision: Decision | null): readonly Degradation[] {
  return (decision?.missingModels ?? []).map(({ experiment, arm, model }) => ({
    code: 'RANKER_MODEL_UNKNOWN',
    reason: `There is no model ${model}, which arm ${arm} of ${experiment} asks for; the control serves.`,
  }));
}

/** A value that is a pin's id is meant whole; others are ids with commas between them. */
function excluded({ pins }: Context, given: readonly string[] = []): ReadonlySet<number> {
  const ids = given.flatMap((text) => (pins.indexOf(text) >= 0 ? [text] : text.split(',').map((id) => id.trim())));
  return new Set(ids.map((id) => pins.indexOf(id)).filter((pinIndex) => pinIndex >= 0));
}

/** A variant's name, a model's name, or a record as JSON; empty: the control. @throws REQUEST_INVALID naming the field. */
function forcedTreatment(text: string): Treatment {
  if (text === '') return DEFAULT_TREATMENT;
  const treatment = readTreatment(text);
  if (typeof treatment === 'string') throw new ServiceError('REQUEST_INVALID', { field: 'treatment', detail: `treatment ${treatment}` });
  return treatment;
}
