/** What requests may say and what replies look like: the doors check by these, and the OpenAPI document is made from them. */
import { type TSchema, Type } from 'typebox';
import type { Shape as Reply } from '../shape.ts';
import { TreatmentSchema } from '../treatment.ts';

export type { Reply };

export const NumberOrNull = Type.Unsafe<number | null>({ type: ['number', 'null'] });
export const TextOrNull = Type.Unsafe<string | null>({ type: ['string', 'null'] });

export const oneOf = <const T extends readonly string[]>(...words: T) => Type.Unsafe<T[number]>({ type: 'string', enum: [...words] });
export const Nullable = <T extends TSchema>(type: T) => Type.Union([type, Type.Null()]);

/** A text of spaces alone is no id. */
export const Id = Type.String({ minLength: 1, maxLength: 256, pattern: '\\S' });

export const PinParams = Type.Object({ id: Id });
export const BoardParams = Type.Object({ id: Id });
export const UserParams = Type.Object({ id: Id });

export const LIMIT_MAX = 200;

const SessionId = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 256,
    description: 'The session, the unit of experiments by session; without it those leave the list out and count it.',
  }),
);

const FieldsText = Type.String({
  maxLength: 4096,
  description:
    'Fields of every item, separated by commas: title, image, link and whatever the pins carry. Empty: none. Default: title,image,link.',
});
const FilterText = Type.String({ maxLength: 1024 });
const FILTER_MEANING =
  'Only pins whose field meets this: NAME, one of = != < <= > >=, and a value, such as price<50. Several must all hold. A field that no pin has matches nothing. mark=LABEL: pins whose picture shows that taught mark.';
/** Several are several parameters of the query; a body may give one text or a list. */
export const FieldsAndFilters = {
  fields: Type.Optional(Type.Union([FieldsText, Type.Array(Type.String({ maxLength: 64 }), { maxItems: 50 })])),
  filter: Type.Optional(Type.Union([FilterText, Type.Array(FilterText, { maxItems: 10 })], { description: FILTER_MEANING })),
};

export const Dimensions = Type.Optional(
  Type.String({
    maxLength: 1024,
    description:
      'Labels of this list for reports, NAME:VALUE, separated by commas: country:SE,device:phone. `metrics.json` names those there are.',
  }),
);

const ListFields = {
  userId: Type.Optional(Id),
  sessionId: SessionId,
  dimensions: Dimensions,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: 25 })),
  cursor: Type.Optional(Type.String({ maxLength: 8192, description: 'nextCursor of the page before.' })),
  exclude: Type.Optional(
    Type.Array(Type.String({ maxLength: 16_384 }), {
      maxItems: 1000,
      description: 'Pin ids to leave out: repeat it, or separate them by commas. An id that holds a comma is meant whole.',
    }),
  ),
  category: Type.Optional(Type.String({ maxLength: 256, description: 'Only pins of this category.' })),
  buyable: Type.Optional(Type.Boolean({ description: 'Only pins that can be bought.' })),
  explain: Type.Optional(Type.Boolean({ description: 'Add the terms of every score.' })),
  treatment: Type.Optional(
    Type.String({
      maxLength: 2048,
      description: 'A model name, variant-a, variant-b, variant-c, or a treatment as JSON. Marked in the log, kept out of training.',
    }),
  ),
  fields: Type.Optional(FieldsText),
  filter: Type.Optional(Type.Array(FilterText, { maxItems: 10, description: FILTER_MEANING })),
};
export const ListQuery = Type.Object(ListFields);
const { userId: _, ...feedFields } = ListFields;
export const FeedQuery = Type.Object(feedFields);

const EXAMPLES_MAX = 100;
export const BoardIdeasQuery = Type.Object({
  ...ListFields,
  unlike: Type.Optional(
    Type.Array(Id, { maxItems: EXAMPLES_MAX, description: 'Ideas that were not wanted, by pin id: they push away what resembles them.' }),
  ),
});

export const RankBody = Type.Object({
  queryPinId: Id,
  pinIds: Type.Array(Id, { minItems: 1, maxItems: 1000 }),
  userId: Type.Optional(Id),
  sessionId: SessionId,
  dimensions: Dimensions,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  explain: Type.Optional(Type.Boolean()),
  treatment: ListFields.treatment,
  ...FieldsAndFilters,
});

