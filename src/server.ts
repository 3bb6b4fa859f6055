/** The serving process: context, application, socket, reading threads, graceful close; nothing else. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App } from './api/routes/routes.ts';
import { buildService } from './api/shell/app.ts';
import { closeApp } from './api/shell/close-app.ts';
import { listen } from './api/shell/listen.ts';
import type { Metrics } from './api/shell/metrics.ts';
import { logServed } from './api/shell/log-served.ts';
import { ReadingThreads } from './api/shell/reading-threads.ts';
import { warmNet, warmUp } from './api/shell/warm-up.ts';
import { checkListening, Keys } from './api/shell/keys.ts';
import { warmFetch } from './catalog/pins/image-fetch.ts';
import type { ServedList } from './catalog/log/served-list.ts';
import type { Config } from './config.ts';
import { type Context, openContext } from './service/context.ts';

export interface Server {
  readonly address: string;
  readonly context: Context;
  readonly app: App;
  /** Answers what has begun, takes nothing new, then closes everything. */
  close(): Promise<void>;
}

/**
 * Opens the data folder and listens.
 *
 * @throws CONFIG_INVALID beyond loopback without a key or where the port is taken; DATA_FOLDER_LOCKED.
 */
export async function startServer(config: Config, dataFolder: string): Promise<Server> {
  checkListening(config.host, new Keys(dataFolder, config.keys));
  let tell: ((change: { model: string; problem: string | null }) => void) | null = null;
  const context = await openContext(config, dataFolder, { lock: true, follow: true, onChange: (change) => tell?.(change) });
  let opened: App | null = null;
  try {
    const several = config.workers > 1;
    // Its threads begin beside what this one has to do.
    const warming = warmNet(context);
    const { app, metrics } = await buildService(context, { behindReaders: several });
    opened = app;
    if (context.startProblem !== null) app.log.warn({ reason: context.startProblem }, 'refused');
    tell = (change) => (change.problem ? app.log.warn(change, 'refused') : app.log.info(change, 'model taken up'));
    const [net, lists] = await Promise.all([warming, warmUp(context), warmFetch()]);
    app.log.info({ ...lists, ...net }, 'warm');
    const readers = several ? await startReaders(context, app, metrics) : null;
    const address = readers ? readers.address : await listen(app, config);
    context.jobs.onEnd = (run) => app.log.info(run, 'job ended');
    context.jobs.start();
    return { address, context, app, close: () => closeServer(app, context, readers) };
  } catch (error) {
    await opened?.close();
    await context.close();
    throw error;
  }
}

interface Readers {
  readonly address: string;
  close(): Promise<void>;
}

/** This thread writes and listens on a socket file of its own; as many others as the setting says answer at the port. */
async function startReaders(context: Context, app: App, metrics: Metrics): Promise<Readers> {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-'));
  const writer = join(folder, 'writer.sock');
  await app.listen({ path: writer });
  const { config, dataFolder } = context;
  const take = (list: ServedList): void => logServed(context, metrics, app.log, list);
  const readers = new ReadingThreads(
    { config, writer, byId: false, metrics: metrics.readers, log: app.log, take },
    dataFolder,
    context.looks.sharedTables(),
  );
  const close = async (): Promise<void> => {
    await readers.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { address: await readers.start(config.workers), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The readers first, which still write through this process. */
async function closeServer(app: App, context: Context, readers: Readers | null): Promise<void> {
  context.stopping = true;
  await readers?.close();
  await closeApp(app, context);
  await context.close();
}
