import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Server as NetServer, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TlsOptions } from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Broker } from '../broker.js';
import type { ConnectionDetails } from '../connection.js';

/** [MQTT-6.0.0-3]; the second name is what clients of MQTT 3.1 ask for. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1'];

/** How often the HTTP server looks for handshakes that take too long. */
const HANDSHAKE_CHECK_MS = 1000;

/** MQTT over WebSocket on one path of an HTTP server. */
export class WebSocketServing {
  readonly #path: string;
  readonly #broker: Broker;
  readonly #detailsOf: (socket: Socket) => ConnectionDetails;
  readonly #sockets: WebSocketServer;

  constructor(path: string, broker: Broker, detailsOf: (socket: Socket) => ConnectionDetails) {
    this.#path = path;
    this.#broker = broker;
    this.#detailsOf = detailsOf;
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: broker.limits.maxPacketSize,
      perMessageDeflate: false,
      handleProtocols: (offered) => SUBPROTOCOLS.find((name) => offered.has(name)) ?? false,
    });
  }

  createServer(tls: TlsOptions | null): NetServer {
    // Who connects has as long for the handshake as a client over TCP for its CONNECT.
    const limit = this.#broker.limits.connectTimeoutMs;
    const options = { headersTimeout: limit, requestTimeout: limit, connectionsCheckingInterval: HANDSHAKE_CHECK_MS };
    const server = tls === null ? createHttpServer(options, refusePlainHttp) : createHttpsServer({ ...tls, ...options }, refusePlainHttp);
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (pathOf(request) !== this.#path || !offersMqtt(request)) {
        refuseUpgrade(socket);
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#broker.accept(new WebSocketStream(webSocket), request, this.#detailsOf(request.socket));
      });
    });
    return server;
  }

  close(): void {
    for (const client of this.#sockets.clients) client.terminate();
    this.#sockets.close();
  }
}

/** Not by `new URL()`, which throws for some of what a stranger may send (`//`). */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0]!;
}

/** The HTTP server has let go of the socket: nobody else listens for its errors, and nobody else would ever close it. */
function refuseUpgrade(socket: Duplex): void {
  socket.on('error', () => undefined);
  socket.once('finish', () => socket.destroy());
  socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
}

function offersMqtt(request: IncomingMessage): boolean {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  return SUBPROTOCOLS.some((name) => offered.includes(name));
}

function refusePlainHttp(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, { 'content-type': 'text/plain', connection: 'close' });
  response.end('MQTT over WebSocket is spoken here (subprotocol mqtt).\n');
}

/** A WebSocket as a stream of bytes: MQTT packets need not keep to its frames ([MQTT-6.0.0-2]). */
class WebSocketStream extends Duplex {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket.on('message', (data, isBinary) => {
      // [MQTT-6.0.0-1] Text frames are not MQTT.
      if (!isBinary) this.destroy(new Error('a text frame on an MQTT WebSocket'));
      else if (!this.push(data as Buffer)) socket.pause();
    });
    socket.on('close', () => {
      this.push(null);
      this.destroy();
    });
    socket.on('error', (error) => this.destroy(error));
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.send(chunk, (error) => done(error ?? null));
  }

  /** Many packets of one turn go out as one message, not each as its own. */
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.send(Buffer.concat(chunks.map(({ chunk }) => chunk)), (error) => done(error ?? null));
  }

  override _final(done: () => void): void {
    this.#socket.close();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.terminate();
    done(error);
  }
}
