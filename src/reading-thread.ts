/** A reading thread (api/shell/reading-threads.ts): its own context and listener, no lock, no log of served lists of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { buildService } from './api/shell/app.ts';
import { closeApp } from './api/shell/close-app.ts';
import { listen } from './api/shell/listen.ts';
import { packedList, type ReaderOrder, type ReaderWord } from './api/shell/reading-messages.ts';
import type { App } from './api/routes/routes.ts';
import { warmUp } from './api/shell/warm-up.ts';
import { namesOf, type PinNames } from './catalog/log/sent-list.ts';
import type { ServedList } from './catalog/log/served-list.ts';
import type { PinColumns } from './catalog/pins/pin-columns.ts';
import { scratchOfReader } from './features/scratch-slots.ts';
import { type Context, openContext } from './service/context.ts';
import { reasonOf, ServiceError } from './errors.ts';

/** Served lists wait so long for others to be sent with. */
const GATHER_MS = 5;
const METRICS_MS = 1000;

const order = workerData as ReaderOrder;
let waiting: ServedList[] = [];
/** Of the lists that wait; null: nobody asked for them. */
let names: PinNames[] | null = order.byId ? [] : null;

function say(word: ReaderWord): void {
  parentPort?.postMessage(word);
}

/** Settles at once: who takes it makes it durable, and counts what it can't. */
async function sendList(list: ServedList, pins: PinColumns): Promise<void> {
  if (waiting.length === 0) setTimeout(flush, GATHER_MS);
  waiting.push(packedList(list));
  names?.push(namesOf(list, pins));
}

function flush(): void {
  const word: ReaderWord = { kind: 'lists', lists: waiting, names };
  waiting = [];
  names &&= [];
  if (word.lists.length > 0) say(word);
}

/** Settles with how to end. */
async function serve({ config, dataFolder, writer, tables, slot }: ReaderOrder): Promise<() => Promise<void>> {
  scratchOfReader(slot);
  const context: Context = await openContext(config, dataFolder, {
    follow: true,
    tables,
    sendList: (list) => sendList(list, context.pins),
    onChange: () => undefined,
  });
  const { app, metrics, log } = await buildService(context, { writer });
  await warmUp(context);
  const address = await listen(app, config, { besideOthers: true });
  const telling = setInterval(() => void metrics.told().then((told) => say({ kind: 'metrics', metrics: told })), METRICS_MS);
  say({ kind: 'listening', address, tables: context.looks.sharedTables() });
  return async () => {
    clearInterval(telling);
    await end(app, context);
    log.flush();
  };
}

async function end(app: App, context: Context): Promise<void> {
  await closeApp(app, context);
  // Records of the last replies are queued right behind them.
  await new Promise((done) => setImmediate(done));
  flush();
  await context.close();
}

const serving = serve(order);
serving.catch((error: unknown) => {
  const refused = error instanceof ServiceError ? { code: error.code, fields: error.fields } : null;
  say({ kind: 'failed', reason: reasonOf(error), refused });
  process.exit(1);
});
// The one word that comes: end what has begun, then yourself.
parentPort?.once('message', () => void serving.then((stop) => stop()).then(() => process.exit(0)));
