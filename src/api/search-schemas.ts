/** Objects in pictures, visual search and Lens over HTTP: the shapes of their requests and replies, which the pages read too. */
import { Type } from 'typebox';
import { TreatmentSchema } from '../treatment.ts';
import { Degradations, Dimensions, FieldsAndFilters, Id, Item, LIMIT_MAX, NumberOrNull, oneOf, type Reply, TextOrNull } from './schemas.ts';

const Mode = oneOf('flashlight', 'similar-looks', 'shop-the-look', 'exact-product');
export type Mode = Reply<typeof Mode>;

/** `exact` is short for exact-product. */
const AskedMode = oneOf('flashlight', 'similar-looks', 'shop-the-look', 'exact-product', 'exact');

const BOX = { type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 };
/** Corners x1, y1, x2, y2 in pixels of the original picture. */
const Box = Type.Unsafe<readonly [number, number, number, number]>({ ...BOX, description: 'x1, y1, x2, y2 in pixels of the picture.' });
const BoxOrNull = Type.Union([Box, Type.Null()]);
export type Box = Reply<typeof Box>;

export const VisualBody = Type.Object(
  {
    pinId: Type.Optional(Id),
    box: Type.Optional(Type.Array(Type.Number(), { minItems: 4, maxItems: 4 })),
    boxUnit: Type.Optional(Type.Union([Type.Literal('pixels'), Type.Literal('fractions')])),
    category: Type.Optional(Type.String({ maxLength: 256 })),
    buyable: Type.Optional(Type.Boolean()),
    mode: Type.Optional(
      Type.Unsafe<Reply<typeof AskedMode>>({
        ...AskedMode,
        description:
          'flashlight: all that looks alike; similar-looks: within one category; shop-the-look: things to buy for each object; exact-product (or exact): the same thing only.',
      }),
    ),
    term: Type.Optional(Type.String({ maxLength: 256, description: 'Only pins that carry this annotation.' })),
    terms: Type.Optional(
      Type.Array(Type.String({ maxLength: 256 }), { maxItems: 16, description: 'Only pins that carry all of these annotations.' }),
    ),
    imageUrl: Type.Optional(Type.String({ maxLength: 4096, description: 'A public address of an image, instead of pinId or an upload.' })),
    via: Type.Optional(
      Type.Union([Type.Literal('crop'), Type.Literal('dot')], { description: 'Whether a person drew the box or took a dot.' }),
    ),
    preview: Type.Optional(Type.Boolean({ description: 'The box is still moving: the list is not logged.' })),
    sessionId: Type.Optional(Id),
    dimensions: Dimensions,
    treatment: Type.Optional(Type.String({ maxLength: 2048 })),
    exclude: Type.Optional(Type.Array(Id, { maxItems: 1000 })),
    userId: Type.Optional(Id),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX })),
    cursor: Type.Optional(Type.String({ maxLength: 64 })),
    explain: Type.Optional(Type.Boolean()),
    ...FieldsAndFilters,
  },
  { additionalProperties: false },
);
export type VisualRequest = Type.Static<typeof VisualBody>;

const HeadFields = {
  recommendationId: Type.String(),
  modelVersion: Type.String({ description: 'hamming and the first digits of the visual net.' }),
  treatment: TreatmentSchema,
  arm: TextOrNull,
  userId: TextOrNull,
  degraded: Degradations,
  missing: Type.Array(Type.String()),
};
const ItemFields = { ...Item.properties, title: Type.String() };
const WeightedTerm = Type.Object({ term: Type.String(), weight: Type.Number() });
const Colour = Type.Object({
  hex: Type.String(),
  lab: Type.Array(Type.Number(), { description: 'CIE L*a*b*.' }),
  share: Type.Number({ description: 'Of the pixels, 0..1.' }),
});
const Word = Type.Object({ word: Type.String(), confidence: Type.Number() });

const Quadrilateral = Type.Array(Type.Array(Type.Number(), { minItems: 2, maxItems: 2 }), {
  minItems: 4,
  maxItems: 4,
  description: 'Corners [x, y] from the upper left, clockwise, in pixels.',
});
const Match = Type.Object(
  {
    inliers: Type.Integer({ description: 'Key points of both pictures that one homography explains.' }),
    query: Quadrilateral,
    result: Quadrilateral,
    extent: Type.Array(Type.Number(), { minItems: 2, maxItems: 2, description: 'Width and height of the picture that `result` is in.' }),
  },
  { description: 'Exact product: where the same thing is in the query picture and in that of the item.' },
);
export type Match = Reply<typeof Match>;

