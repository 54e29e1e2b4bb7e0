import { createServer } from 'node:net';

/** Ports this process gave out: the system may offer a closed one again at once. */
const given = new Set<number>();

/** Each test process starts somewhere else, so that two of them rarely race for one port. */
let next = 20_000 + ((process.pid * 97) % 10_000);

/**
 * A TCP port of 127.0.0.1 that nobody listens on, for programs that can't be told to use port 0. Taken from below the
 * range that Linux hands out by itself (32768 and up), so that an outgoing connection does not take it meanwhile.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 2000; attempt++) {
    const port = next;
    next = next >= 31_999 ? 20_000 : next + 1;
    if (!given.has(port) && (await isFree(port))) {
      given.add(port);
      return port;
    }
  }
  throw new Error('no free port between 20000 and 31999 on 127.0.0.1');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
