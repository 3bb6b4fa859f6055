/** A front of a store on loopback: it passes requests on, unless a rule answers them or breaks them off. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** True: the rule has dealt with it. */
export type Rule = (asked: IncomingMessage, reply: ServerResponse) => boolean;

export interface FaultyFront {
  readonly url: string;
  rule: Rule;
  /** Method and address of each request, in their order. */
  readonly asked: string[];
  close(): Promise<void>;
}

export async function faultyFront(target: string): Promise<FaultyFront> {
  const front = { rule: (() => false) as Rule, asked: [] as string[] };
  const server = createServer((asked, reply) => {
    front.asked.push(`${asked.method} ${asked.url}`);
    if (front.rule(asked, reply)) return void asked.resume();
    const { method, headers } = asked;
    const onward = request(`${target}${asked.url}`, { method, headers: { ...headers, connection: 'close' } }, (answer) => {
      reply.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(reply);
    });
    onward.on('error', () => reply.destroy());
    asked.pipe(onward);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  return Object.assign(front, {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((done) => server.close(() => done()));
    },
  });
}

/** As a store refuses. */
export function refuse(reply: ServerResponse, status: number, code: string, more = ''): true {
  reply.writeHead(status, { 'content-type': 'application/xml' });
  reply.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>in its &lt;words&gt;</Message>${more}</Error>`);
  return true;
}
