import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';
import { ServiceError } from '../../errors.ts';
import { newId } from '../../math/random.ts';
import { problemOf } from './problem.ts';

/** What Node could not read as a request is answered like everything else, by a problem document, and closed. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (socket.destroyed || !socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  // In the middle of a reply nothing can be said any more.
  if (socket.bytesWritten > 0) return void socket.destroySoon();
  const fault = faultOf(error);
  const body = Buffer.from(JSON.stringify(problemOf(fault, newId())));
  const head = [
    `HTTP/1.1 ${fault.status} ${STATUS_CODES[fault.status] ?? ''}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  socket.write(body);
  socket.destroySoon();
}

function faultOf({ code, message }: Error & { code?: string }): ServiceError {
  if (code === 'HPE_HEADER_OVERFLOW') return new ServiceError('REQUEST_HEADERS_TOO_LARGE');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ServiceError('REQUEST_TIMED_OUT');
  return new ServiceError('REQUEST_INVALID', { detail: `This is no HTTP request: ${message}` });
}