export const VisualItem = Type.Object({
  ...ItemFields,
  distance: Type.Number({ description: 'Hamming distance of the binary codes.' }),
  cosine: Type.Optional(Type.Number({ description: 'Of the short vectors of a net that gives them; the order then goes by it.' })),
  likeness: Type.Optional(
    Type.Unsafe<'very like' | 'like'>({
      type: 'string',
      enum: ['very like', 'like'],
      description:
        'very like: half of the catalog has no nearer picture; like: all but 2 % have one as near. Absent: neither, or not known.',
    }),
  ),
  match: Type.Optional(Match),
  part: Type.Optional(Type.Integer({ description: 'Shop the look: index in `look`.' })),
  forLabel: Type.Optional(Type.String()),
  completes: Type.Optional(Type.Boolean({ description: 'Shop the look: of a kind that the picture lacks.' })),
});
export const VisualReply = Type.Object({
  ...HeadFields,
  items: Type.Array(VisualItem),
  nextCursor: TextOrNull,
  annotations: Type.Array(WeightedTerm),
  colours: Type.Array(Colour),
  box: BoxOrNull,
  modes: Type.Array(Mode, { description: 'What `mode` may be here: those that have data.' }),
  category: Type.Optional(TextOrNull),
  exactProduct: Type.Optional(
    Type.Object({
      truth: Type.String(),
      queries: Type.Integer(),
      precisionAsked: Type.Number(),
      distanceMax: Type.Number(),
      precision: Type.Number(),
      recall: Type.Number(),
      pairs: Type.Integer(),
    }),
  ),
  look: Type.Optional(
    Type.Array(
      Type.Object({
        label: Type.String(),
        box: BoxOrNull,
        confidence: Type.Number(),
        completes: Type.Boolean(),
        count: Type.Integer(),
      }),
    ),
  ),
  timings: Type.Optional(Type.Record(Type.String(), Type.Number(), { description: 'Milliseconds by stage.' })),
});
export type VisualReply = Reply<typeof VisualReply>;

const ObjectFields = {
  label: Type.String(),
  score: Type.Number(),
  box: Box,
  suppressedBy: Type.Optional(Type.String({ description: 'The signal that took its dot.' })),
  detector: Type.Optional(Type.String()),
};
export const LensItem = Type.Object({
  ...ItemFields,
  source: Type.String(),
  box: Type.Optional(Box),
  label: Type.Optional(Type.String()),
  distance: Type.Optional(Type.Number()),
  extent: Type.Optional(
    Type.Unsafe<readonly [number, number]>({
      type: 'array',
      items: { type: 'number' },
      minItems: 2,
      maxItems: 2,
      description: 'Width and height of the picture that `box` is in.',
    }),
  ),
});
export const LensReply = Type.Object({
  ...HeadFields,
  items: Type.Array(LensItem),
  nextCursor: TextOrNull,
  understanding: Type.Object({
    annotations: Type.Array(Type.Object({ ...WeightedTerm.properties, confidence: Type.Number() })),
    objects: Type.Array(Type.Object({ ...ObjectFields, shown: Type.Optional(Type.Boolean()), dominant: Type.Optional(Type.Boolean()) })),
    colours: Type.Array(Colour),
    category: Type.Union([Type.Object({ name: Type.String(), confidence: Type.Number() }), Type.Null()]),
    knownPin: TextOrNull,
    picture: Type.String(),
    words: Type.Array(Word),
  }),
  annotations: Type.Array(WeightedTerm),
  colours: Type.Array(Colour),
  blend: Type.Array(Type.Object({ source: Type.String(), ratio: Type.Number(), reason: Type.String() })),
});
export type LensReply = Reply<typeof LensReply>;

const Signals = Type.Object({
  visual: Type.Number(),
  annotation: Type.Number(),
  conformity: NumberOrNull,
  agreement: NumberOrNull,
});
export const PinObject = Type.Object({
  ...ObjectFields,
  shown: Type.Boolean(),
  dominant: Type.Boolean(),
  people: Type.Optional(Type.Integer({ description: 'People who drew a box around it themselves.' })),
  words: Type.Optional(Type.Array(Word)),
  signals: Type.Optional(Type.Union([Signals, Type.Null()])),
});
export type PinObject = Reply<typeof PinObject>;

const DotThresholds = Type.Object({
  score: Type.Number(),
  visual: Type.Number(),
  annotation: Type.Number(),
  conformity: Type.Number(),
  agreement: Type.Number(),
});
const ServingDots = Type.Object({
  thresholds: DotThresholds,
  from: Type.String({ description: 'catalogue, shipped or unfitted' }),
  provenance: Type.Union([
    Type.Object({
      truth: Type.String(),
      photos: Type.Integer(),
      dots: Type.Integer(),
      rightDots: Type.Integer(),
      recallAsked: Type.Number(),
      judged: Type.Object({ recall: Type.Number(), falseRemoved: Type.Number(), precision: Type.Number() }),
    }),
    Type.Null(),
  ]),
});
const Mark = Type.Object({
  label: Type.String(),
  score: Type.Number({ description: '0 to 1; a half where it is just sure enough.' }),
  box: Box,
});
export const ObjectsReply = Type.Object({
  width: Type.Integer(),
  height: Type.Integer(),
  objects: Type.Array(PinObject),
  marks: Type.Optional(
    Type.Array(Mark, {
      description: 'Marks that teach-mark taught and find-marks found, surest first; absent where none was ever taught.',
    }),
  ),
  missing: Type.Array(Type.String()),
  reason: Type.Optional(Type.String({ description: 'Why dots are missing.' })),
  thresholds: Type.Optional(Type.Record(Type.String(), ServingDots, { description: 'By detector.' })),
  display: Type.Unsafe<'dots' | 'box'>({ type: 'string', enum: ['dots', 'box'], description: 'What the treatment of the caller offers.' }),
  defaultBox: Type.Optional(Box),
});
export type ObjectsReply = Reply<typeof ObjectsReply>;
