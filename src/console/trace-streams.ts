import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.js';
import type { Logins } from './logins.js';

/** Who is told of what is followed. */
export interface FollowListener {
  /** Plain data: one packet of a client, one frame of a bus. */
  item(data: object): void;
  /** So many were not told. */
  leftOut(count: number): void;
  ended(reason: string): void;
}

const HEARTBEAT_MS = 15_000;
/** Bytes that may wait for one reader; beyond, packets are left out and counted. */
const MAX_BUFFERED = 256 * 1024;

/** What is followed one by one on its way to browsers, as server-sent events: `packet` or `frame`, `left_out`, `end`. */
export class TraceStreams {
  readonly #logins: Logins;
  readonly #clock: Clock;
  readonly #open = new Set<() => void>();

  constructor(logins: Logins, clock: Clock) {
    this.#logins = logins;
    this.#clock = clock;
  }

  /**
   * Begins to follow and, where `follow` does not throw, the answer that `begin` makes. `follow` returns what ends it.
   */
  start(loginId: string, event: 'packet' | 'frame', follow: (listener: FollowListener) => () => void, begin: () => ServerResponse): void {
    let response: ServerResponse | null = null;
    let leftOut = 0;
    const write = (name: string, data: object): void => {
      response?.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    const tellLeftOut = (): void => {
      if (leftOut === 0 || isFull(response)) return;
      write('left_out', { count: leftOut });
      leftOut = 0;
    };
    const end = follow({
      item: (data) => {
        if (isFull(response)) {
          leftOut++;
          return;
        }
        tellLeftOut();
        write(event, data);
      },
      leftOut: (count) => {
        leftOut += count;
        tellLeftOut();
      },
      ended: (reason) => {
        tellLeftOut();
        write('end', { reason });
        close();
      },
    });
    const close = (): void => {
      if (!this.#open.delete(close)) return;
      end();
      endWatch();
      heartbeat.cancel();
      // What waits for a reader that does not read would keep the connection open.
      if (isFull(response)) response?.destroy();
      else response?.end();
    };
    this.#open.add(close);
    const endWatch = this.#logins.whenEnded(loginId, close);
    const heartbeat = this.#clock.setInterval(() => {
      if (this.#logins.keepAlive(loginId)) response?.write(': alive\n\n');
    }, HEARTBEAT_MS);
    response = begin();
    response.once('close', close);
    response.on('error', close);
    response.write(': following\n\n');
  }

  /** Ends all. */
  stop(): void {
    for (const close of [...this.#open]) close();
  }
}

function isFull(response: ServerResponse | null): boolean {
  return response !== null && response.writableLength > MAX_BUFFERED;
}
