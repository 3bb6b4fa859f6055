/** Real Redis servers and clusters on free ports of loopback, without persistence, to be treated badly. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** True when this machine has a Redis server to test with; tests say so when it has none. */
export const HAS_REDIS = spawnSync('redis-server', ['--version']).status === 0;
/** A cluster is made by the command-line client. */
export const HAS_REDIS_CLUSTER = HAS_REDIS && spawnSync('redis-cli', ['--version']).status === 0;

/** The bus of a cluster node listens 10,000 above its port. */
const PORT_MAX = 55_000;
const NODE_TIMEOUT_MS = 1000;

export async function freePort(): Promise<number> {
  for (;;) {
    const port = await new Promise<number>((resolve, reject) => {
      const server = createServer();
      server.on('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
      });
    });
    if (port < PORT_MAX) return port;
  }
}

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** kill -9; settles when it is gone. */
  stop(): Promise<void>;
  /** Stops it as it is (SIGSTOP), connections open; `wake` lets it go on. */
  freeze(): void;
  wake(): void;
}

export async function startRedis(port?: number, more: readonly string[] = []): Promise<TestRedis> {
  const chosen = port ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-redis-'));
  const flags = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder, ...more];
  const server: ChildProcess = spawn('redis-server', flags, { stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  await new Promise<void>((ready, failed) => {
    server.stdout?.on('data', (chunk: Buffer) => chunk.toString().includes('Ready to accept connections') && ready());
    void gone.then(() => failed(new Error('redis-server stopped before it was ready')));
  });
  return {
    url: `redis://127.0.0.1:${chosen}`,
    port: chosen,
    freeze: () => void server.kill('SIGSTOP'),
    wake: () => void server.kill('SIGCONT'),
    async stop() {
      server.kill('SIGCONT');
      server.kill('SIGKILL');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface TestCluster {
  /** The addresses of all nodes, as RELATED_PINS_REDIS_URL wants them. */
  readonly url: string;
  /** Masters first, then their replicas. */
  readonly nodes: readonly TestRedis[];
  stop(): Promise<void>;
}

/** A cluster of three masters, each with so many replicas. */
export async function startRedisCluster(replicas = 0): Promise<TestCluster> {
  const nodes: TestRedis[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node.stop())));
  try {
    for (let node = 0; node < 3 * (1 + replicas); node++) {
      nodes.push(await startRedis(undefined, ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(NODE_TIMEOUT_MS)]));
    }
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
    const made = spawnSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', String(replicas), '--cluster-yes'], {
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(`the cluster was not made: ${made.stdout} ${made.stderr}`);
    const deadline = Date.now() + 30_000;
    for (const { port } of nodes) {
      while (!(await redisCommand(port, 'CLUSTER INFO')).includes('cluster_state:ok')) {
        if (Date.now() > deadline) throw new Error('the cluster did not come up');
        await new Promise((again) => setTimeout(again, 50));
      }
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: nodes.map(({ url }) => url).join(','), nodes, stop };
}

/** One inline command; settles with the first piece of its reply. */
export function redisCommand(port: number, text: string): Promise<string> {
  return new Promise((done, failed) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${text}\r\n`));
    socket.once('data', (data) => {
      socket.destroy();
      done(data.toString());
    });
    socket.once('error', failed);
  });
}
