/**
 * The operator's HTTP port (health, readiness, metrics): short answers to requests without a body.
 * A body is read and dropped. A handler that fails gives 500 with the message, not a dead server.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { HttpHandler, Listener } from '../env.js';
import { listenError, parseAddress } from './address.js';

const REQUEST_TIMEOUT_MS = 30_000;

async function answer(handler: HttpHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  let status = 500;
  let contentType = 'text/plain; charset=utf-8';
  let body: string | Uint8Array;
  try {
    const result = await handler({ method: request.method ?? 'GET', path: request.url ?? '/' });
    status = result.status;
    contentType = result.contentType;
    body = result.body;
  } catch (error) {
    body = `internal error: ${error instanceof Error ? error.message : String(error)}\n`;
  }
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
}

export function listenHttp(address: string, handler: HttpHandler): Promise<Listener> {
  const { host, port } = parseAddress(address);
  return new Promise((resolve, reject) => {
    const server = createServer((request, response) => void answer(handler, request, response));
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    server.maxConnections = 256;
    server.once('error', (error) => reject(listenError(address, error)));
    server.listen(port, host, () => {
      const bound = server.address();
      resolve({
        port: typeof bound === 'object' && bound !== null ? bound.port : port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}
