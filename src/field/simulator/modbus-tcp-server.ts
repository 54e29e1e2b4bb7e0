import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../clock.js';
import { Exception } from './exceptions.js';
import type { Memory } from './memory.js';
import { answer, exceptionTo } from './slave.js';
import { TcpEndpoint } from './tcp-endpoint.js';

/** What becomes of one request. */
export type Conduct = { does: 'answer' } | { does: 'ignore' } | { does: 'refuse'; exception: number } | { does: 'delay'; ms: number };

export interface ModbusTcpServerOptions {
  /** By unit id; a request to another one is answered with exception 11. */
  units: ReadonlyMap<number, Memory>;
  clock: Clock;
  /** Asked for every request; default: answers all. */
  conduct?: () => Conduct;
}

const HEADER = 7;
/** Unit id and PDU together: at least unit and function, at most 1 + 253 bytes. */
const MIN_LENGTH = 2;
const MAX_LENGTH = 254;
const ANSWER: Conduct = { does: 'answer' };

/** Modbus devices behind one TCP port: MBAP header, one answer per request, in order save for those that are delayed. */
export class ModbusTcpServer {
  readonly #options: ModbusTcpServerOptions;
  readonly #endpoint = new TcpEndpoint((socket) => this.#serve(socket));
  readonly #late = new Set<Timer>();

  constructor(options: ModbusTcpServerOptions) {
    this.#options = options;
  }

  /** Resolves with the port it listens on (`port` 0: a free one). */
  start(host: string, port: number): Promise<number> {
    return this.#endpoint.start(host, port);
  }

  async stop(): Promise<void> {
    for (const timer of this.#late) timer.cancel();
    this.#late.clear();
    await this.#endpoint.stop();
  }

  #serve(socket: Socket): void {
    let pending: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      while (pending.length >= HEADER) {
        const length = pending.readUInt16BE(4);
        if (pending.readUInt16BE(2) !== 0 || length < MIN_LENGTH || length > MAX_LENGTH) {
          // Not Modbus: there is no way to find the next frame.
          socket.destroy();
          return;
        }
        if (pending.length < 6 + length) return;
        this.#handle(socket, pending.subarray(0, 6 + length));
        pending = pending.subarray(6 + length);
      }
    });
  }

  #handle(socket: Socket, frame: Buffer): void {
    const conduct = this.#options.conduct?.() ?? ANSWER;
    const unit = this.#options.units.get(frame[6] ?? 0);
    const request = frame.subarray(HEADER);
    switch (conduct.does) {
      case 'ignore':
        return;
      case 'refuse':
        reply(socket, frame, exceptionTo(request, conduct.exception));
        return;
      case 'answer':
        reply(socket, frame, respond(unit, request));
        return;
      case 'delay': {
        const timer = this.#options.clock.setTimeout(() => {
          this.#late.delete(timer);
          reply(socket, frame, respond(unit, request));
        }, conduct.ms);
        this.#late.add(timer);
        return;
      }
      default:
        conduct satisfies never;
    }
  }
}

function respond(unit: Memory | undefined, request: Buffer): Buffer {
  return unit === undefined ? exceptionTo(request, Exception.noTarget) : answer(unit, request);
}

/** Transaction, protocol and unit of the request come back with the answer. */
function reply(socket: Socket, frame: Buffer, response: Buffer): void {
  const header = Buffer.from(frame.subarray(0, HEADER));
  header.writeUInt16BE(response.length + 1, 4);
  if (socket.writable) socket.write(Buffer.concat([header, response]));
}
