/**
 * Stock aedes as its README starts it: in-memory persistence, everything at its default. Arguments: the port, and where it
 * listens besides, as JSON.
 */
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { isSecure, isWebSocket } from '../transport.js';
import type { ExtraListener } from './candidate.js';

const port = Number(process.argv[2]);
const extra = process.argv[3] === undefined ? null : (JSON.parse(process.argv[3]) as ExtraListener);
const broker = await Aedes.createBroker();
createServer(broker.handle).listen(port, '127.0.0.1');
if (extra !== null) listen(extra).listen(extra.port, '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));

function listen({ transport, cert, key }: ExtraListener): Server {
  const tls = isSecure(transport) ? { cert: readFileSync(cert), key: readFileSync(key) } : null;
  if (!isWebSocket(transport)) return tls === null ? createServer(broker.handle) : createTlsServer(tls, broker.handle);
  const server = tls === null ? createHttpServer() : createHttpsServer(tls);
  new WebSocketServer({ server }).on('connection', (socket) => broker.handle(createWebSocketStream(socket)));
  return server;
}
