/** Who may do what: the key of a request, what its scope allows, how often it may ask, how often keys may be guessed. */
import type { FastifyRequest } from 'fastify';
import type { Context } from '../../service/context.ts';
import { ServiceError } from '../../errors.ts';
import { KeyGuesses } from './key-guesses.ts';
import { checkScope, type Keys, readsNeedKey } from './keys.ts';
import { networkOf, RateLimit } from './rate-limit.ts';
import type { App } from '../routes/routes.ts';

const REFUSALS_IN_A_TURN = 8;

/** What a guard asks of the service behind it. */
type Guarded = Pick<Context, 'config' | 'stopping'> & { readonly hot: Pick<Context['hot'], 'actions' | 'cache'> };

/** Checks the key of routes that say what it must be allowed to do. What is about people always needs one once there are keys. */
export function guard(app: App, context: Guarded, keys: Keys, share: number): void {
  const { rateLimit } = context.config;
  const reading = readsNeedKey(context.config);
  const guesses = new KeyGuesses(keys, share);
  const limit = rateLimit > 0 ? new RateLimit(rateLimit * share, context.hot.actions ? context.hot.cache : null) : null;
  app.decorateRequest('keyName', null);
  app.decorateRequest('keyScopes', null);
  const refusals = new Turns();
  app.addHook('onRequest', (request, reply, done) => {
    if (context.stopping) reply.header('connection', 'close');
    const { scope, personal = false } = request.routeOptions.config;
    if (scope === undefined) return done();
    try {
      const { authorization } = request.headers;
      const needed = scope !== 'read' || personal || reading;
      const guarded = (needed || authorization !== undefined) && keys.any;
      const address = networkOf(request.ip);
      const key = guarded ? guesses.find(authorization, address) : null;
      request.keyName = key?.name ?? null;
      request.keyScopes = key?.scopes ?? null;
      // Before the door is shut: who tries keys is held back like everybody else.
      limit?.take(request.keyName ?? address);
      if (guarded && needed) checkScope(key, scope);
    } catch (error) {
      return refusals.take(() => done(error as Error));
    }
    done();
  });
}

/** Who is refused waits a turn of the event loop or more, a few replies in each: a burst of guesses holds nobody else up. */
class Turns {
  private readonly waiting: (() => void)[] = [];

  take(refuse: () => void): void {
    if (this.waiting.push(refuse) === 1) setImmediate(() => this.next());
  }

  private next(): void {
    for (const refuse of this.waiting.splice(0, REFUSALS_IN_A_TURN)) refuse();
    if (this.waiting.length > 0) setImmediate(() => this.next());
  }
}

/** What only callers with a key may ask of a route that is free. @throws REQUEST_UNAUTHORIZED */
export function checkKnown({ keyName }: FastifyRequest, keys: Keys): void {
  if (keyName === null && keys.any) throw new ServiceError('REQUEST_UNAUTHORIZED');
}

/** Whether a reply of a route that others may read as well may name single people. */
export function mayKnowPeople({ keyScopes }: FastifyRequest, keys: Keys): boolean {
  return !keys.any || keyScopes?.has('people') === true;
}
