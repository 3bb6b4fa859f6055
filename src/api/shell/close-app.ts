import type { Context } from '../../service/context.ts';
import type { App } from '../routes/routes.ts';

/** A reply that has not ended by then is cut off. */
const DRAIN_MS = 10_000;
/** How long a connection without a request stays open once nothing new is taken. */
const LAST_WORD_MS = 200;
/** Turns of the event loop that a stop waits for one without a new connection. */
const TURNS_MAX = 1000;

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
  const last = setTimeout(closeIdle, LAST_WORD_MS);
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await app.close();
  clearTimeout(last);
  clearTimeout(cut);
}

/** Settles in a turn of the event loop that took up no connection: none that the kernel has taken waits to be met. */
function quietTurn(server: App['server']): Promise<void> {
  let turns = 0;
  let met = true;
  const meet = (): void => {
    met = true;
  };
  server.on('connection', meet);
  return new Promise((quiet) => {
    const turn = (): void => {
      if (!met || ++turns > TURNS_MAX) {
        server.off('connection', meet);
        return quiet();
      }
      met = false;
      setImmediate(turn);
    };
    turn();
  });
}

function connectionsOf(app: App): Promise<number> {
  return new Promise((done) => app.server.getConnections((_, count) => done(count ?? 0)));
}
