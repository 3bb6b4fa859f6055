/** A server of images that keeps who asks waiting until it is told to answer. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ImageServer {
  readonly url: string;
  /** Settles at the first request. */
  readonly asked: Promise<void>;
  /** From now on answers at once, also those who wait. */
  release(): void;
  close(): void;
}

export async function imageServer(picture: Uint8Array): Promise<ImageServer> {
  const waiting: ServerResponse[] = [];
  let held = true;
  let tell: () => void = () => undefined;
  const asked = new Promise<void>((done) => {
    tell = done;
  });
  const server = createServer((_, reply) => {
    tell();
    if (held) waiting.push(reply);
    else reply.end(picture);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/picture.png`,
    asked,
    release() {
      held = false;
      for (const reply of waiting.splice(0)) reply.end(picture);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
