import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.js';
import type { Logins } from './logins.js';
import type { BrokerPort, TraceRequest } from './ports.js';

const HEARTBEAT_MS = 15_000;
/** Bytes that may wait for one reader; beyond, packets are left out and counted. */
const MAX_BUFFERED = 256 * 1024;

/** Packet traces on their way to browsers, as server-sent events: `packet`, `left_out`, `end`. */
export class TraceStreams {
  readonly #broker: BrokerPort;
  readonly #logins: Logins;
  readonly #clock: Clock;
  readonly #open = new Set<() => void>();

  constructor(broker: BrokerPort, logins: Logins, clock: Clock) {
    this.#broker = broker;
    this.#logins = logins;
    this.#clock = clock;
  }

  /**
   * Starts a trace and, where that is possible, the answer that `begin` makes.
   * @throws FER_BROKER_TRACE
   */
  start(loginId: string, request: TraceRequest, begin: () => ServerResponse): void {
    let response: ServerResponse | null = null;
    let leftOut = 0;
    const write = (event: string, data: object): void => {
      response?.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    const tellLeftOut = (): void => {
      if (leftOut === 0 || isFull(response)) return;
      write('left_out', { count: leftOut });
      leftOut = 0;
    };
    const end = this.#broker.trace(request, {
      packet: (packet) => {
        if (isFull(response)) {
          leftOut++;
          return;
        }
        tellLeftOut();
        write('packet', packet);
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
    response.write(': tracing\n\n');
  }

  /** Ends all. */
  stop(): void {
    for (const close of [...this.#open]) close();
  }
}

function isFull(response: ServerResponse | null): boolean {
  return response !== null && response.writableLength > MAX_BUFFERED;
}
