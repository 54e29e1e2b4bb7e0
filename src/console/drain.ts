import type { Server, ServerResponse } from 'node:http';

/**
 * Counts the requests of a server that are being answered. The returned function closes every connection as soon as
 * there are none: Node's own `closeIdleConnections` leaves those open that have not sent anything yet.
 */
export function trackRequests(server: Server): () => void {
  let answering = 0;
  let draining = false;
  const closeWhenIdle = () => {
    if (draining && answering === 0) server.closeAllConnections();
  };
  server.on('request', (_request, response: ServerResponse) => {
    answering++;
    response.once('close', () => {
      answering--;
      // Not before what was answered last has been handed to the socket.
      setImmediate(closeWhenIdle);
    });
  });
  return () => {
    draining = true;
    setImmediate(closeWhenIdle);
  };
}
