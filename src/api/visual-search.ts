/** Flashlight, Lens and object dots over HTTP: a region of a picture in, look-alikes, terms, scenes and dots out. */
import multipart from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { ExactIndex } from '../candidates/exact-index.ts';
import type { ServedList } from '../catalog/served-list.ts';
import type { Context } from '../context.ts';
import { openDetector } from '../detection/detector.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import type { VisualFeatures } from '../features/visual-features.ts';
import { zeroMatrix } from '../math/matrix.ts';
import { newId } from '../math/random.ts';
import { annotationIdf } from '../search/annotation-terms.ts';
import { blendSources, type LensSource, sourceRatios } from '../search/blend.ts';
import { type SearchFilters, searchAnnotations, visualSearch, type VisualResult, type VisualSearchSources } from '../search/flashlight.ts';
import { type DotSignals, dotSignals, judgeDots, UNFITTED_DOTS } from '../search/object-dots.ts';
import { ObjectIndex, type SceneMatch } from '../search/object-index.ts';
import { PictureReader, type QueryNet, type RegionLook } from '../search/picture.ts';
import { understand } from '../search/query-understanding.ts';
import { activeNet } from '../vision/net-folder.ts';
import type { Box } from '../vision/box.ts';
import type { InferencePool } from '../vision/inference-pool.ts';
import { pinOf } from './list-options.ts';
import type { App, Service } from './routes.ts';
import { PinParams, replies } from './schemas.ts';
import { bytesOfPin, type VisualQuestion, visualQuestion } from './visual-query.ts';

const Anything = Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true });
/** Bits up to which an uploaded picture counts as one of the catalogue's: a twentieth of the code. */
const SAME_PICTURE_SHARE = 0.05;
const LENS_OFFERS = 100;
const TERMS_ASKED = 3;

interface Searched {
  readonly results: readonly VisualResult[];
  readonly sources: VisualSearchSources;
  readonly look: RegionLook;
  readonly box: Box | null;
}

/** What the visual surfaces keep between requests: the inference threads, the scan, the idf, the index of objects. */
class VisualDesk {
  readonly reader: PictureReader;
  private readonly context: Context;
  private readonly pool: InferencePool;
  private scan: { readonly of: VisualFeatures['image']; readonly index: ExactIndex } | null = null;
  private idf: { readonly pins: number; readonly values: Float32Array } | null = null;
  private objects: { readonly of: VisualFeatures; readonly pins: number; readonly index: ObjectIndex } | null = null;
  private readonly dots = new Map<number, readonly DotSignals[]>();

  constructor(context: Context) {
    const { config, dataFolder } = context;
    this.context = context;
    const limits = { bytes: config.uploadLimitBytes, pixels: config.imagePixelLimit };
    this.pool = context.inference;
    this.reader = new PictureReader(this.pool, this.detector(dataFolder), limits);
  }

  private detector(dataFolder: string) {
    try {
      return openDetector(activeNet(dataFolder, 'detector'), this.pool);
    } catch {
      return null;
    }
  }

  get features(): VisualFeatures {
    const { visual } = this.context;
    if (visual) return visual;
    throw new ServiceError('INDEX_UNAVAILABLE', { index: 'visual features', reason: 'no image was read yet: run extract-features', retryAfterSeconds: 30 });
  }

  get sources(): VisualSearchSources {
    const { image } = this.features;
    const { pins } = this.context;
    if (this.scan?.of !== image) this.scan = { of: image, index: new ExactIndex(image) };
    if (this.idf?.pins !== pins.count) this.idf = { pins: pins.count, values: annotationIdf(pins) };
    return { columns: pins, index: this.scan.index, bits: image.bits, idf: this.idf.values };
  }

  get net(): QueryNet {
    const { looks } = this.context;
    const binarizer = looks.net ? looks.store.binarizer(looks.store.netIdOf(looks.net)) : null;
    if (!looks.net || !binarizer) throw new ServiceError('INDEX_UNAVAILABLE', { index: 'visual features', reason: 'the active net has no codes yet: run extract-features' });
    return { folder: looks.netFolder, digest: looks.net.digest, binarizer };
  }

  async search(question: VisualQuestion): Promise<Searched> {
    const { request, pinIndex, boxUnit } = question;
    const { sources } = this;
    const bytes = await question.bytes();
    const { box } = await this.reader.region(bytes, request.box, boxUnit);
    const look = await this.reader.look(bytes, box, this.net, pinIndex);
    const results = await visualSearch({ code: look.code, pinIndex }, this.filters(question), sources);
    return { results, sources, look, box };
  }

  private filters({ request }: VisualQuestion): SearchFilters {
    const { pins } = this.context;
    const ordinal = (names: readonly string[], name: string | undefined): { at?: number } => (name === undefined ? {} : { at: names.indexOf(name.trim().toLowerCase()) });
    const category = ordinal(pins.categoryNames, request.category).at;
    const term = ordinal(pins.annotationTerms, request.term).at;
    const exclude = new Set((request.exclude ?? []).map((id) => pins.indexOf(id)));
    return { ...(category === undefined ? {} : { category }), ...(term === undefined ? {} : { term }), buyable: request.buyable ?? false, exclude };
  }

