import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { Clock, Timer } from '../clock.js';
import { FerruleError } from '../errors.js';
import type { AckPacket, ConnackPacket, Packet, PublishPacket, SubscriptionRequest } from '../mqtt/packets.js';
import { PacketReader } from '../mqtt/reader.js';
import { encode } from '../mqtt/writer.js';
import type { Endpoint } from './endpoint.js';
import {
  closedDuringHandshake,
  connackFault,
  disconnectFault,
  handshakeTimeout,
  linkLost,
  protocolFault,
  silentUpstream,
  socketFault,
} from './faults.js';

export interface LinkOptions {
  endpoint: Endpoint;
  tls: ConnectionOptions;
  version: 4 | 5;
  clientId: string;
  username: string | null;
  password: string | null;
  keepAliveMs: number;
  connectTimeoutMs: number;
  sessionExpiryMs: number;
  /** QoS 1 and 2 messages that the upstream may have unacknowledged towards us (v5). */
  receiveMaximum: number;
  /** Bytes. */
  maxPacketSize: number;
  /** Set the bridge bit of CONNECT (3.1.1). */
  bridgeBit: boolean;
}

export interface LinkEvents {
  /** The payload is a view into the chunk that was read: copy it to keep it. */
  publish(packet: PublishPacket): void;
  ack(packet: AckPacket): void;
  /** What was written has left; see `writable`. */
  drained(): void;
  /** Once, unless the link was ended from this side. */
  closed(fault: FerruleError): void;
}

interface Request {
  type: 'suback' | 'unsuback';
  resolve(codes: number[]): void;
  reject(fault: FerruleError): void;
}

/** Bytes that may lie in the socket's buffer before publishing waits. */
const HIGH_WATER = 1024 * 1024;
/** Packet ids above this one are for SUBSCRIBE and UNSUBSCRIBE; see packetIdOf in outgoing.ts. */
export const LAST_PUBLISH_ID = 65_000;
const END_GRACE_MS = 1000;

/**
 * One connection to the upstream, from TCP to its end: framing, CONNECT, keep-alive, subscribe. It keeps no messages
 * and repeats nothing by itself: what is in flight belongs to the spool.
 */
export class UpstreamLink {
  readonly url: string;
  readonly version: 4 | 5;
  readonly #socket: Socket;
  readonly #reader: PacketReader;
  readonly #clock: Clock;
  readonly #options: LinkOptions;
  readonly #requests = new Map<number, Request>();
  #connack: ConnackPacket | null = null;
  #onConnack: ((fault: FerruleError | null) => void) | null = null;
  #events: LinkEvents | null = null;
  #closed: FerruleError | null = null;
  #ending: boolean = false;
  #established: boolean = false;
  #lastRequestId = LAST_PUBLISH_ID;
  #corked: boolean = false;
  #watch: Timer | null = null;
  #received: boolean = false;
  #sentAt = 0;
  #receivedAt = 0;
  #pingAt: number | null = null;

  /** Resolves once CONNACK has accepted us; rejects with a FerruleError in words. Aborting `signal` ends the attempt. */
  static async connect(options: LinkOptions, clock: Clock, signal: AbortSignal): Promise<UpstreamLink> {
    signal.throwIfAborted();
    const link = new UpstreamLink(options, clock);
    const abort = (): void => link.fail(linkLost(options.endpoint.url, 'the attempt was given up'));
    signal.addEventListener('abort', abort, { once: true });
    const timer = clock.setTimeout(
      () => link.fail(handshakeTimeout(options.endpoint.url, options.connectTimeoutMs)),
      options.connectTimeoutMs,
    );
    try {
      await link.#handshake();
      return link;
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', abort);
    }
  }

