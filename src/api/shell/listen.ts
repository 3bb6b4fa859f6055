/** Where an application answers, with the way out when the address can't be had. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { ServiceError } from '../../errors.ts';
import type { App } from '../routes/routes.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Whether listeners of several threads may share a port here: libuv refuses it on macOS and Windows. */
export const SHARES_PORTS = ['linux', 'freebsd', 'sunos', 'aix'].includes(process.platform);

/**
 * Whether a connection that has reached a listener which closes goes to another listener of the port (`net.ipv4.tcp_migrate_req`
 * of Linux 5.14). Else the kernel resets it.
 */
export function movesConnections(): boolean {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim() === '1';
  } catch {
    return false;
  }
}

const PROBLEMS: Readonly<Record<string, (address: Address) => string>> = {
  EADDRINUSE: ({ port }) => `port ${port} is in use: stop what listens there, or choose another --port (0 picks a free one)`,
  EACCES: ({ port }) => `port ${port} needs rights that this user lacks: choose a --port of 1024 or more`,
  EADDRNOTAVAIL: ({ host }) => `no network of this machine has the address ${host}: choose another --host`,
};

/** Whether the address can be had now. @throws CONFIG_INVALID as `listen` does. */
export async function checkAddress({ host, port }: Address): Promise<void> {
  const probe = createServer();
  try {
    await once(probe.listen(port, host), 'listening');
  } catch (error) {
    throw refusal(error, { host, port });
  }
  probe.close();
  await once(probe, 'close');
}

/**
 * Settles with the address, the free port filled in. `besideOthers`: threads of one service share the address, each with a
 * listener of its own, and the kernel deals connections out to them (SO_REUSEPORT).
 *
 * @throws CONFIG_INVALID when the address can't be had.
 */
export async function listen(app: App, { host, port }: Address, { besideOthers = false } = {}): Promise<string> {
  try {
    return await app.listen({ host, port, reusePort: besideOthers } as Address);
  } catch (error) {
    throw refusal(error, { host, port });
  }
}

function refusal(error: unknown, address: Address): unknown {
  const problems = PROBLEMS[(error as NodeJS.ErrnoException).code ?? '']?.(address);
  return problems === undefined ? error : new ServiceError('CONFIG_INVALID', { problems, field: 'port' }, error);
}
