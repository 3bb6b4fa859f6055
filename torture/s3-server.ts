/** A real S3 server (s3rver) on a free port of loopback, to be treated badly. It keeps its objects when it is killed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './redis-server.ts';

/** True when `s3rver` is on the path (`npm install --global s3rver`); tests say so when it is not. It does not check signatures. */
export const HAS_S3 = spawnSync('s3rver', ['--version']).status === 0;
export const NO_S3 = HAS_S3 ? '' : ' (skipped: no s3rver here)';

export const BUCKET = 'pins';
/** The one key that it knows. */
const KEY = 'S3RVER';

export interface TestS3 {
  readonly url: string;
  /** The settings under which the program finds it. */
  readonly environment: Readonly<Record<string, string>>;
  /** kill -9; settles when it is gone. */
  stop(): Promise<void>;
  /** Starts it again on its port, with its objects. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

export async function startS3(): Promise<TestS3> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-s3-'));
  let server: ChildProcess | null = null;
  let gone: Promise<void> = Promise.resolve();
  const start = async (): Promise<void> => {
    const flags = ['-d', folder, '-a', '127.0.0.1', '-p', String(port), '--no-vhost-buckets', '--configure-bucket', BUCKET];
    const child = (server = spawn('s3rver', flags, { stdio: ['ignore', 'pipe', 'ignore'] }));
    gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await new Promise<void>((ready, failed) => {
      child.stdout.on('data', (chunk: Buffer) => chunk.toString().includes('listening') && ready());
      void gone.then(() => failed(new Error('s3rver stopped before it was ready')));
    });
  };
  const stop = async (): Promise<void> => {
    server?.kill('SIGKILL');
    await gone;
  };
  await start();
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    environment: { AWS_ENDPOINT_URL_S3: url, AWS_ACCESS_KEY_ID: KEY, AWS_SECRET_ACCESS_KEY: KEY },
    start,
    stop,
    async remove() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
