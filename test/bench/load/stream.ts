import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { isSecure, isWebSocket, type Transport } from '../transport.js';
import { WebSocketFraming } from './web-socket.js';

const HOST = '127.0.0.1';
const WEB_SOCKET_PATH = '/mqtt';
/** All sockets read into it: what was read is dealt with before the next read. */
const READ_BUFFER = Buffer.allocUnsafe(256 * 1024);

export interface LoadStream {
  readonly socket: Socket;
  /** Resolves when MQTT may be written. */
  readonly opened: Promise<void>;
  /** The bytes as they go to the socket. */
  wrap(bytes: Buffer): Buffer;
}

/** @param onBytes gets the first `length` bytes of `chunk`, which are overwritten after the call */
export function openStream(transport: Transport, port: number, onBytes: (chunk: Buffer, length: number) => void): LoadStream {
  let arrived = onBytes;
  let opened = Promise.resolve();
  if (isWebSocket(transport)) {
    opened = new Promise((resolve, reject) => {
      const framing = new WebSocketFraming(
        (error) => (error === null ? resolve() : reject(error)),
        (bytes) => onBytes(bytes, bytes.length),
      );
      arrived = (chunk, length) => framing.push(chunk.subarray(0, length));
    });
    // Whoever connects hears of it.
    opened.catch(() => {});
  }
  const callback = (length: number): boolean => {
    arrived(READ_BUFFER, length);
    return true;
  };
  const options = { host: HOST, port, onread: { buffer: READ_BUFFER, callback } };
  const socket = isSecure(transport) ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options);
  socket.setNoDelay(true);
  if (isWebSocket(transport)) socket.write(WebSocketFraming.handshake(`${HOST}:${port}`, WEB_SOCKET_PATH));
  return { socket, opened, wrap: isWebSocket(transport) ? (bytes) => WebSocketFraming.frame(bytes) : (bytes) => bytes };
}
