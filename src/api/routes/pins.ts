import { Type } from 'typebox';
import { PIN_BUYABLE, PIN_HAS_IMAGE, PIN_IMAGE_FAILED, PIN_REMOVED, type PinColumns } from '../../catalog/pins/pin-columns.ts';
import type { PinTest } from '../../catalog/pins/field-columns.ts';
import type { Context } from '../../service/context.ts';
import { ServiceError } from '../../errors.ts';
import { askedFilter } from './item-fields.ts';
import { pinOf } from './list-options.ts';
import type { App, Service } from './routes.ts';
import { MarksReply, PinParams, PinsPage, PinsQuery, PinSummary, replies } from '../schemas.ts';

/** Matches looked at for a text search. */
const MATCHES_MAX = 2000;

const Categories = Type.Object({ categories: Type.Array(Type.Object({ name: Type.String(), pins: Type.Integer() })) });

interface Wanted {
  /** Ordinal of a category name. */
  readonly category?: number | undefined;
  readonly buyable?: boolean;
  readonly distinct?: boolean;
  readonly filter?: PinTest | undefined;
}

/** Browsing: one pin, pins by category and text, the categories there are. */
export function pinRoutes(app: App, { context }: Service): void {
  const get = (summary: string) => ({ summary, tags: ['browse'] });
  app.get(
    '/v1/pins/:id',
    { schema: { ...get('One pin'), params: PinParams, response: replies(PinSummary) }, config: { scope: 'read' } },
    async (request) => summaryOf(context, pinOf(context, request.params.id)),
  );
  app.get(
    '/v1/pins',
    {
      schema: { ...get('Pins by category and words, a page at a time'), querystring: PinsQuery, response: replies(PinsPage) },
      config: { scope: 'read' },
    },
    async (request) => {
      const { q, limit = 60, cursor, category: name, filter: asked, order = 'newest', ...flags } = request.query;
      const { test: filter, degraded = [] } = (await askedFilter(context, asked)) ?? {};
      const category = name === undefined ? undefined : context.pins.categoryNames.indexOf(name);
      if (category === -1) return { pins: [], nextCursor: null };
      const walk = q ? matches(context, q) : order === 'mixed' ? mixed(context.pins.count, cursor) : newest(context.pins.count);
      const start = startOf(cursor?.split('of')[0]);
      const { pins, next } = page(context, walk, { category, filter, ...flags }, limit, start);
      return {
        pins: pins.map((pinIndex) => summaryOf(context, pinIndex)),
        nextCursor: next === null ? null : walk.cursor(next),
        ...(degraded.length > 0 ? { degraded: [...degraded] } : {}),
      };
    },
  );
  app.get(
    '/v1/categories',
    { schema: { ...get('Categories with their pins'), response: replies(Categories) }, config: { scope: 'read' } },
    async () => ({ categories: countCategories(context) }),
  );
  app.get(
    '/v1/marks',
    { schema: { ...get('Taught marks with the pins that show them'), response: replies(MarksReply) }, config: { scope: 'read' } },
    async () => ({
      marks: context.marks.counted((pinIndex) => pinIndex < context.pins.count && (context.pins.flags[pinIndex] & PIN_REMOVED) === 0),
    }),
  );
}

export function startOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (!/^\d{1,10}$/.test(cursor)) {
    throw new ServiceError('REQUEST_INVALID', { field: 'cursor', detail: 'cursor: it is not one of ours' });
  }
  return Number(cursor);
}

/** An order of pins: which one stands at a place, and the cursor of that place. */
interface Walk {
  readonly total: number;
  at(place: number): number;
  cursor(place: number): string;
}

const newest = (total: number): Walk => ({ total, at: (place) => total - 1 - place, cursor: String });

function matches({ catalog }: Context, words: string): Walk {
  const found = catalog.text.search(words, MATCHES_MAX, 'all').map(({ pinIndex }) => pinIndex);
  return { total: found.length, at: (place) => found[place], cursor: String };
}

/** Share of all pins between one and the next: multiples of it lie farthest apart, whatever their number. */
const GOLDEN = 0.6180339887498949;

/**
 * Every pin once, in steps that spread any few of them over all pins: a catalog is imported board by board, so its boards are
 * mixed. The cursor keeps the number of pins, so that pins that come meanwhile move nothing.
 */
function mixed(count: number, cursor: string | undefined): Walk {
  const told = Number(/^\d+of(\d{1,10})$/.exec(cursor ?? '')?.[1] ?? count);
  const total = Math.min(told, count);
  let step = Math.max(1, Math.round(GOLDEN * total));
  while (commonDivisor(step, total) > 1) step++;
  return { total, at: (place) => total - 1 - ((place * step) % total), cursor: (place) => `${place}of${total}` };
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

function page(context: Context, { total, at: pinAt }: Walk, wanted: Wanted, limit: number, start: number) {
  const pins: number[] = [];
  let at = start;
  for (; at < total && pins.length < limit; at++) {
    const pinIndex = pinAt(at);
    if (isWanted(context, pinIndex, wanted)) pins.push(pinIndex);
  }
  return { pins, next: at < total ? at : null };
}

function isWanted({ pins }: Context, pinIndex: number, { category, buyable, distinct, filter }: Wanted): boolean {
  if (pinIndex >= pins.count || (pins.flags[pinIndex] & PIN_REMOVED) !== 0) return false;
  if (buyable && (pins.flags[pinIndex] & PIN_BUYABLE) === 0) return false;
  if (filter && !filter(pinIndex)) return false;
  if (distinct && !leadsItsGroup(pins, pinIndex)) return false;
  if (category === undefined) return true;
  const { start, length, ordinals } = pins.categories;
  return ordinals.subarray(start[pinIndex], start[pinIndex] + length[pinIndex]).includes(category);
}

/** The group's first pin speaks for its near-duplicates; if that was removed, each speaks for itself. */
function leadsItsGroup({ group, flags }: PinColumns, pinIndex: number): boolean {
  return group[pinIndex] === pinIndex || (flags[group[pinIndex]] & PIN_REMOVED) !== 0;
}

export function summaryOf({ catalog, pins }: Context, pinIndex: number) {
  const pin = catalog.pins.get(pinIndex);
  if (!pin) throw new ServiceError('CATALOG_PIN_UNKNOWN', { pinId: pinIndex });
  const { id, title, description, link, annotations, seen, categoryVector, buyable, imageFailure, fields } = pin;
  const flags = pins.flags[pinIndex];
  const hasImage = (flags & PIN_HAS_IMAGE) !== 0 && (flags & PIN_IMAGE_FAILED) === 0;
  const saves = pins.saves[pinIndex];
  return { id, title, description, link, categories: categoryVector, annotations, seen, buyable, saves, hasImage, imageFailure, fields };
}

function countCategories({ pins }: Context): { name: string; pins: number }[] {
  const counts = new Uint32Array(pins.categoryNames.length);
  const { start, length, ordinals } = pins.categories;
  for (let pin = 0; pin < pins.count; pin++) {
    if ((pins.flags[pin] & PIN_REMOVED) !== 0) continue;
    for (let at = start[pin], end = at + length[pin]; at < end; at++) counts[ordinals[at]]++;
  }
  const rows = pins.categoryNames.map((name, i) => ({ name, pins: counts[i] }));
  return rows.filter((row) => row.pins > 0).sort((a, b) => b.pins - a.pins || (a.name < b.name ? -1 : 1));
}
