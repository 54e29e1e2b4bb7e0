import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Clock, Timer } from '../../clock.js';
import { FerruleError, messageOf } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { ModbusServerStatus, PartState } from '../ports.js';
import { AllowList, plainAddress } from './allow-list.js';
import { MasterConnection } from './connection.js';
import { Code, codeOf, Refusal } from './exceptions.js';
import { type RequestFrame, rtuFraming, tcpFraming } from './framing.js';
import { RequestRate } from './rate.js';
import type { ModbusServerConfig } from './schema.js';
import { TroubleLog } from './trouble-log.js';
import type { ServedUnit } from './unit.js';

/** Waits between attempts to listen, ms. */
const RETRY_MS = [1000, 2000, 5000, 10_000, 30_000];
const BACKLOG = 128;
const KEEP_ALIVE_MS = 15_000;
/** Shown of the connections. */
const MAX_SHOWN = 50;

/** A Modbus server for other masters: SCADA systems, PLCs, panels. Listens until it is stopped, and tries again where it can't. */
export class ModbusServer {
  readonly config: ModbusServerConfig;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #trouble: TroubleLog;
  readonly #allowed: AllowList;
  readonly #connections = new Set<MasterConnection>();
  readonly #rates = new Map<string, { rate: RequestRate; connections: number }>();
  readonly #counters = { requests: 0, exceptions: 0, accepted: 0, denied: 0, overLimit: 0, malformed: 0, idle: 0 };
  #units: ReadonlyMap<number, ServedUnit> = new Map();
  #listener: Server | null = null;
  #state: PartState = 'stopped';
  #error: FerruleError | null = null;
  #failures = 0;
  #retry: Timer | null = null;
  #sweep: Timer | null = null;

  constructor(config: ModbusServerConfig, clock: Clock, log: Logger) {
    this.config = config;
    this.#clock = clock;
    this.#log = log.child({ modbusServer: config.name });
    this.#trouble = new TroubleLog(clock, this.#log);
    this.#allowed = new AllowList(config.allow);
  }

  /** What is served from now on, to masters that are connected, too. */
  serve(units: ReadonlyMap<number, ServedUnit>): void {
    this.#units = units;
  }

  /** Resolves when it listens, or when the first attempt failed (it is tried again). */
  async start(): Promise<void> {
    if (this.#state !== 'stopped') return;
    this.#state = 'starting';
    this.#failures = 0;
    await this.#listen();
    const { idle_timeout: idle } = this.config;
    this.#sweep = this.#clock.setInterval(() => this.#closeIdle(), Math.min(idle / 4, 5000));
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopping';
    this.#retry?.cancel();
    this.#retry = null;
    this.#sweep?.cancel();
    this.#sweep = null;
    const listener = this.#listener;
    this.#listener = null;
    const closed = listener === null ? Promise.resolve() : new Promise<void>((done) => listener.close(() => done()));
    for (const connection of [...this.#connections]) connection.close();
    await closed;
    this.#error = null;
    this.#state = 'stopped';
  }

  status(): ModbusServerStatus {
    const { name, host } = this.config;
    const shown = [...this.#connections].slice(0, MAX_SHOWN);
    return {
      name,
      endpoint: `${host.includes(':') ? `[${host}]` : host}:${this.#port}`,
      port: this.#port,
      state: this.#state,
      error: this.#error === null ? null : plain(this.#error),
      connections: this.#connections.size,
      maxConnections: this.config.max_connections,
      masters: [...new Set(shown.map(({ address }) => address))],
      units: [...this.#units.keys()].sort((a, b) => a - b),
      counters: { ...this.#counters },
    };
  }

  get #port(): number {
    return (this.#listener?.address() as AddressInfo | null | undefined)?.port ?? this.config.port;
  }

  async #listen(): Promise<void> {
    const { host, port } = this.config;
    const listener = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS, pauseOnConnect: false });
    listener.on('connection', (socket) => this.#onConnection(socket));
    try {
      await new Promise<void>((resolve, reject) => {
        listener.once('error', reject);
        listener.listen({ host, port, backlog: BACKLOG }, () => {
          listener.off('error', reject);
          resolve();
        });
      });
    } catch (thrown) {
      this.#onNotListening(thrown);
      return;
    }
    if (this.#state !== 'starting' && this.#state !== 'degraded') {
      listener.close();
      return;
    }
    // Of single connections that could not be accepted (too many open files).
    listener.on('error', (error) => this.#trouble.warn('accept', 'listener', `a connection could not be accepted: ${error.message}`));
    this.#listener = listener;
    this.#failures = 0;
    this.#error = null;
    this.#state = 'running';
    this.#log.info({ endpoint: this.status().endpoint }, 'a Modbus server listens');
  }

  #onNotListening(thrown: unknown): void {
    const error = listenError(this.config, thrown);
    if (this.#error?.message !== error.message) this.#log.error({ code: error.code, hint: error.hint }, error.message);
    this.#error = error;
    if (this.#state !== 'starting' && this.#state !== 'degraded') return;
    this.#state = 'degraded';
    const pause = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)]!;
    this.#retry = this.#clock.setTimeout(() => {
      this.#retry = null;
      void this.#listen();
    }, pause);
  }

  #onConnection(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    if (!this.#allowed.allows(address)) {
      this.#counters.denied++;
      this.#trouble.warn('denied', address, `${address} may not connect`, 'Add it to allow of the server, if it is one of your masters.');
      socket.destroy();
      return;
    }
    if (this.#connections.size >= this.config.max_connections) {
      this.#counters.overLimit++;
      this.#trouble.warn('full', address, `${this.config.max_connections} connections are open, ${address} was turned away`);
      socket.destroy();
      return;
    }
    this.#counters.accepted++;
    const shared = this.#rates.get(address) ?? { rate: new RequestRate(this.config.max_rate, this.#clock), connections: 0 };
    shared.connections++;
    this.#rates.set(address, shared);
    const connection = new MasterConnection({
      socket,
      address,
      framing: this.config.framing === 'rtu' ? rtuFraming : tcpFraming,
      maxPending: this.config.max_pending,
      rate: shared.rate,
      clock: this.#clock,
      counters: this.#counters,
      unit: (id) => this.#unit(id),
      refused: (frame, thrown) => this.#onRefused(address, frame, thrown),
      violated: (problem) => {
        this.#counters.malformed++;
        this.#trouble.warn('malformed', address, `${address} sent what is no Modbus: ${problem}`);
      },
    });
    this.#connections.add(connection);
    socket.once('close', () => {
      this.#connections.delete(connection);
      if (--shared.connections === 0) this.#rates.delete(address);
    });
  }

