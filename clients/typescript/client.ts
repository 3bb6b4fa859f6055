/** A client of related-pins: `fetch` with the types of the service's OpenAPI document. */
import type { components, paths } from './api.ts';

export type { components, paths } from './api.ts';

type Method = 'get' | 'post' | 'put' | 'delete';
type PathsWith<M extends Method> = { [P in keyof paths]: paths[P] extends Record<M, object> ? P : never }[keyof paths];
type Path<O> = O extends { parameters: { path: infer A } } ? { path: A } : { path?: never };
type Query<O> = O extends { parameters: { query?: infer Q } } ? { query?: Q } : { query?: never };
type Json<B> = { content: { 'application/json': B } };
type Body<O> = O extends { requestBody: Json<infer B> }
  ? { body: B }
  : O extends { requestBody?: Json<infer B> }
    ? { body?: B }
    : { body?: never };
type Ask<O> = Path<O> & Query<O> & Body<O>;
type Reply<O> = O extends { responses: { 200: Json<infer R> } } ? R : unknown;
type Operation<P extends keyof paths, M extends Method> = paths[P] extends Record<M, infer O> ? O : never;

/** What the service refused: `problem.code` is stable, `problem.detail` is for people. */
export class RelatedPinsError extends Error {
  readonly problem: components['schemas']['Problem'];
  constructor(problem: components['schemas']['Problem']) {
    super(problem.detail);
    this.problem = problem;
  }
}

export class RelatedPins {
  private readonly base: string;
  private readonly headers: Readonly<Record<string, string>>;

  constructor(base: string, key?: string) {
    this.base = base.replace(/\/$/, '');
    this.headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  }

  get<P extends PathsWith<'get'>>(path: P, ask: Ask<Operation<P, 'get'>>): Promise<Reply<Operation<P, 'get'>>> {
    return this.call('get', path, ask) as Promise<Reply<Operation<P, 'get'>>>;
  }

  post<P extends PathsWith<'post'>>(path: P, ask: Ask<Operation<P, 'post'>>): Promise<Reply<Operation<P, 'post'>>> {
    return this.call('post', path, ask) as Promise<Reply<Operation<P, 'post'>>>;
  }

  private async call(method: Method, path: string, ask: { path?: unknown; query?: unknown; body?: unknown }): Promise<unknown> {
    const parts = (ask.path ?? {}) as Record<string, string>;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries((ask.query ?? {}) as Record<string, unknown>))
      for (const each of [value].flat()) if (each !== undefined) query.append(name, String(each));
    const address = `${this.base}${path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parts[name]))}?${query}`;
    const json = ask.body === undefined ? {} : { body: JSON.stringify(ask.body) };
    const headers = { ...this.headers, ...(ask.body === undefined ? {} : { 'content-type': 'application/json' }) };
    const reply = await fetch(address, { method: method.toUpperCase(), headers, ...json });
    if (!reply.ok) throw new RelatedPinsError((await reply.json()) as components['schemas']['Problem']);
    return reply.json();
  }
}
