import { publicDegradations } from '../public-degradations.ts';
import type { PinColumns } from '../../catalog/pins/pin-columns.ts';
import type { Fields } from '../../catalog/pins/pin-field-store.ts';
import { armsTold } from '../../experiments/assignment.ts';
import type { Term } from '../../ranker/scoring/ranker.ts';
import type { RankedList } from '../../lists/ranked-list.ts';
import type { Degradation } from '../../lists/serving-parts.ts';
import { DEFAULT_TREATMENT, type Treatment } from '../../treatment.ts';
import type { FastifyReply } from 'fastify';
import type { Context } from '../../service/context.ts';
import type { ItemFields } from './item-fields.ts';
import { usualText } from './list-text.ts';

interface ItemReply {
  readonly pinId: string;
  readonly position: number;
  readonly score: number;
  readonly sources: readonly { readonly name: string; readonly score: number }[];
  readonly terms?: readonly Term[];
  /** Where composition moved the item from, and why. */
  readonly placed?: PlacedReply;
  readonly fields?: Fields;
}

interface PlacedReply {
  readonly instead: number;
  readonly limit?: string;
  readonly like?: { readonly position: number; readonly pinId: string; readonly likeness: number };
}

export interface ListReplyBody {
  readonly recommendationId: string;
  readonly modelVersion: string;
  readonly treatment: Treatment;
  readonly arm: string | null;
  readonly items: readonly ItemReply[];
  readonly nextCursor: string | null;
  readonly degraded: readonly Degradation[];
  readonly missing: readonly string[];
}

export const JSON_TYPE = 'application/json; charset=utf-8';

/** A ranked list as callers see it, each item with the fields that were asked for. Terms, where they were kept, stand in table order and add up to the score. */
export function listReply(list: RankedList, pins: PinColumns, itemFields: ItemFields | null): ListReplyBody {
  const items: ItemReply[] = [];
  const pinIndexes = Array.from(list.page, (row) => list.candidates.pinIndexes[row]);
  const fields = itemFields?.of(pinIndexes);
  for (let i = 0; i < list.page.length; i++) {
    const row = list.page[i];
    const item: ItemReply = {
      pinId: pins.idOf(pinIndexes[i]),
      position: list.firstPosition + i,
      score: list.scores[row],
      sources: sourcesOf(list, row),
      ...(fields ? { fields: fields[i] } : {}),
    };
    items.push(list.terms ? { ...item, terms: list.terms[i], ...placedOf(list, pins, i) } : item);
  }
  const { recommendationId, treatment, arm } = list.options;
  const { nextCursor, missing } = list;
  const degraded = publicDegradations(list.degraded);
  return { recommendationId, modelVersion: list.ranker.name, treatment, arm: armsTold(arm), items, nextCursor, degraded, missing };
}

/**
 * Sends a list. The usual reply is put together as text. With other fields its keys stand in the order of the schema as well: the
 * engine's own serializer gives the same bytes in half the time. Treatments and explanations come in any order, so the schema puts
 * them in its own.
 */
export function sendList(reply: FastifyReply, context: Context, list: RankedList, itemFields: ItemFields | null): FastifyReply {
  if (list.terms === null && list.options.treatment === DEFAULT_TREATMENT) {
    reply.type(JSON_TYPE);
    if (itemFields?.areCards) return reply.send(usualText(context, list));
    reply.serializer(JSON.stringify);
  }
  return reply.send(listReply(list, context.pins, itemFields));
}

/** Only in explanations, and only of an item that does not stand where its score puts it. */
function placedOf({ placings }: RankedList, pins: PinColumns, place: number): { readonly placed?: PlacedReply } {
  const placing = placings?.[place] ?? null;
  if (placing === null) return {};
  const { like, ...others } = placing;
  if (!like) return { placed: others };
  const { position, pinIndex, likeness } = like;
  return { placed: { ...others, like: { position, pinId: pins.idOf(pinIndex), likeness } } };
}

function sourcesOf({ candidates }: RankedList, row: number): { name: string; score: number }[] {
  const { sourceNames, sourceScores } = candidates;
  const found: { name: string; score: number }[] = [];
  for (let s = 0; s < sourceNames.length; s++) {
    const score = sourceScores[row * sourceNames.length + s];
    if (score === score) found.push({ name: sourceNames[s], score });
  }
  return found;
}
