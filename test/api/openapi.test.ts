import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { testConfig, worldFolder } from '../world.ts';

interface Operation {
  readonly summary?: string;
  readonly responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
  readonly parameters?: readonly { name: string; in: string }[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Record<string, object> };
}
interface Schema {
  readonly $ref?: string;
  readonly properties?: object;
  readonly required?: readonly string[];
}

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, Schema> };
}

/** The schema behind a name. */
function named(schema: Schema | undefined): Schema | undefined {
  return schema?.$ref === undefined ? schema : document.components.schemas[schema.$ref.split('/').at(-1) ?? ''];
}

let context: Context;
let app: App;
let document: Document;
const routes: { readonly method: string; readonly path: string }[] = [];

beforeAll(async () => {
  const folder = await worldFolder();
  context = await openContext(testConfig(folder), folder, { lock: true });
  app = await buildApp(context);
  const reply = await app.inject('/v1/openapi.json');
  expect(reply.statusCode).toBe(200);
  document = reply.json<Document>();
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const method of Object.keys(operations)) routes.push({ method: method.toUpperCase(), path });
  }
});
afterAll(async () => {
  await app.close();
  await context.close();
});

test('describes every promised route, and says in words what each does', () => {
  const listed = routes.map(({ method, path }) => `${method} ${path}`);
  for (const route of [
    'GET /v1/pins/{id}/related',
    'GET /v1/users/{id}/home-feed',
    'POST /v1/rank',
    'POST /v1/related',
    'POST /v1/events',
    'POST /v1/pins',
    'POST /v1/boards',
    'POST /v1/saves',
    'GET /v1/pins/{id}/objects',
    'POST /v1/visual-search',
    'GET /v1/models',
    'GET /v1/openapi.json',
    'GET /metrics',
    'GET /health/live',
    'GET /health/ready',
  ]) {
    expect(listed).toContain(route);
  }
  for (const { method, path } of routes.filter(({ path }) => path.startsWith('/v1/'))) {
    expect(document.paths[path][method.toLowerCase()].summary, `${method} ${path}`).toBeTruthy();
  }
});

test('every described route is answered, and a method that is not described is not', async () => {
  for (const { method, path } of routes) {
    await new Promise((done) => setImmediate(done));
    const url = path.replaceAll(/\{\w+\}/g, 'plant-1');
    const reply = await app.inject({ method: method as 'GET', url, ...(method === 'GET' ? {} : { payload: {} }) });
    const problem = reply.headers['content-type']?.toString().includes('problem') ? reply.json<{ code: string }>().code : '';
    expect(['ROUTE_UNKNOWN', 'ROUTE_METHOD'], `${method} ${path}`).not.toContain(problem);
    expect(reply.statusCode, `${method} ${path}: ${reply.body}`).toBeLessThan(500);
  }
});

test('a body is asked for where a field of it is; forms send lists as JSON', () => {
  const bodyOf = (path: string) => document.paths[path].post.requestBody!;
  expect(['/v1/models/canary/stop', '/v1/jobs/{job}/run', '/v1/events', '/v1/rank'].map((path) => bodyOf(path).required)).toEqual([
    false,
    false,
    true,
    true,
  ]);
  const { encoding } = bodyOf('/v1/visual-search').content['multipart/form-data'] as { encoding?: object };
  expect(encoding).toMatchObject({ box: { contentType: 'application/json' }, exclude: { contentType: 'application/json' } });
});

test('every described address answers other methods with 405 and names its own', async () => {
  const described = new Map<string, Set<string>>();
  for (const { method, path } of routes) described.set(path, (described.get(path) ?? new Set()).add(method));
  for (const [path, methods] of described) {
    await new Promise((done) => setImmediate(done));
    const reply = await app.inject({ method: 'PATCH', url: path.replaceAll(/\{\w+\}/g, 'plant-1') });
    expect(reply.statusCode, path).toBe(405);
    const allowed = String(reply.headers.allow).split(', ');
    for (const method of methods) expect(allowed, path).toContain(method);
    expect(allowed, path).not.toContain('PATCH');
    for (const method of allowed) expect([...methods, 'HEAD'], path).toContain(method);
  }
});

test('every JSON reply is described, field by field', () => {
  const silent = routes.filter(({ method, path }) => {
    const content = document.paths[path][method.toLowerCase()].responses['200']?.content?.['application/json'];
    return path.startsWith('/v1/') && content !== undefined && Object.keys(named(content.schema)?.properties ?? {}).length === 0;
  });
  expect(silent).toEqual([]);
});

test.each([
  ['/v1/pins/{id}/related', '/v1/pins/plant-1/related?explain=true&limit=3&userId=ann-plant'],
  ['/v1/users/{id}/home-feed', '/v1/users/ann-plant/home-feed'],
  ['/v1/pins/{id}', '/v1/pins/plant-1'],
  ['/v1/pins', '/v1/pins?limit=2'],
  ['/v1/models', '/v1/models'],
  ['/v1/users', '/v1/users'],
  ['/v1/categories', '/v1/categories'],
])('the reply of %s has every required field and no undescribed one', async (path, url) => {
  const schema = named(document.paths[path].get.responses['200'].content?.['application/json'].schema);
  const body = (await app.inject(url)).json<Record<string, unknown>>();
  expect(Object.keys(body)).toEqual(expect.arrayContaining([...(schema?.required ?? [])]));
  expect(Object.keys(schema?.properties ?? {})).toEqual(expect.arrayContaining(Object.keys(body)));
});

test('replies tell browsers to load, run and frame nothing of others', async () => {
  const { headers } = await app.inject('/v1/categories');
  expect(headers['content-security-policy']).toContain("script-src 'self'");
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['access-control-allow-origin']).toBeUndefined();
});
