/** The serving process: context, application, socket, graceful close; nothing else. */
import { type App } from './api/routes.ts';
import { buildApp } from './api/app.ts';
import { warmUp } from './api/warm-up.ts';
import { checkListening, Keys } from './api/keys.ts';
import type { Config } from './config.ts';
import { type Context, openContext } from './context.ts';

export interface Server {
  readonly address: string;
  readonly context: Context;
  readonly app: App;
  /** Answers what has begun, takes nothing new, then closes everything. */
  close(): Promise<void>;
}

/** A reply that has not ended by then is cut off. */
const DRAIN_MS = 10_000;
/** How long a connection without a request stays open once nothing new is taken. */
const LAST_WORD_MS = 200;
/** Turns of the event loop that a stop waits for one without a new connection. */
const TURNS_MAX = 1000;

/** Opens the data folder and listens. @throws CONFIG_INVALID beyond loopback without a key; DATA_FOLDER_LOCKED. */
export async function startServer(config: Config, dataFolder: string): Promise<Server> {
  checkListening(config.host, new Keys(dataFolder, config.keys));
  let tell: ((change: { model: string; problem: string | null }) => void) | null = null;
  const context = await openContext(config, dataFolder, { lock: true, follow: true, onChange: (change) => tell?.(change) });
  try {
    const app = await buildApp(context);
    if (context.startProblem !== null) app.log.warn({ reason: context.startProblem }, 'refused');
    tell = (change) => (change.problem ? app.log.warn(change, 'refused') : app.log.info(change, 'model taken up'));
    app.log.info(await warmUp(context), 'warm');
    const address = await app.listen({ host: config.host, port: config.port });
    context.jobs.onEnd = (run) => app.log.info(run, 'job ended');
    context.jobs.start();
    return { address, context, app, close: () => closeServer(app, context) };
  } catch (error) {
    await context.close();
    throw error;
  }
}

/**
 * First everything is still answered, each reply closing its connection and readiness saying no, so that callers move on;
 * then nothing new is taken and what has begun is answered; then everything is closed.
 */
async function closeServer(app: App, context: Context): Promise<void> {
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
  await context.close();
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
