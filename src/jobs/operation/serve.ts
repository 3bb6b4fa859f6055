import { once } from 'node:events';
import { type Config, PORTS } from '../../config.ts';
import { reasonOf } from '../../errors.ts';
import { startNode } from '../../nodes/serving-node.ts';
import { type Server, startServer } from '../../server.ts';
import { eyesLine } from '../../service/eyes.ts';
import { defineJob, type JobInput } from '../job.ts';

/** Serves until it is stopped. */
export const job = defineJob({
  name: 'serve',
  summary: 'answers over HTTP: closeups, home feeds, events, upserts, the pages',
  examples: [
    'related-pins serve',
    'related-pins serve --data ./var --port 8080',
    'RELATED_PINS_KEYS=$(openssl rand -hex 24) related-pins serve --host 0.0.0.0',
    'related-pins serve --data node-1 --follow /mnt/published --writer http://writer:8080',
  ],
  options: [
    { flag: '--port <n>', meaning: 'port to listen on; 0 picks a free one', kind: 'integer', range: PORTS },
    {
      flag: '--workers <n>',
      meaning: 'threads that answer lists on the port, 1 or more; above 1 another one writes (default 1)',
      kind: 'integer',
    },
    {
      flag: '--follow <place>',
      meaning: 'serve what publish-artifacts publishes there (a folder, or s3://bucket/prefix), as a node of --writer',
    },
    { flag: '--writer <url>', meaning: 'of a node: the service that takes what it served, and what people did' },
    { flag: '--host <address>', meaning: 'address to listen on; beyond loopback a key is required' },
  ],
  run: (input) => serveUntilStopped(input, () => undefined),
  describe: () => ['stopped'],
});

/** `onListening` gets the address, the free port filled in, once requests are answered. */
export async function serveUntilStopped(input: JobInput<Address>, onListening: (address: string) => void) {
  const { config, options, dataFolder, progress } = input;
  const { follow = config.follow, writer = config.writer } = options;
  const server = follow === '' && writer === '' ? await startServing(input) : await startFollowing(input, { follow, writer });
  if (follow !== '') progress.note(`related-pins: serving ${follow} by ${dataFolder} on ${server.address}`);
  onListening(server.address);
  await stopped(input.signal);
  await server.close();
  return { served: server.address, lists: 'logged', stopped: true };
}

async function startFollowing({ options, config, dataFolder, progress }: JobInput<Address>, node: Pick<Config, 'follow' | 'writer'>) {
  const { port = config.port, host = config.host, workers = config.workers } = options;
  return startNode({ ...config, ...node, port, host, workers }, dataFolder, progress);
}

/** What flags say of the settings of the same name. */
export interface Address {
  readonly port?: number;
  readonly host?: string;
  readonly workers?: number;
  readonly follow?: string;
  readonly writer?: string;
}

/** Starts the server that flags and settings ask for, and says where it is and by which net it compares. */
export async function startServing({ options, config, dataFolder, progress }: JobInput<Address>): Promise<Server> {
  const { port = config.port, host = config.host, workers = config.workers } = options;
  const server = await startServer({ ...config, port, host, workers }, dataFolder);
  progress.note(`related-pins: serving ${dataFolder} on ${server.address}`);
  progress.note(eyes(dataFolder));
  return server;
}

/** Ends when the signal is aborted. */
export async function stopped(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** The line about the net. A net that cannot be read is named here and in `degraded`; lists are served without pictures. */
function eyes(dataFolder: string): string {
  try {
    return eyesLine(dataFolder);
  } catch (error) {
    return `Pictures cannot be compared: ${reasonOf(error)}`;
  }
}