  /** The index of dominant objects' crops, made anew when pins arrived. */
  get objectIndex(): ObjectIndex {
    const { features, context } = this;
    if (this.objects?.of === features && this.objects.pins === context.pins.count) return this.objects.index;
    const index = new ObjectIndex(features.image.bits);
    for (let pinIndex = 0; pinIndex < context.pins.count; pinIndex++) {
      const object = features.objectOf(pinIndex);
      const dominant = object && context.objectsOf(pinIndex)?.objects.find((row) => row.dominant);
      if (object && dominant) index.setPin(pinIndex, [{ pinIndex, label: dominant.label, score: dominant.score, box: dominant.box, code: object.code }]);
    }
    this.objects = { of: features, pins: context.pins.count, index };
    return index;
  }

  /** What a search by each object's crop says, remembered per pin. */
  async signalsOf(pinIndex: number, boxes: readonly Box[]): Promise<readonly DotSignals[]> {
    const known = this.dots.get(pinIndex);
    if (known?.length === boxes.length) return known;
    const bytes = await bytesOfPin(this.context, pinIndex);
    const signals: DotSignals[] = [];
    for (const box of boxes) {
      const { code } = await this.reader.look(bytes, box, this.net, pinIndex);
      signals.push(dotSignals(await visualSearch({ code, pinIndex }, {}, this.sources), this.sources));
    }
    if (this.dots.size > 10_000) this.dots.clear();
    this.dots.set(pinIndex, signals);
    return signals;
  }
}

export function visualSearchRoutes(app: App, { context }: Service): void {
  let opened: VisualDesk | null = null;
  const desk = (): VisualDesk => {
    opened ??= new VisualDesk(context);
    return opened;
  };
  app.register(multipart);
  const schema = (summary: string) => ({ summary, tags: ['visual search'], consumes: ['application/json', 'multipart/form-data'], response: replies(Anything) });

  app.post('/v1/visual-search', { schema: schema('Pins that look like a picture, or like a region of it'), config: { scope: 'read', lane: 'heavy' } }, async (request) => {
    const startedAt = performance.now();
    const question = await visualQuestion(context, request);
    const searched = await desk().search(question);
    const { results, sources, look, box } = searched;
    const { limit = 25, cursor } = question.request;
    const start = cursor === undefined ? 0 : placeOf(cursor);
    const page = results.slice(start, start + limit);
    const recommendationId = newId();
    logSearch(context, request, { recommendationId, question, page, start, results, latencyMs: performance.now() - startedAt });
    return {
      ...listHead(context, recommendationId, question),
      items: page.map((result, at) => itemOf(context, result, start + at + 1)),
      nextCursor: start + limit < results.length ? String(start + limit) : null,
      annotations: searchAnnotations(results, sources),
      colours: look.colours.map(({ colour, share }) => ({ hex: colour, share })),
      box,
    };
  });

  app.post('/v1/lens', { schema: schema('A photo in: what it shows, and a blend of look-alikes, meaning-alikes and scenes'), config: { scope: 'read', lane: 'heavy' } }, async (request) => {
    const question = await visualQuestion(context, request);
    return lensReply(context, desk(), question);
  });

  const dots = { summary: "The objects in a pin's picture: boxes, the dominant one, and which of them the search believes in", tags: ['objects'], params: PinParams, querystring: Type.Object({ explain: Type.Optional(Type.Boolean()) }), response: replies(Anything) };
  app.get('/v1/pins/:id/objects', { schema: dots, config: { scope: 'read' } }, async (request) => {
    const pinIndex = pinOf(context, request.params.id);
    const found = context.objectsOf(pinIndex);
    if (!found) return { width: 0, height: 0, objects: [], missing: ['detections'] };
    if (!context.visual || found.objects.length === 0) return { ...found, missing: context.visual ? [] : ['visual-features'] };
    try {
      const signals = await desk().signalsOf(pinIndex, found.objects.map((row) => row.box));
      const judged = judgeDots(found.objects, signals, UNFITTED_DOTS);
      return { ...found, objects: judged.map(({ signals: said, ...row }) => (request.query.explain ? { ...row, signals: said } : row)), missing: [] };
    } catch (error) {
      return { ...found, missing: ['dots'], reason: reasonOf(error) };
    }
  });
}

