/** What visual search and Lens replies share: the head of the list, and its record in the log. */
import { publicDegradations } from '../public-degradations.ts';
import type { FastifyRequest } from 'fastify';
import { plainItems, type LoggedRegion, type ServedList, type Surface } from '../../catalog/log/served-list.ts';
import type { Context } from '../../service/context.ts';
import { ServiceError } from '../../errors.ts';
import type { FoundRegion } from '../../search/region.ts';
import type { SalientColour } from '../../search/salient-colours.ts';
import { recordOf } from '../../lists/served-record.ts';
import type { ListOptions } from '../../lists/ranked-list.ts';
import type { Degradation } from '../../lists/serving-parts.ts';
import { armsTold } from '../../experiments/assignment.ts';
import { listOptions } from './list-options.ts';
import { logServed } from '../shell/log-served.ts';
import type { Metrics } from '../shell/metrics.ts';
import type { VisualQuestion } from './visual-query.ts';

/** Who asks, in which arm, under which treatment. */
export function visualOptions(context: Context, { request, pinIndex, filter }: VisualQuestion, surface: Surface): ListOptions {
  const { userId, sessionId, dimensions, treatment } = request;
  const options = listOptions(context, { userId, sessionId, dimensions, treatment }, { surface, pinIndex });
  return filter ? { ...options, degraded: [...(options.degraded ?? []), ...filter.degraded] } : options;
}

export function listHead(context: Context, options: ListOptions, missing: readonly string[] = []) {
  const { recommendationId, treatment, arm, userId } = options;
  const [modelVersion, degraded] = [modelVersionOf(context), publicDegradations(degradedOf(context, options))];
  return { recommendationId, modelVersion, treatment, arm: armsTold(arm), userId, degraded, missing };
}

/** `vectors`: the net gives short vectors and this picture has none yet, so codes alone are compared. */
export function missingOf({ sources, look }: Pick<FoundRegion, 'sources' | 'look'>): readonly string[] {
  return sources.vectors && !look.embedding ? ['vectors'] : [];
}

/** What was missing: of this process, and of this request's experiments. */
function degradedOf(context: Context, { degraded = [] }: ListOptions): readonly Degradation[] {
  return [...context.degraded, ...degraded];
}

function modelVersionOf({ visual }: Context): string {
  return `hamming ${visual?.netDigest.slice(0, 12) ?? ''}`.trim();
}

export function coloursOf(colours: readonly SalientColour[]) {
  return colours.map(({ colour, lab, share }) => ({ hex: colour, lab, share }));
}

/** Where a page begins: cursors of visual lists are places. Throws REQUEST_INVALID. */
export function placeOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (!/^\d{1,6}$/.test(cursor)) throw new ServiceError('REQUEST_INVALID', { field: 'cursor', detail: 'cursor: it is not one of ours' });
  return Number(cursor);
}

interface VisualListRecord {
  readonly surface: Surface;
  readonly options: ListOptions;
  readonly pinIndex: number;
  readonly region: LoggedRegion | null;
  /** Place of the first item, from 0. */
  readonly start: number;
  readonly items: readonly { readonly pinIndex: number; readonly score: number; readonly source: string }[];
  readonly startedAt: number;
}

/**
 * Counts a visual list and writes what it was into the request's log line. The served-list log holds such lists too (without
 * ranking-feature rows), after the reply: Flashlight save propensity is counted from them, and events may refer to them.
 */
export function logVisualList(context: Context, metrics: Metrics, request: FastifyRequest, record: VisualListRecord): void {
  const { surface, options, pinIndex, items } = record;
  const degraded = degradedOf(context, options);
  metrics.sent({ surface, degraded });
  Object.assign(request.line, {
    surface,
    queryPin: pinIndex,
    recommendationId: options.recommendationId,
    items: items.length,
    arm: options.arm,
    ...(degraded.length > 0 ? { degraded } : {}),
  });
  if (!context.config.serveLog) return;
  logServed(context, metrics, request.log, servedListOf(context, record));
}

function servedListOf(context: Context, { surface, options, pinIndex, region, start, items, startedAt }: VisualListRecord): ServedList {
  const count = items.length;
  const sourceNames = [...new Set(items.map(({ source }) => source))].sort();
  const sourceScores = new Float32Array(count * sourceNames.length).fill(Number.NaN);
  for (const [at, { source, score }] of items.entries()) sourceScores[at * sourceNames.length + sourceNames.indexOf(source)] = score;
  return recordOf(options, {
    surface,
    queryPinIndex: pinIndex,
    modelVersion: modelVersionOf(context),
    shuffled: false,
    latencyMs: performance.now() - startedAt,
    degraded: degradedOf(context, options),
    region,
    items: {
      ...plainItems(items.map(({ pinIndex }) => pinIndex)),
      positions: Uint16Array.from(items, (_, at) => start + at + 1),
      scores: Float64Array.from(items, ({ score }) => score),
      retrievedRanks: Int32Array.from(items, (_, at) => start + at),
      sourceNames,
      sourceScores,
    },
  });
}
