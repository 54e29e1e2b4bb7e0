import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Certificate } from './certificate.js';

/** Every TLS connection begins with a handshake record. */
const TLS_HANDSHAKE = 0x16;
/** For the first byte, the handshake, and each wait for a plain request. */
const FIRST_BYTE_TIMEOUT_MS = 10_000;

/**
 * An HTTPS server that answers plain HTTP on the same port with a redirection: who types the address of the gateway
 * without `https://` gets to the console instead of an empty answer.
 */
export function createSecureServer(certificate: Certificate, handler: RequestListener): Server {
  const server = createTlsServer(
    { cert: certificate.cert, key: certificate.key, minVersion: 'TLSv1.2', handshakeTimeout: FIRST_BYTE_TIMEOUT_MS },
    handler,
  );
  const redirecting = createServer((request, response) => {
    const host = request.headers.host ?? 'localhost';
    response.writeHead(308, { location: `https://${host}${request.url ?? '/'}`, connection: 'close' }).end();
  });
  redirecting.timeout = FIRST_BYTE_TIMEOUT_MS;
  const secure = server.listeners('connection') as ((socket: Socket) => void)[];
  const sockets = new Set<Socket>();
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.setTimeout(FIRST_BYTE_TIMEOUT_MS, () => socket.destroy());
    socket.once('error', () => socket.destroy());
    socket.once('readable', () => {
      const first: Buffer | null = socket.read();
      if (first === null) {
        socket.destroy();
        return;
      }
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      socket.unshift(first);
      if (first[0] === TLS_HANDSHAKE) for (const listener of secure) listener.call(server, socket);
      else redirecting.emit('connection', socket);
    });
  });
  // Node's own knows only the connections whose handshake is over.
  server.closeAllConnections = () => {
    for (const socket of sockets) socket.destroy();
  };
  return server;
}
