import type { Socket } from 'node:net';
import type { Link, LinkHandlers } from './link.js';

/** A connected socket as a link. `failure`: why it was given up from our side, if it was. */
export function socketLink(socket: Socket, peer: string, handlers: LinkHandlers, failure: () => Error | null): Link {
  let closing = false;
  let ended = false;
  socket.on('data', handlers.data);
  // The other side ended: it will answer nothing more, also where it would still read.
  socket.once('end', () => {
    ended = true;
    socket.destroy();
  });
  socket.once('close', () => {
    if (closing) return;
    const text = ended ? `${peer} closed the connection` : `the connection to ${peer} was closed`;
    handlers.closed(failure() ?? new Error(text));
  });
  return {
    write: (data) => void socket.write(data),
    get pending() {
      return socket.writableLength;
    },
    close: () => {
      closing = true;
      socket.removeListener('data', handlers.data);
      return new Promise<void>((done) => {
        if (socket.closed) return done();
        socket.once('close', () => done());
        socket.destroy();
      });
    },
  };
}
