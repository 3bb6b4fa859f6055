/**
 * Requests made from the OpenAPI document, valid and not, to the whole application over a small catalogue: every refusal is
 * a problem document with a known code, what says it is JSON is JSON, nothing is a 500. (That replies are what the document
 * says holds by construction: they are written by its schemas; schemathesis checks it from outside.) Jobs are not started.
 */
import { join } from 'node:path';
import { buildApp } from '../src/api/shell/app.ts';
import { readConfig } from '../src/config.ts';
import { openContext } from '../src/service/context.ts';
import { ERRORS } from '../src/errors.ts';
import type { Random } from '../src/math/random.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { mutated } from './mutation.ts';
import { runJob } from './service-process.ts';
import { writeSmallCatalog } from './small-catalog.ts';

const PINS = 200;
const PER_BATCH = 50;
/** Replies of an hour of faults of our own making would hide one of the service's: these say "later", rightly. */
const LATER = new Set(['SERVER_OVERLOADED', 'FEATURES_NOT_READY', 'INDEX_UNAVAILABLE', 'DATA_DISK_FULL']);
/** Starting processes is not parsing. */
const LEFT_OUT = /^\/v1\/jobs\/.*(run|stop)$/;

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema?: Schema;
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | null;
}

/** The application, as far as it is asked. */
interface Asked {
  inject(
    request: Request,
  ): Promise<{ readonly statusCode: number; readonly body: string; readonly headers: Readonly<Record<string, unknown>> }>;
}

export async function httpTarget(folder: string): Promise<FuzzTarget> {
  const data = join(folder, 'served');
  const catalog = writeSmallCatalog(join(folder, 'files'), PINS, 20, 12);
  await runJob(['import-catalog', '--data', data, ...catalog.flags]);
  await runJob(['build-candidates', '--data', data, '--only', 'cooccurrence']);
  const context = await openContext(readConfig({ RELATED_PINS_LOG_LEVEL: 'silent', RELATED_PINS_DATA: data }), data, { lock: true });
  const app = await buildApp(context);
  const operations = operationsOf(JSON.parse((await app.inject('/v1/openapi.json')).body) as Document);
  return {
    name: 'http',
    async batch(random) {
      for (let round = 0; round < PER_BATCH; round++) await tryOne(app as unknown as Asked, random.pick(operations), random);
      return PER_BATCH;
    },
    async close() {
      await app.close();
      await context.close();
    },
  };
}

interface Document {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<Record<string, { parameters?: Parameter[]; requestBody?: { content?: Readonly<Record<string, { schema?: Schema }>> } }>>
    >
  >;
}

function operationsOf({ paths }: Document): readonly Operation[] {
  return Object.entries(paths)
    .filter(([path]) => !LEFT_OUT.test(path))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
        method: method.toUpperCase(),
        path,
        parameters,
        body: requestBody?.content?.['application/json']?.schema ?? null,
      })),
    );
}

async function tryOne(app: Asked, operation: Operation, random: Random): Promise<void> {
  const request = requestOf(operation, random);
  const reply = await app.inject(request);
  const { statusCode: status } = reply;
  const said = (): string =>
    `${request.method} ${request.url} ${String(request.payload ?? '').slice(0, 300)} gave ${status} ${reply.body.slice(0, 300)}`;
  if (status < 400) {
    if (String(reply.headers['content-type']).startsWith('application/json')) JSON.parse(reply.body);
    return;
  }
  let code = '';
  try {
    code = (JSON.parse(reply.body) as { code: string }).code;
  } catch {
    throw new Error(`no problem document: ${said()}`);
  }
  if (!(code in ERRORS) || ERRORS[code as keyof typeof ERRORS].status !== status) throw new Error(`an unknown code: ${said()}`);
  if (status >= 500 && !LATER.has(code)) throw new Error(said());
  if (
    reply.headers['content-type'] !== 'application/problem+json; charset=utf-8' &&
    reply.headers['content-type'] !== 'application/problem+json'
  )
    throw new Error(`content type ${String(reply.headers['content-type'])}: ${said()}`);
}

interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload?: Buffer | string;
}

const TYPES = [
  'application/json',
  'application/json',
  'application/json',
  'application/json',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/xml',
  '',
];