async function lensReply(context: Context, desk: VisualDesk, question: VisualQuestion): Promise<Record<string, unknown>> {
  const { results, sources, look } = await desk.search(question);
  const { pins } = context;
  const bytes = await question.bytes();
  const objects = await desk.reader.objects(bytes);
  const sameDistance = sources.bits * SAME_PICTURE_SHARE;
  const understanding = understand({ results, terms: searchAnnotations(results, sources), objects, colours: look.colours, picture: look.picture, columns: pins, sameDistance });
  const scenes = await scenesOf(desk, question, bytes, objects[0]?.box ?? null, context);
  const words = understanding.annotations.filter((row) => row.confidence > 0).slice(0, TERMS_ASKED).map((row) => row.term);
  const meant = words.length === 0 ? [] : context.catalog.text.search(words.join(' '), LENS_OFFERS).map((match) => match.pinIndex);
  const nearest = results.reduce((best, row) => Math.min(best, row.distance), sources.bits);
  const ratios = sourceRatios(understanding, 1 - nearest / sources.bits);
  const offers: Record<LensSource, readonly number[]> = {
    'visual-search': results.slice(0, LENS_OFFERS).map((row) => row.pinIndex),
    'annotation-search': meant.filter((pinIndex) => pinIndex < pins.count && pinIndex !== question.pinIndex),
    'object-search': scenes.map((scene) => scene.pinIndex),
  };
  const blended = blendSources(offers, ratios, question.request.limit ?? 25, (pinIndex) => pins.group[pinIndex]);
  const boxes = new Map(scenes.map((scene) => [scene.pinIndex, scene.box]));
  return {
    ...listHead(context, newId(), question),
    items: blended.map(({ pinIndex, source }, at) => ({
      pinId: pins.idOf(pinIndex),
      position: at + 1,
      score: 1 / (at + 1),
      source,
      sources: [{ name: source, score: 1 / (at + 1) }],
      ...(source === 'object-search' && boxes.has(pinIndex) ? { box: boxes.get(pinIndex) } : {}),
    })),
    nextCursor: null,
    understanding: {
      ...understanding,
      knownPin: understanding.knownPin === null ? null : pins.idOf(understanding.knownPin),
      colours: understanding.colours.map(({ colour, share }) => ({ hex: colour, share })),
      picture: understanding.picture.kind,
    },
    blend: ratios,
  };
}

/** Scenes that hold something like the query's surest object; none when it holds no object. */
async function scenesOf(desk: VisualDesk, { pinIndex }: VisualQuestion, bytes: Uint8Array, box: Box | null, { pins }: Context): Promise<readonly SceneMatch[]> {
  if (!box) return [];
  const { code } = await desk.reader.look(bytes, box, desk.net, pinIndex);
  return desk.objectIndex.scenes({ code, pinIndex }, LENS_OFFERS, pins);
}

function listHead(context: Context, recommendationId: string, { request }: VisualQuestion) {
  return { recommendationId, modelVersion: `hamming ${context.visual?.netDigest.slice(0, 12) ?? ''}`.trim(), treatment: null, arm: null, userId: request.userId ?? null, degraded: [], missing: [] };
}

function itemOf({ pins, catalog }: Context, { pinIndex, distance, score }: VisualResult, position: number) {
  return { pinId: pins.idOf(pinIndex), position, score, distance, sources: [{ name: 'visual-search', score }], title: catalog.pins.get(pinIndex)?.title ?? '' };
}

function placeOf(cursor: string): number {
  if (!/^\d{1,6}$/.test(cursor)) throw new ServiceError('REQUEST_INVALID', { field: 'cursor', detail: 'cursor: it is not one of ours' });
  return Number(cursor);
}

interface LoggedSearch {
  readonly recommendationId: string;
  readonly question: VisualQuestion;
  readonly page: readonly VisualResult[];
  readonly start: number;
  readonly results: readonly VisualResult[];
  readonly latencyMs: number;
}

/** The served-list log holds visual searches too (without ranking-feature rows): Flashlight save propensity is counted from it. */
function logSearch(context: Context, request: FastifyRequest, { recommendationId, question, page, start, latencyMs }: LoggedSearch): void {
  const count = page.length;
  const list: ServedList = {
    recommendationId,
    at: Date.now(),
    surface: 'visual-search',
    queryPinIndex: question.pinIndex,
    userId: question.request.userId ?? null,
    arm: null,
    modelVersion: 'hamming',
    treatment: '{}',
    forced: false,
    shuffled: false,
    latencyMs,
    degraded: [],
    items: {
      count,
      pinIndexes: Int32Array.from(page, (row) => row.pinIndex),
      positions: Uint16Array.from(page, (_, at) => start + at + 1),
      scores: Float64Array.from(page, (row) => row.score),
      propensities: new Float32Array(count).fill(1),
      retrievedRanks: Int32Array.from(page, (_, at) => start + at),
      sourceNames: ['visual-search'],
      sourceScores: Float32Array.from(page, (row) => row.score),
      rows: zeroMatrix(count, []),
    },
  };
  context.log.lists.append(list).catch((error: unknown) => request.log.error({ recommendationId, reason: reasonOf(error) }, 'served list was not logged'));
}
