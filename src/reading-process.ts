/** A reading process (api/shell/reading-processes.ts): its own context and socket, no lock, no log of its own. */
import { buildService } from './api/shell/app.ts';
import { closeApp } from './api/shell/close-app.ts';
import { listen } from './api/shell/listen.ts';
import { packedList, type ReaderWord, type WriterWord } from './api/shell/reading-messages.ts';
import type { App } from './api/routes/routes.ts';
import { warmUp } from './api/shell/warm-up.ts';
import { namesOf, type PinNames } from './catalog/log/sent-list.ts';
import type { ServedList } from './catalog/log/served-list.ts';
import type { PinColumns } from './catalog/pins/pin-columns.ts';
import { type Context, openContext } from './service/context.ts';
import { reasonOf, ServiceError } from './errors.ts';

/** Served lists wait so long for others to be sent with. */
const GATHER_MS = 5;
const METRICS_MS = 1000;

let waiting: ServedList[] = [];
/** Of the lists that wait; null: nobody asked for them. */
let names: PinNames[] | null = null;
let stop: (() => Promise<void>) | null = null;

function say(word: ReaderWord, sent?: () => void): void {
  process.send?.(word, undefined, undefined, sent);
}

/** Settles at once: who takes it makes it durable, and counts what it can't. */
async function sendList(list: ServedList, pins: PinColumns): Promise<void> {
  if (waiting.length === 0) setTimeout(() => flush(), GATHER_MS);
  waiting.push(packedList(list));
  names?.push(namesOf(list, pins));
}

function flush(sent?: () => void): void {
  const word: ReaderWord = { kind: 'lists', lists: waiting, names };
  waiting = [];
  names &&= [];
  if (word.lists.length > 0) say(word, sent);
  else sent?.();
}

async function serve({ config, dataFolder, writer, byId }: Extract<WriterWord, { kind: 'serve' }>): Promise<void> {
  if (byId) names = [];
  const context: Context = await openContext(config, dataFolder, {
    follow: true,
    sendList: (list) => sendList(list, context.pins),
    onChange: () => undefined,
  });
  const { app, metrics } = await buildService(context, { writer });
  await warmUp(context);
  const address = await listen(app, config);
  const telling = setInterval(() => void metrics.told().then((told) => say({ kind: 'metrics', metrics: told })), METRICS_MS);
  stop = () => end(app, context, telling);
  say({ kind: 'listening', address });
}

async function end(app: App, context: Context, telling: NodeJS.Timeout): Promise<void> {
  clearInterval(telling);
  await closeApp(app, context);
  // Records of the last replies are queued right behind them.
  await new Promise((done) => setImmediate(done));
  await new Promise<void>((sent) => flush(sent));
  await context.close();
  process.exit(0);
}

process.on('message', (word: WriterWord) => {
  if (word.kind === 'stop') return void (stop ? stop() : process.exit(0));
  serve(word).catch((error: unknown) => {
    const refused = error instanceof ServiceError ? { code: error.code, fields: error.fields } : null;
    say({ kind: 'failed', reason: reasonOf(error), refused }, () => process.exit(1));
  });
});
// A terminal's interrupt reaches every process of the group: the writer says when to end.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('disconnect', () => process.exit(1));
say({ kind: 'hearing' });
