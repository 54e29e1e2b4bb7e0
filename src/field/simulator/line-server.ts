import { TcpEndpoint } from './tcp-endpoint.js';

/** Longest command that is kept while its end has not come. */
const MAX_COMMAND = 64;

/** An instrument that speaks lines, behind a terminal server with a raw TCP port: every connection is the same line. */
export class LineServer {
  readonly #endpoint: TcpEndpoint;

  /** `reply`: the answer to a line that was sent to the instrument, without its end; null: none. */
  constructor(reply: (command: string) => string | null) {
    this.#endpoint = new TcpEndpoint((socket) => {
      let pending = '';
      socket.setEncoding('latin1');
      socket.on('data', (text: string) => {
        const lines = (pending + text).split(/\r\n|\r|\n/);
        pending = (lines.pop() ?? '').slice(-MAX_COMMAND);
        for (const line of lines) {
          const answer = line === '' ? null : reply(line);
          if (answer !== null) socket.write(answer, 'latin1');
        }
      });
    });
  }

  /** Resolves with the port it listens on (`port` 0: a free one). */
  start(host: string, port: number): Promise<number> {
    return this.#endpoint.start(host, port);
  }

  /** Sends to whoever listens. */
  send(text: string): void {
    for (const socket of this.#endpoint.sockets) if (socket.writable) socket.write(text, 'latin1');
  }

  stop(): Promise<void> {
    return this.#endpoint.stop();
  }
}