  private constructor(options: LinkOptions, clock: Clock) {
    const { endpoint } = options;
    this.url = endpoint.url;
    this.version = options.version;
    this.#options = options;
    this.#clock = clock;
    this.#reader = new PacketReader({ maxPacketSize: options.maxPacketSize, role: 'client', version: options.version });
    const { host, port } = endpoint;
    this.#socket = endpoint.tls ? connectTls({ ...options.tls, host, port }) : connectTcp({ host, port });
    this.#socket.setNoDelay(true);
    this.#socket.once(endpoint.tls ? 'secureConnect' : 'connect', () => {
      this.#established = true;
      this.#sendConnect();
    });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#received = true;
      this.#receivedAt = clock.mono();
      this.#reader.push(chunk);
      this.#read();
    });
    this.#socket.on('drain', () => this.#events?.drained());
    this.#socket.on('error', (error) => this.fail(socketFault(error, this.url, this.#connack !== null)));
    this.#socket.on('close', () => {
      const early = this.#established ? closedDuringHandshake(this.version, this.url) : linkLost(this.url, 'it was closed');
      this.fail(this.#connack === null ? early : linkLost(this.url, 'the upstream closed it'));
    });
  }

  get sessionPresent(): boolean {
    return this.#connack?.sessionPresent ?? false;
  }

  /** Of our QoS 1 and 2 messages. */
  get receiveMaximum(): number {
    return this.#connack?.properties?.receiveMaximum ?? 65_535;
  }

  /** Bytes; null: unlimited. */
  get maximumPacketSize(): number | null {
    return this.#connack?.properties?.maximumPacketSize ?? null;
  }

  get maximumQos(): 0 | 1 | 2 {
    return this.#connack?.properties?.maximumQoS ?? 2;
  }

  get retainAvailable(): boolean {
    return this.#connack?.properties?.retainAvailable ?? true;
  }

  /** false: wait for `drained` before publishing more. */
  get writable(): boolean {
    return this.#closed === null && this.#socket.writableLength < HIGH_WATER;
  }

  /** Packets that came right behind CONNACK wait until someone listens. */
  listen(events: LinkEvents): void {
    this.#events = events;
    if (this.#closed !== null) {
      const fault = this.#closed;
      if (!this.#ending) queueMicrotask(() => events.closed(fault));
      return;
    }
    this.#startWatch();
    this.#socket.resume();
    this.#read();
  }

  send(packet: Packet): void {
    this.write(encode(packet, this.version));
  }

  /** Writes an encoded packet; all packets of one turn leave together. */
  write(bytes: Buffer): void {
    if (this.#closed !== null) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#sentAt = this.#clock.mono();
    this.#socket.write(bytes);
  }

  /** The granted QoS or a code >= 0x80 for each. Rejects when the link ends before the answer. */
  subscribe(subscriptions: SubscriptionRequest[]): Promise<number[]> {
    return this.#request('suback', (packetId) => this.send({ type: 'subscribe', packetId, properties: null, subscriptions }));
  }

  unsubscribe(filters: string[]): Promise<number[]> {
    return this.#request('unsuback', (packetId) => this.send({ type: 'unsubscribe', packetId, properties: null, filters }));
  }

  /** Ends the link because of a fault. The first one counts. */
  fail(fault: FerruleError): void {
    if (this.#closed !== null) return;
    this.#closed = fault;
    this.#watch?.cancel();
    this.#watch = null;
    this.#socket.destroy();
    for (const request of this.#requests.values()) request.reject(fault);
    this.#requests.clear();
    this.#onConnack?.(fault);
    this.#onConnack = null;
    if (!this.#ending) this.#events?.closed(fault);
  }

  /** Takes leave with DISCONNECT; the session at the upstream stays. Bounded in time; `closed` is not called. */
  async end(): Promise<void> {
    if (this.#closed !== null) return;
    this.#ending = true;
    this.send({ type: 'disconnect', reasonCode: 0, properties: null });
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimeout(() => this.#socket.destroy(), END_GRACE_MS);
      this.#socket.once('close', () => {
        timer.cancel();
        resolve();
      });
      this.#socket.end();
    });
  }

  #handshake(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onConnack = (fault) => (fault === null ? resolve() : reject(fault));
      if (this.#closed !== null) reject(this.#closed);
    });
  }

  #sendConnect(): void {
    const options = this.#options;
    this.send({
      type: 'connect',
      version: options.version,
      // The upstream keeps our subscriptions and what comes for them while the link is down.
      clean: false,
      keepAlive: Math.min(65_535, Math.ceil(options.keepAliveMs / 1000)),
      clientId: options.clientId,
      will: null,
      username: options.username,
      password: options.password === null ? null : Buffer.from(options.password),
      properties:
        options.version === 5
          ? {
              sessionExpiryInterval: Math.min(0xffffffff, Math.ceil(options.sessionExpiryMs / 1000)),
              receiveMaximum: options.receiveMaximum,
              maximumPacketSize: options.maxPacketSize,
            }
          : null,
      bridge: options.bridgeBit && options.version === 4,
    });
  }

  #read(): void {
    try {
      while (this.#closed === null && (this.#connack === null || this.#events !== null)) {
        const packet = this.#reader.next();
        if (packet === null) return;
        this.#take(packet);
      }
      if (this.#closed === null) this.#socket.pause();
    } catch (error) {
      this.fail(error instanceof FerruleError ? error : protocolFault(this.url, error));
    }
  }

  #take(packet: Packet): void {
    if (this.#connack === null) {
      this.#takeFirst(packet);
      return;
    }
    switch (packet.type) {
      case 'publish':
        this.#events?.publish(packet);
        return;
      case 'puback':
      case 'pubrec':
      case 'pubrel':
      case 'pubcomp':
        this.#events?.ack(packet);
        return;
      case 'suback':
      case 'unsuback': {
        const request = this.#requests.get(packet.packetId);
        if (request?.type !== packet.type) throw new Error(`${packet.type.toUpperCase()} that was not asked for`);
        this.#requests.delete(packet.packetId);
        request.resolve(packet.reasonCodes);
        return;
      }
      case 'pingresp':
        return;
      case 'disconnect':
        throw disconnectFault(packet.reasonCode, packet.properties?.reasonString, this.url);
      case 'connack':
      case 'auth':
      case 'connect':
      case 'subscribe':
      case 'unsubscribe':
      case 'pingreq':
        throw new Error(`${packet.type.toUpperCase()} at this point`);
    }
  }

  #takeFirst(packet: Packet): void {
    if (packet.type !== 'connack') throw new Error(`${packet.type.toUpperCase()} before CONNACK`);
    if (packet.reasonCode !== 0) throw connackFault(packet.reasonCode, this.version, packet.properties?.reasonString, this.url);
    this.#connack = packet;
    this.#onConnack?.(null);
    this.#onConnack = null;
  }

  #request(type: Request['type'], send: (packetId: number) => void): Promise<number[]> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== null) {
        reject(this.#closed);
        return;
      }
      this.#lastRequestId = this.#lastRequestId >= 65_535 ? LAST_PUBLISH_ID + 1 : this.#lastRequestId + 1;
      this.#requests.set(this.#lastRequestId, { type, resolve, reject });
      send(this.#lastRequestId);
    });
  }

  /**
   * Looks three times per keep-alive: silence since the last look asks for a sign of life, silence since the question
   * ends the link, so that a half-open one is found within a keep-alive also while we keep writing into it.
   */
  #startWatch(): void {
    const serverSeconds = this.#connack?.properties?.serverKeepAlive;
    const keepAlive = Math.max(
      100,
      Math.min(
        this.#options.keepAliveMs,
        serverSeconds === undefined || serverSeconds === 0 ? Number.POSITIVE_INFINITY : serverSeconds * 1000,
      ),
    );
    this.#receivedAt = this.#clock.mono();
    this.#watch = this.#clock.setInterval(() => {
      const now = this.#clock.mono();
      const silent = !this.#received;
      this.#received = false;
      if (!silent) this.#pingAt = null;
      if (silent && this.#pingAt !== null) {
        this.fail(silentUpstream(this.url, now - this.#receivedAt));
        return;
      }
      // The upstream, too, wants to hear from us within the keep-alive.
      if (silent || now - this.#sentAt >= keepAlive / 2) {
        this.#pingAt ??= now;
        this.send({ type: 'pingreq' });
      }
    }, keepAlive / 3);
  }
}
