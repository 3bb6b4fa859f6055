/** A Spark master and two workers of one core each on loopback, in processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../../src/worker-url.ts';
import { freePort } from '../../torture/redis-server.ts';
import { descendants } from './process-tree.ts';

export interface SparkCluster {
  readonly master: string;
  /** kill -9 of the first worker and all that it started, as if its machine were gone. */
  killWorker(): void;
  stop(): void;
}

/** `submit` as in RELATED_PINS_SPARK_SUBMIT; `folder` for logs and what workers write. Throws when no two workers register. */
export async function startCluster(submit: string, folder: string): Promise<SparkCluster> {
  const port = await freePort();
  const master = `spark://127.0.0.1:${port}`;
  const program = submit.includes('/') ? join(dirname(submit), 'spark-class') : 'spark-class';
  const start = (name: string, main: string, ...args: string[]): ChildProcess => {
    const log = openSync(join(folder, `${name}.log`), 'w');
    const script = fileURLToPath(new URL('deploy/spark/submit.sh', projectRoot()));
    const line = [script, program, `org.apache.spark.deploy.${main}`, '--host', '127.0.0.1', '--webui-port', '0', ...args];
    return spawn('sh', line, { stdio: ['ignore', log, log] });
  };
  const processes = [start('master', 'master.Master', '--port', String(port))];
  const kill = (child: ChildProcess): void => {
    for (const { pid } of child.pid === undefined ? [] : descendants(child.pid)) process.kill(pid, 'SIGKILL');
    child.kill('SIGKILL');
  };
  const stop = (): void => processes.forEach(kill);
  try {
    await said(join(folder, 'master.log'), 'New state: ALIVE', 1);
    for (const name of ['worker-1', 'worker-2'])
      processes.push(start(name, 'worker.Worker', '--cores', '1', '--memory', '1g', '--work-dir', join(folder, name), master));
    await said(join(folder, 'master.log'), 'Registering worker', 2);
  } catch (error) {
    stop();
    throw error;
  }
  return { master, killWorker: () => kill(processes[1]), stop };
}

async function said(log: string, words: string, times: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    let text = '';
    for await (const piece of createReadStream(log, 'utf8')) text += piece as string;
    if (text.split(words).length > times) return;
    await wait(500);
  }
  throw new Error(`${log} does not say "${words}"`);
}