const { filter: _filter, fields: _fields, exclude: _exclude, ...pageFields } = ListFields;
/** What is asked with examples. A form holds the picture itself, as the file `image`. */
export const RelatedBody = Type.Object(
  {
    like: Type.Optional(Type.Array(Id, { maxItems: EXAMPLES_MAX, description: 'Ids of pins that the list should go with, in any order.' })),
    unlike: Type.Optional(
      Type.Array(Id, { maxItems: EXAMPLES_MAX, description: 'Ids of pins that push away what resembles them: the last term of a score.' }),
    ),
    imageUrl: Type.Optional(
      Type.String({ maxLength: 4096, description: 'A public address of an image that the list should go with too, instead of an upload.' }),
    ),
    ...pageFields,
    exclude: Type.Optional(Type.Array(Id, { maxItems: 1000 })),
    ...FieldsAndFilters,
  },
  { additionalProperties: false },
);
export type RelatedRequest = Type.Static<typeof RelatedBody>;

export const Term = Type.Object({
  feature: Type.String(),
  value: Type.Number(),
  weight: Type.Number(),
  contribution: Type.Number(),
});
/** Values of the fields that were asked for, null where a pin has none. */
const ItemFields = Type.Unsafe<Record<string, string | number | boolean | null>>({ type: 'object', additionalProperties: true });
const Source = Type.Object({ name: Type.String(), score: Type.Number() });
const Placed = Type.Object(
  {
    instead: Type.Integer({ description: 'The position by score alone, among the items that earlier pages left.' }),
    limit: Type.Optional(Type.String({ description: 'The limit that it would have broken there: domain or category.' })),
    like: Type.Optional(
      Type.Object(
        { position: Type.Integer(), pinId: Type.String(), likeness: Type.Number() },
        { description: 'The item before it that it resembles most, 0 to 1.' },
      ),
    ),
  },
  { description: 'With `explain`: where composition moved the item from, and why. Absent: it stands where its score puts it.' },
);
export const Item = Type.Object({
  pinId: Type.String(),
  position: Type.Integer(),
  score: Type.Number(),
  sources: Type.Array(Source),
  terms: Type.Optional(Type.Array(Term)),
  placed: Type.Optional(Placed),
  fields: Type.Optional(ItemFields),
});
export const Degradations = Type.Array(Type.Object({ code: Type.String(), reason: Type.String() }));
export const ListReply = Type.Object({
  recommendationId: Type.String(),
  modelVersion: Type.String(),
  treatment: TreatmentSchema,
  arm: Type.Union([Type.String(), Type.Null()]),
  items: Type.Array(Item),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
  degraded: Degradations,
  missing: Type.Array(Type.String()),
});

const unknownRows = () => Type.Array(Type.Unknown(), { maxItems: 10_000 });

/** Rows are checked one by one at the store's door, so that a bad one never stops a good one. */
const rows = <N extends string>(name: N) =>
  Type.Object({ [name]: unknownRows() } as Record<N, ReturnType<typeof unknownRows>>, { additionalProperties: false });
export const PinsBody = rows('pins');
export const BoardsBody = rows('boards');
export const SavesBody = rows('saves');
export const EventsBody = rows('events');

const Cell = Type.Object({ line: Type.Integer(), field: Type.Optional(Type.String()), value: Type.Optional(Type.String()) });
const Rejected = Type.Record(
  Type.String(),
  Type.Object({ count: Type.Integer(), lines: Type.Array(Type.Integer()), cells: Type.Array(Cell) }),
);
const Notes = Type.Optional(
  Type.Record(Type.String(), Type.Integer(), { description: 'What was read in a way the sender should know of.' }),
);
export const Receipt = Type.Object({
  read: Type.Integer(),
  written: Type.Integer(),
  unchanged: Type.Integer(),
  rejected: Rejected,
  unknownFields: Type.Optional(Type.Record(Type.String(), Type.Integer())),
  unknownCategories: Type.Optional(Type.Record(Type.String(), Type.Integer())),
  notes: Notes,
});
export const EventReceipt = Type.Object({
  read: Type.Integer(),
  written: Type.Integer(),
  unchanged: Type.Integer(),
  keptApart: Type.Integer({ description: 'Events whose recommendation id is unknown so far; they join when it arrives.' }),
  rejected: Rejected,
  notes: Notes,
});

