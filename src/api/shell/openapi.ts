/**
 * The OpenAPI document as clients want it: an operationId for every operation, a name for every body, every reply and the shapes
 * they share, and the bodies that routes check by other means than a schema.
 */
import { createHash } from 'node:crypto';
import type { TSchema } from 'typebox';
import {
  BOARD_SHAPE,
  EVENT_SHAPE,
  EVENT_TYPES,
  type FieldKind,
  PIN_SHAPE,
  type RecordShape,
  SAVE_SHAPE,
  VALUE_MAX,
} from '../../catalog/pins/records.ts';
import { Definition, ExperimentCard, ForestRow, Report, ReportRow } from '../experiment-schemas.ts';
import { BoardSummary, Item, PinSummary, Problem, RelatedBody, Term } from '../schemas.ts';
import { TreatmentSchema } from '../../treatment.ts';
import { LensItem, PinObject, VisualBody, VisualItem } from '../search-schemas.ts';

type Schema = { [key: string]: unknown };
interface Operation {
  operationId?: string;
  requestBody?: { content: Record<string, { schema: Schema; encoding?: Schema }>; required?: boolean };
  responses?: Record<string, { content?: Record<string, { schema: Schema }> }>;
  parameters?: readonly { name: string; in: string }[];
}
export interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
}

/** Shapes that several replies share. Found in the document by what they say. */
const SHARED: Readonly<Record<string, TSchema>> = {
  BoardSummary,
  Definition,
  ExperimentCard,
  ForestRow,
  Item,
  LensItem,
  PinObject,
  PinSummary,
  Problem,
  Report,
  ReportRow,
  Term,
  Treatment: TreatmentSchema,
  VisualItem,
};

const copyOf = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Rows are checked one by one, so that a bad one stops no other: the schema of the door says nothing of them. */
const ROWS: Readonly<Record<string, readonly [string, RecordShape]>> = {
  '/v1/pins': ['PinRecord', PIN_SHAPE],
  '/v1/boards': ['BoardRecord', BOARD_SHAPE],
  '/v1/saves': ['SaveRecord', SAVE_SHAPE],
  '/v1/events': ['EventRecord', EVENT_SHAPE],
};

const KINDS: Readonly<Record<FieldKind, Schema>> = {
  id: { type: ['string', 'integer'] },
  text: { type: 'string' },
  name: { type: 'string' },
  map: {
    anyOf: [
      { type: 'object', additionalProperties: { type: 'number' } },
      { type: 'array', items: { type: 'string' } },
    ],
  },
  flag: { type: 'boolean' },
  time: { type: ['string', 'number'], description: 'ISO 8601, or a number since 1970: milliseconds, or seconds.' },
  position: { type: 'integer', minimum: 1 },
  number: { type: 'number', minimum: -VALUE_MAX, maximum: VALUE_MAX },
};

function recordSchema({ fields, required, keepsOthers }: RecordShape): Schema {
  const properties = Object.entries(fields).map(([name, kind]) => [name, { ...KINDS[kind] }] as const);
  const record = Object.fromEntries(properties) as Record<string, Schema>;
  if (required.includes('eventId')) record.type = { type: 'string', enum: [...EVENT_TYPES] };
  const others = keepsOthers
    ? { additionalProperties: true, description: "Other fields are the caller's own: a text, a number, true or false." }
    : {};
  return { type: 'object', required: [...required], properties: record, ...others };
}

const IMAGE = { type: 'string', format: 'binary', description: 'The picture.' };

/** Fields of a form that are no single text are sent as JSON in one part. */
function encodingOf(properties: object): Schema {
  const lists = Object.entries(properties as Record<string, Schema>).filter(([, { type }]) => type === 'array');
  return Object.fromEntries(lists.map(([name]) => [name, { contentType: 'application/json' }]));
}

/** Bodies of pictures: JSON that names one, or a form that holds one. */
function pictureBody(body: TSchema): Operation['requestBody'] {
  const json = copyOf(body as unknown as Schema);
  const properties = { ...(json.properties as object), image: IMAGE };
  return {
    required: true,
    content: {
      'application/json': { schema: json },
      'multipart/form-data': { schema: { type: 'object', properties }, encoding: encodingOf(properties) },
    },
  };
}

