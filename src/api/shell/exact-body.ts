/**
 * A JSON body is taken as it is. The validator of requests makes texts into numbers where a route wants numbers, which
 * queries and paths need; in a body it made `false` into the user id "false", and lists into texts.
 */
import { Compile } from 'typebox/compile';
import type { App } from '../routes/routes.ts';
import { invalidRequest } from './problem.ts';

interface BodySchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, { readonly maxItems?: number }>>;
  readonly additionalProperties?: unknown;
}

/** Refuses fields that a route does not know (one may be misspelled) and values of another type. @throws REQUEST_INVALID */
export function takeBodiesExactly(app: App): void {
  app.addHook('onRoute', (route) => {
    const body = route.schema?.body as BodySchema | undefined;
    if (!route.schema || body?.type !== 'object' || !body.properties) return;
    if (body.additionalProperties === undefined) route.schema.body = { ...body, additionalProperties: false };
    // Those with a validator of their own say in their own words what is wrong.
    if (route.validatorCompiler) return;
    const exact = Compile(route.schema.body as never);
    route.preValidation = [
      (request, _, done) => {
        if (request.body === undefined || request.body === null || exact.Check(request.body)) return done();
        const given = request.body as Readonly<Record<string, unknown>>;
        done(invalidRequest((listTooLong(given, body.properties ?? {}) ?? [...exact.Errors(given)]) as never, 'body'));
      },
      ...[route.preValidation ?? []].flat(),
    ];
  });
}

/** A list with more items than its route takes: looking for errors would go through all of them, a third of a second for 149,000. */
function listTooLong(body: Readonly<Record<string, unknown>>, properties: NonNullable<BodySchema['properties']>) {
  for (const [name, { maxItems: limit }] of Object.entries(properties)) {
    const list = body[name];
    if (limit !== undefined && Array.isArray(list) && list.length > limit)
      return [{ keyword: 'maxItems', instancePath: `/${name}`, params: { limit }, message: `must not have more than ${limit} items` }];
  }
  return null;
}