const Weights = Type.Record(Type.String(), Type.Number());
export const PinSummary = Type.Object({
  id: Type.String(),
  title: Type.String(),
  description: Type.String(),
  link: Type.Union([Type.String(), Type.Null()]),
  categories: Weights,
  annotations: Weights,
  seen: Type.Unsafe<Record<string, number>>({
    type: 'object',
    additionalProperties: { type: 'number' },
    description: 'What the visual net says the picture shows: word -> share of labelled photos, called so as surely, that showed it.',
  }),
  buyable: Type.Boolean(),
  saves: Type.Integer(),
  hasImage: Type.Boolean(),
  imageFailure: Type.Union([Type.String(), Type.Null()]),
  fields: Type.Unsafe<Record<string, string | number | boolean>>({
    type: 'object',
    additionalProperties: true,
    description: 'Fields of the caller: price, brand, ...',
  }),
});
export const PinsQuery = Type.Object({
  category: Type.Optional(Type.String({ maxLength: 256 })),
  q: Type.Optional(Type.String({ maxLength: 1024, description: 'Words of title, description and annotations.' })),
  buyable: Type.Optional(Type.Boolean()),
  order: Type.Optional(
    Type.Union([Type.Literal('newest'), Type.Literal('mixed')], {
      description: 'newest (default), or mixed: pins of all boards side by side. Pins found by words come best first.',
    }),
  ),
  distinct: Type.Optional(Type.Boolean({ description: 'One pin of each group of near-duplicates.' })),
  filter: ListFields.filter,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: 60 })),
  cursor: Type.Optional(Type.String({ maxLength: 64 })),
});
export const MarksReply = Type.Object({
  marks: Type.Array(Type.Object({ label: Type.String(), pins: Type.Integer({ description: 'Pins whose picture shows it.' }) }), {
    description: 'By label; empty where none was ever taught.',
  }),
});

export const PinsPage = Type.Object({
  pins: Type.Array(PinSummary),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
  degraded: Type.Optional(Degradations),
});
export const BoardSummary = Type.Object({
  id: Type.String(),
  title: Type.String(),
  description: Type.String(),
  category: Type.Union([Type.String(), Type.Null()]),
  pins: Type.Integer({ description: 'Pins on the board.' }),
  covers: Type.Array(Type.String(), { description: 'Ids of its newest pins, four at most.' }),
});
export const PageQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: 60 })),
  cursor: Type.Optional(Type.String({ maxLength: 64 })),
});
export const BoardsPage = Type.Object({
  boards: Type.Array(BoardSummary),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});
export const ImageQuery = Type.Object({
  width: Type.Optional(Type.Integer({ minimum: 16, maximum: 2048, default: 512 })),
});

export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
  field: Type.Optional(Type.String()),
  requestId: Type.String(),
});

const ProblemDocument = { description: 'What went wrong', content: { 'application/problem+json': { schema: Problem } } };
/** Every refusal and failure is a problem document, under its own content type. */
const PROBLEMS = { '4xx': ProblemDocument, '5xx': ProblemDocument } as const;

/** The replies of a route: its own, and problem documents for everything that goes wrong. */
export function replies<T>(ok: T): { 200: T } & typeof PROBLEMS {
  return { 200: ok, ...PROBLEMS };
}

/** The same for replies that are not JSON alone, by content type. */
export function repliesAs<T extends Record<string, TSchema>>(bodies: T) {
  const content = Object.fromEntries(Object.entries(bodies).map(([type, schema]) => [type, { schema }]));
  return replies({ description: 'OK', content: content as { [K in keyof T]: { schema: T[K] } } });
}

export type Term = Reply<typeof Term>;
export type Item = Reply<typeof Item>;
export type ListReply = Reply<typeof ListReply>;
export type PinSummary = Reply<typeof PinSummary>;
export type MarksReply = Reply<typeof MarksReply>;
export type PinsPage = Reply<typeof PinsPage>;
export type BoardSummary = Reply<typeof BoardSummary>;
export type BoardsPage = Reply<typeof BoardsPage>;
export type EventReceipt = Reply<typeof EventReceipt>;