const BODIES: Readonly<Record<string, () => Operation['requestBody']>> = {
  '/v1/visual-search': () => pictureBody(VisualBody),
  '/v1/lens': () => pictureBody(VisualBody),
  '/v1/related': () => pictureBody(RelatedBody),
  '/v1/photos': () => ({
    required: true,
    content: {
      'multipart/form-data': {
        schema: {
          type: 'object',
          required: ['path', 'image'],
          properties: { path: { type: 'string', minLength: 1, maxLength: 1000 }, image: IMAGE },
        },
      },
    },
  }),
};

/** Gives the document of the routes its names; the given one stays as it is. */
export function namedDocument(given: OpenApiDocument): OpenApiDocument {
  const document = copyOf(given);
  const components: Record<string, Schema> = {};
  const names = new Map(Object.entries(SHARED).map(([name, schema]) => [textOf(schema), name]));
  const hoisted = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(hoisted);
    if (typeof node !== 'object' || node === null) return node;
    const name = names.get(textOf(node));
    if (name !== undefined && components[name] === undefined) components[name] = {};
    const children = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, hoisted(value)]));
    if (name === undefined) return children;
    components[name] = children;
    return referenceTo(name);
  };
  const named = (schema: Schema, name: string): Schema => {
    const whole = hoisted(schema) as Schema;
    if ('$ref' in whole || !('properties' in whole)) return whole;
    components[name] = whole;
    return referenceTo(name);
  };
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const id = operationIdOf(method, path);
      operation.operationId = id;
      nameBodies(operation, { path, method, name: id[0].toUpperCase() + id.slice(1), named, components });
    }
  }
  const sorted = Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1));
  document.components = { ...document.components, schemas: Object.fromEntries(sorted) };
  return document;
}

/** What a schema says, however it is written: the document has constants as enumerations and patterns as further properties. */
function textOf(schema: unknown): string {
  return JSON.stringify(schema, (key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const { const: constant, patternProperties, ...rest } = value as Schema;
    const others = patternProperties && key !== 'properties' ? Object.values(patternProperties)[0] : undefined;
    const same = {
      ...rest,
      ...(constant === undefined ? {} : { enum: [constant] }),
      ...(others === undefined ? {} : { additionalProperties: others as Schema }),
    };
    return Object.fromEntries(Object.entries(same).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

const referenceTo = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

function nameBodies(
  operation: Operation,
  {
    path,
    method,
    name,
    named,
    components,
  }: {
    readonly path: string;
    readonly method: string;
    readonly name: string;
    readonly named: (schema: Schema, name: string) => Schema;
    readonly components: Record<string, Schema>;
  },
): void {
  if (method === 'post' && BODIES[path]) operation.requestBody = BODIES[path]();
  const rows = method === 'post' ? ROWS[path] : undefined;
  if (operation.requestBody && !BODIES[path]) operation.requestBody.required = asksFor(operation.requestBody);
  const kinds = Object.entries(operation.requestBody?.content ?? {});
  for (const [type, content] of kinds) {
    if (rows) {
      components[rows[0]] = recordSchema(rows[1]);
      for (const list of Object.values(content.schema.properties as Record<string, Schema>)) list.items = referenceTo(rows[0]);
    }
    content.schema = named(content.schema, `${name}${type === 'multipart/form-data' ? 'Form' : 'Body'}`);
  }
  for (const [status, { content }] of Object.entries(operation.responses ?? {}))
    for (const [type, body] of Object.entries(content ?? {}))
      if (body.schema)
        body.schema = named(body.schema, type.includes('problem') ? 'Problem' : `${name}${status === '200' ? '' : status}Reply`);
}

/** Whether a body must be there: routes whose body has no required field also answer without one. */
function asksFor({ content }: NonNullable<Operation['requestBody']>): boolean {
  return Object.values(content).some(({ schema }) => ((schema.required as readonly string[] | undefined) ?? []).length > 0);
}

/** `GET /v1/pins/{id}/related` is getPinRelated, `POST /v1/events` postEvents: a part before a parameter is one of its kind. */
export function operationIdOf(method: string, path: string): string {
  const parts = path
    .replace(/^\/v1\//, '/')
    .split('/')
    .filter((part) => part !== '');
  const words = parts.flatMap((part, at) => {
    if (part.startsWith('{')) return [];
    const isOne = parts[at + 1]?.startsWith('{') && part.endsWith('s');
    return (isOne ? part.slice(0, -1) : part).split(/[-.]/);
  });
  return method + words.map((word) => word[0].toUpperCase() + word.slice(1)).join('');
}

/** Names what a document says, so that generated clients can be told from outdated ones. */
export function documentDigest(document: unknown): string {
  return createHash('sha256').update(JSON.stringify(document)).digest('hex').slice(0, 16);
}