function requestOf({ method, path, parameters, body }: Operation, random: Random): Request {
  const pathOf = path.replace(/\{(\w+)\}/g, () => encodeURIComponent(textValue(random)));
  const query = parameters.filter((parameter) => parameter.in === 'query' && random.integer(2) === 0);
  const pairs = query.map(({ name, schema = {} }) => `${name}=${encodeURIComponent(textOf(valueOf(schema, random, 0)))}`);
  if (random.integer(8) === 0) pairs.push(`${encodeURIComponent(textValue(random))}=1`, '__proto__[x]=1');
  const url = pairs.length === 0 ? pathOf : `${pathOf}?${pairs.join('&')}`;
  if (method === 'GET' || method === 'DELETE' || method === 'HEAD') return { method, url, headers: {} };
  const json = Buffer.from(JSON.stringify(valueOf(body ?? {}, random, 0)) ?? 'null');
  const payload = random.integer(3) === 0 ? mutated(json, random) : json;
  const type = random.pick(TYPES);
  return { method, url, headers: type === '' ? {} : { 'content-type': type }, payload };
}

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  // A lone surrogate can not be written into an address.
  return text.replace(/\p{Surrogate}/gu, '?');
}

const NASTY = [
  "'; DROP TABLE pins; --",
  '../../etc/passwd',
  '%00',
  '\u0000',
  '\r\nX-Injected: 1',
  '__proto__',
  'constructor',
  '1e309',
  '-1',
  'NaN',
  '{}',
  '[]',
  'null',
  '\u202e',
  'a'.repeat(300),
  '{"model": 1}',
  'http://169.254.169.254/',
  '😀',
  '*',
  '" OR 1=1',
];

function textValue(random: Random): string {
  const kind = random.integer(4);
  if (kind === 0) return `p${random.integer(PINS)}`;
  if (kind === 1) return random.pick(['u1', 'u2', 'as-retrieved', 'design', 'variant-a', 'b1', 'soak', 'related-pins']);
  return random.pick(NASTY);
}

/** Mostly what the schema asks for, now and then something else. */
function valueOf(schema: Schema, random: Random, depth: number): unknown {
  if (random.integer(10) === 0 || depth > 6) return random.pick<unknown>([null, -1, 1e308, '', [], {}, true, textValue(random), [[[]]]]);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return random.pick(schema.enum);
  if (schema.anyOf) return valueOf(random.pick(schema.anyOf), random, depth + 1);
  if (schema.type === 'integer' || schema.type === 'number') return numberOf(schema, random);
  if (schema.type === 'boolean') return random.integer(2) === 0;
  if (schema.type === 'array') return Array.from({ length: random.integer(4) }, () => valueOf(schema.items ?? {}, random, depth + 1));
  if (schema.type === 'object' || schema.properties) return objectOf(schema, random, depth);
  return schema.type === 'string' ? textValue(random) : looseRecord(random);
}

function numberOf({ minimum = -10, maximum = 1000, type }: Schema, random: Random): number {
  const value = random.pick([minimum, maximum, minimum - 1, maximum + 1, minimum + random.integer(100), 0.5, 2 ** 53]);
  return type === 'integer' && random.integer(5) > 0 ? Math.round(value) : value;
}

function objectOf({ properties = {}, required = [] }: Schema, random: Random, depth: number): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(properties)) {
    if (random.integer(12) > 0 && (required.includes(name) || random.integer(2) === 0)) out[name] = valueOf(schema, random, depth + 1);
  }
  if (random.integer(10) === 0) out[textValue(random)] = textValue(random);
  return out;
}

/** What stands where the document says "anything": a row of a batch. */
function looseRecord(random: Random): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of [
    'id',
    'pinId',
    'boardId',
    'eventId',
    'type',
    'recommendationId',
    'userId',
    'ownerId',
    'image',
    'title',
    'annotations',
    'categories',
    'at',
    'position',
    'buyable',
  ]) {
    if (random.integer(2) === 0)
      out[field] = random.pick<unknown>([
        textValue(random),
        random.integer(1000),
        'click',
        'save',
        { oak: 0.5 },
        null,
        1_700_000_000_000,
        random.pick([1e300, -1e300, 2 ** 53, 2 ** 63, -0, 0.5]),
      ]);
  }
  return out;
}
