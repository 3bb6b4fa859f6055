/**
 * A JSON body is taken as it is. The validator of requests makes texts into numbers where a route wants numbers, which
 * queries and paths need; in a body it made `false` into the user id "false", and lists into texts.
 */
import { Compile } from 'typebox/compile';
import type { App } from '../routes/routes.ts';
import { invalidRequest } from './problem.ts';

interface BodySchema {
  readonly type?: string;
  readonly properties?: object;
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
        done(invalidRequest([...exact.Errors(request.body)] as never, 'body'));
      },
      ...[route.preValidation ?? []].flat(),
    ];
  });
}
