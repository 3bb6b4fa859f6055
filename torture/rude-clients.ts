/** Clients that hold connections without wanting anything, and bodies that are too large or never end. */
import { connect, type Socket } from 'node:net';

export interface Crowd {
  readonly open: number;
  close(): void;
}

async function connected(port: number): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(null));
    socket.on('error', () => undefined);
  });
}

/** Connections that say nothing. */
export async function idleConnections(port: number, count: number): Promise<Crowd> {
  const sockets: Socket[] = [];
  for (let at = 0; at < count; at += 200) {
    const some = await Promise.all(Array.from({ length: Math.min(200, count - at) }, () => connected(port)));
    sockets.push(...some.filter((socket) => socket !== null));
  }
  return crowdOf(sockets);
}

/** Callers who ask and hang up before they are answered, all at once. */
export async function hangUps(port: number, count: number, head: string, longestMs: number): Promise<void> {
  const caller = async (n: number): Promise<void> => {
    const socket = await connected(port);
    socket?.write(`${head}\r\n\r\n`);
    await new Promise((soon) => setTimeout(soon, (n / count) * longestMs));
    socket?.destroy();
  };
  await Promise.all(Array.from({ length: count }, (_, n) => caller(n)));
}

/** Connections that send `head` at once and then a byte now and then. */
export async function dripping(port: number, count: number, head: string): Promise<Crowd> {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const socket = await connected(port);
    if (!socket) continue;
    socket.write(head);
    const drip = setInterval(() => socket.writable && socket.write('a'), 300).unref();
    socket.once('close', () => clearInterval(drip));
    sockets.push(socket);
  }
  return crowdOf(sockets);
}

/** Connections that ask the same thing over and over and never read what they are answered. */
export async function neverReading(port: number, count: number, head: string, times: number): Promise<Crowd> {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const socket = await connected(port);
    if (!socket) continue;
    socket.pause();
    socket.write(`${head}\r\n\r\n`.repeat(times));
    sockets.push(socket);
  }
  return crowdOf(sockets);
}

function crowdOf(sockets: readonly Socket[]): Crowd {
  return {
    get open() {
      return sockets.filter((socket) => !socket.destroyed).length;
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Sends an endless chunked body until the server ends it; the status it answered with, or what happened to the connection. */
export async function endlessBody(
  port: number,
  path: string,
  bytesMax: number,
): Promise<{ readonly answer: string; readonly bytes: number }> {
  const socket = await connected(port);
  if (!socket) return { answer: 'refused', bytes: 0 };
  const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000, 0x20), Buffer.from('\r\n')]);
  let answer = '';
  let bytes = 0;
  socket.on('data', (data) => {
    answer ||= data.toString('latin1').slice(9, 12);
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`);
  while (!socket.destroyed && socket.writable && bytes < bytesMax && answer === '') {
    bytes += chunk.length;
    if (!socket.write(chunk)) await Promise.race([new Promise<void>((drained) => socket.once('drain', () => drained())), closed]);
    else await new Promise((next) => setImmediate(next));
  }
  await Promise.race([closed, new Promise((waited) => setTimeout(waited, 500))]);
  socket.destroy();
  return { answer: answer || 'connection closed', bytes };
}