  #unit(id: number): ServedUnit {
    const unit = this.#units.get(id);
    if (unit === undefined) throw new Refusal(Code.noPath, `nothing is served as unit ${id}`);
    return unit;
  }

  #onRefused(address: string, { unit, pdu }: RequestFrame, thrown: unknown): void {
    const code = codeOf(thrown);
    const details = { address, unit, function: pdu[0], exception: code };
    if (thrown instanceof Refusal || thrown instanceof FerruleError || (thrown instanceof Error && thrown.name === 'Fault')) {
      this.#log.debug(details, messageOf(thrown));
    } else this.#log.error({ ...details, err: thrown }, 'a request could not be answered');
  }

  #closeIdle(): void {
    const since = this.#clock.mono() - this.config.idle_timeout;
    for (const connection of [...this.#connections]) {
      if (connection.lastActive >= since || connection.isWorking) continue;
      this.#counters.idle++;
      connection.close();
    }
  }
}

function plain({ code, message, hint }: FerruleError): NonNullable<ModbusServerStatus['error']> {
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

function listenError({ name, host, port }: ModbusServerConfig, thrown: unknown): FerruleError {
  const code = (thrown as NodeJS.ErrnoException).code;
  const where = { subject: name };
  const at = `${host}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return new FerruleError('FER_FIELD_SERVER_LISTEN', `Modbus server ${name} can't listen on ${at}: the port is in use.`, {
        where,
        hint: 'Give the server another port, or stop the other program.',
      });
    case 'EACCES':
      return new FerruleError('FER_FIELD_SERVER_LISTEN', `Modbus server ${name} may not listen on ${at}.`, {
        where,
        hint: 'Ports below 1024 need a right: use 5020, or give the service CAP_NET_BIND_SERVICE (see docs/modbus-server.md).',
      });
    case 'EADDRNOTAVAIL':
      return new FerruleError('FER_FIELD_SERVER_LISTEN', `Modbus server ${name} can't listen on ${at}: this machine has no such address.`, {
        where,
        hint: 'Use an address of this machine, or 0.0.0.0 or :: for all of them.',
      });
    default:
      return new FerruleError('FER_FIELD_SERVER_LISTEN', `Modbus server ${name} can't listen on ${at}: ${messageOf(thrown)}.`, { where });
  }
}
