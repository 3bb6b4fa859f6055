import type { Context } from '../../service/context.ts';
import type { App } from '../routes/routes.ts';

/** A reply that has not ended by then is cut off. */
const DRAIN_MS = 10_000;
/** How long a connection without a request stays open once nothing new is taken. */
const LAST_WORD_MS = 200;
/** Turns of the event loop that a stop waits for a short one without a new connection. */
const TURNS_MAX = 1000;
/** Connections that come in a turn are met in the next one. */
const SHORT_TURN_MS = 0.1;

/**
 * First everything is still answered, each reply closing its connection and readiness saying no, so that callers move on;
 * then nothing new is taken and what has begun is answered.
 */
export async function closeApp(app: App, context: Pick<Context, 'stopping' | 'config'>): Promise<void> {
  context.stopping = true;
  if ((await connectionsOf(app)) > 0) await new Promise((moved) => setTimeout(moved, context.config.drainMs));
  const { server } = app;
  const closeIdle = server.closeIdleConnections.bind(server);
  // Closing the server closes idle connections at once, also one whose request is already on its way: let those be read.
  server.closeIdleConnections = () => undefined;
  await quietTurn(server);
  // At once, and not by `app.close()`, which has hooks to run first: the kernel resets what reaches the listener meanwhile.
  const closed = new Promise((all) => server.close(all));
  const last = setTimeout(closeIdle, LAST_WORD_MS);
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  await app.close();
  clearTimeout(last);
  clearTimeout(cut);
}

/** Settles in a short turn of the event loop that took up no connection: hardly any that the kernel has taken waits to be met. */
function quietTurn(server: App['server']): Promise<void> {
  let turns = 0;
  let met = true;
  let before = 0;
  const meet = (): void => {
    met = true;
  };
  server.on('connection', meet);
  return new Promise((quiet) => {
    const turn = (): void => {
      const now = performance.now();
      if ((!met && now - before < SHORT_TURN_MS) || ++turns > TURNS_MAX) {
        server.off('connection', meet);
        return quiet();
      }
      met = false;
      before = now;
      setImmediate(turn);
    };
    turn();
  });
}

function connectionsOf(app: App): Promise<number> {
  return new Promise((done) => app.server.getConnections((_, count) => done(count ?? 0)));
}
