import { connect as connectSocket, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type {
  AckPacket,
  ConnackPacket,
  ConnectPacket,
  Packet,
  Properties,
  ProtocolVersion,
  PublishPacket,
  QoS,
  SubackPacket,
  SubscriptionRequest,
  UnsubackPacket,
} from '../../src/mqtt/packets.js';
import { PacketReader } from '../../src/mqtt/reader.js';
import { reasonName } from '../../src/mqtt/reason-codes.js';
import { encode } from '../../src/mqtt/writer.js';

/** ms that anything awaited here may take. */
const PATIENCE = 5000;

export interface RawClientOptions extends Partial<Omit<ConnectPacket, 'type' | 'password' | 'username'>> {
  /** Where the broker listens. Default: 127.0.0.1. */
  host?: string;
  username?: string;
  password?: string | Buffer;
  /** Answers received PUBLISH and PUBREL packets by itself. Default: true. */
  autoAck?: boolean;
}

export interface PublishOptions {
  qos?: QoS;
  retain?: boolean;
  dup?: boolean;
  packetId?: number;
  properties?: Properties;
}

type Distribute<P, Type> = P extends { type: infer T } ? (Type extends T ? P : never) : never;
type PacketOf<Type extends Packet['type']> = Distribute<Packet, Type>;

interface Waiter {
  what: string;
  wants: (packet: Packet) => boolean;
  take: (packet: Packet) => void;
  fail: (error: Error) => void;
}

/**
 * An MQTT client for tests, as bare as can be: it sends what it is told, legal or not, and shows every packet that
 * arrives. Every wait is bounded and fails with what arrived instead.
 *
 *     const c = await RawClient.open(port, { version: 5, clientId: 'x', clean: false });
 *     await c.subscribe('a/#', 1);
 *     await c.publish('a/b', 'hello', { qos: 1 });
 *     const { topic, payload } = await c.nextMessage();
 *     await c.close();
 */
export class RawClient {
  readonly version: ProtocolVersion;
  /** Every PUBLISH that arrived, in order, taken or not. */
  readonly messages: PublishPacket[] = [];
  /** Every packet that arrived, in order. */
  readonly packets: Packet[] = [];
  autoAck: boolean;
  /** What the socket or the reader failed with, if it did. */
  error: Error | null = null;
  private readonly stream: Duplex;
  private readonly reader: PacketReader;
  private readonly waiters = new Set<Waiter>();
  /** What arrived and nobody has taken yet. */
  private readonly inbox: Packet[] = [];
  private accepted: ConnackPacket | null = null;
  private lastPacketId = 0;

  /** Speaks over any stream (TCP, TLS, WebSocket); nothing is sent yet. */
  constructor(stream: Duplex, options: Pick<RawClientOptions, 'version' | 'autoAck'> = {}) {
    this.version = options.version ?? 4;
    this.autoAck = options.autoAck ?? true;
    this.stream = stream;
    this.reader = new PacketReader({ maxPacketSize: Number.MAX_SAFE_INTEGER, role: 'client', version: this.version });
    stream.on('data', (chunk: Buffer) => this.receive(chunk));
    stream.on('error', (error: Error) => {
      this.error ??= error;
    });
    stream.on('close', () => this.onClose());
  }

  /** Opens a socket without a word of MQTT. */
  static async connect(port: number, options: RawClientOptions = {}): Promise<RawClient> {
    const socket = await openSocket(port, options.host ?? '127.0.0.1');
    return new RawClient(socket, options);
  }

  /** Connects and sends CONNECT; whatever the CONNACK says is in `connack`. */
  static async attempt(port: number, options: RawClientOptions = {}): Promise<RawClient> {
    const client = await RawClient.connect(port, options);
    await client.hello(options);
    return client;
  }

  /** Connects, sends CONNECT and fails where it is refused. */
  static async open(port: number, options: RawClientOptions = {}): Promise<RawClient> {
    const client = await RawClient.attempt(port, options);
    const { reasonCode } = client.connack;
    if (reasonCode === 0) return client;
    client.kill();
    throw new Error(`CONNECT was refused: ${client.version === 5 ? reasonName(reasonCode) : `return code ${reasonCode}`}`);
  }

  get isClosed(): boolean {
    return this.stream.closed;
  }

  /** The answer to CONNECT. */
  get connack(): ConnackPacket {
    if (this.accepted === null) throw new Error('no CONNACK has arrived');
    return this.accepted;
  }

  /** Sends CONNECT (by default: clean, without keep alive, with a random client id) and waits for the CONNACK. */
  async hello(options: RawClientOptions = {}): Promise<ConnackPacket> {
    this.send(connectPacket(this.version, options));
    this.accepted = await this.expect('connack');
    return this.accepted;
  }

  send(packet: Packet): void {
    this.sendRaw(encode(packet, this.version));
  }

  sendRaw(bytes: Uint8Array): void {
    this.stream.write(bytes);
  }

  /** The next packet of the type that nobody has taken yet, waited for if need be. */
  expect<Type extends Packet['type']>(type: Type, timeout = PATIENCE): Promise<PacketOf<Type>> {
    return this.take(type, (packet) => packet.type === type, timeout) as Promise<PacketOf<Type>>;
  }

  nextMessage(timeout = PATIENCE): Promise<PublishPacket> {
    return this.expect('publish', timeout);
  }

  /** The next `count` messages. */
  async nextMessages(count: number, timeout = PATIENCE): Promise<PublishPacket[]> {
    const messages: PublishPacket[] = [];
    while (messages.length < count) messages.push(await this.nextMessage(timeout));
    return messages;
  }

  /** Subscribes and gives the SUBACK, whatever it says. */
  async subscribe(
    filters: string | string[],
    qos: QoS = 0,
    options: Partial<SubscriptionRequest> & { properties?: Properties } = {},
  ): Promise<SubackPacket> {
    const { properties = null, ...rest } = options;
    const packetId = this.nextPacketId();
    const subscriptions = [filters]
      .flat()
      .map((filter) => ({ noLocal: false, retainAsPublished: false, retainHandling: 0 as const, ...rest, filter, qos }));
    this.send({ type: 'subscribe', packetId, properties, subscriptions });
    return (await this.takeAck('suback', packetId)) as SubackPacket;
  }

  async unsubscribe(filters: string | string[]): Promise<UnsubackPacket> {
    const packetId = this.nextPacketId();
    this.send({ type: 'unsubscribe', packetId, properties: null, filters: [filters].flat() });
    return (await this.takeAck('unsuback', packetId)) as UnsubackPacket;
  }

  /** Publishes; resolves at the PUBACK or PUBCOMP (or a PUBREC that refuses) with it, at QoS 0 at once with null. */
  async publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<AckPacket | null> {
    const { qos = 0, retain = false, dup = false, properties = null } = options;
    const packetId = qos === 0 ? 0 : (options.packetId ?? this.nextPacketId());
    this.send({ type: 'publish', topic, payload: Buffer.from(payload), qos, retain, dup, packetId, properties });
    if (qos === 0) return null;
    if (qos === 1) return (await this.takeAck('puback', packetId)) as AckPacket;
    const received = (await this.takeAck('pubrec', packetId)) as AckPacket;
    if (received.reasonCode >= 0x80) return received;
    this.send({ type: 'pubrel', packetId, reasonCode: 0, properties: null });
    return (await this.takeAck('pubcomp', packetId)) as AckPacket;
  }

  /** A ping and its answer: what the broker had sent before it has arrived then. */
  async ping(): Promise<void> {
    this.send({ type: 'pingreq' });
    await this.expect('pingresp');
  }

  /** Stops reading from the socket, as a frozen client does. */
  freeze(): void {
    this.stream.pause();
  }

  thaw(): void {
    this.stream.resume();
  }

  /** Resolves when the connection is closed, from whichever side. */
  closed(timeout = PATIENCE): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.stream.off('close', onClose);
        reject(new Error(`the connection is still open after ${timeout} ms${this.arrived()}`));
      }, timeout);
      const onClose = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.stream.once('close', onClose);
    });
  }

  /** DISCONNECT, then waits for the end of the connection. */
  async close(reasonCode = 0, properties: Properties | null = null): Promise<void> {
    if (this.isClosed) return;
    this.send({ type: 'disconnect', reasonCode, properties });
    this.stream.resume();
    this.stream.end();
    await this.closed();
  }

  /** Tears the connection down without a DISCONNECT. */
  kill(): void {
    this.stream.destroy();
  }

  nextPacketId(): number {
    this.lastPacketId = (this.lastPacketId % 65_535) + 1;
    return this.lastPacketId;
  }

  private takeAck(type: 'suback' | 'unsuback' | AckPacket['type'], packetId: number): Promise<Packet> {
    return this.take(`${type} ${packetId}`, (packet) => packet.type === type && packet.packetId === packetId, PATIENCE);
  }

  private take(what: string, wants: (packet: Packet) => boolean, timeout: number): Promise<Packet> {
    const index = this.inbox.findIndex(wants);
    if (index !== -1) return Promise.resolve(this.inbox.splice(index, 1)[0]!);
    if (this.isClosed) return Promise.reject(this.lost(what));
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { what, wants, take: settle(resolve), fail: settle(reject) };
      const timer = setTimeout(() => waiter.fail(new Error(`no ${what} within ${timeout} ms${this.arrived()}`)), timeout);
      this.waiters.add(waiter);
      const { waiters } = this;
      function settle<Value>(then: (value: Value) => void): (value: Value) => void {
        return (value) => {
          clearTimeout(timer);
          waiters.delete(waiter);
          then(value);
        };
      }
    });
  }

  private receive(chunk: Buffer): void {
    try {
      this.reader.push(chunk);
      for (let packet = this.reader.next(); packet !== null; packet = this.reader.next()) this.dispatch(packet);
    } catch (error) {
      this.stream.destroy(error as Error);
    }
  }

  private dispatch(packet: Packet): void {
    this.packets.push(packet);
    if (packet.type === 'publish') this.messages.push(packet);
    if (this.autoAck) this.acknowledge(packet);
    for (const waiter of this.waiters) {
      if (!waiter.wants(packet)) continue;
      waiter.take(packet);
      return;
    }
    this.inbox.push(packet);
  }

  private acknowledge(packet: Packet): void {
    if (packet.type === 'pubrel') this.send({ type: 'pubcomp', packetId: packet.packetId, reasonCode: 0, properties: null });
    if (packet.type !== 'publish' || packet.qos === 0) return;
    this.send({ type: packet.qos === 1 ? 'puback' : 'pubrec', packetId: packet.packetId, reasonCode: 0, properties: null });
  }

  private onClose(): void {
    for (const waiter of this.waiters) waiter.fail(this.lost(waiter.what));
  }

  private lost(what: string): Error {
    const cause = this.error === null ? '' : ` (${this.error.message})`;
    return new Error(`the connection was closed${cause} without a ${what}${this.arrived()}`);
  }

  private arrived(): string {
    const names = this.packets.map((packet) => ('reasonCode' in packet ? `${packet.type}(${packet.reasonCode})` : packet.type));
    return `; arrived so far: ${names.slice(-20).join(', ') || 'nothing'}`;
  }
}

let serial = 0;

function connectPacket(version: ProtocolVersion, options: RawClientOptions): ConnectPacket {
  const { password } = options;
  serial += 1;
  return {
    type: 'connect',
    version,
    clean: options.clean ?? true,
    keepAlive: options.keepAlive ?? 0,
    clientId: options.clientId ?? `raw-${process.pid}-${serial}`,
    will: options.will ?? null,
    username: options.username ?? null,
    password: password === undefined ? null : Buffer.from(password as string),
    properties: options.properties ?? null,
    bridge: options.bridge ?? false,
  };
}

function openSocket(port: number, host: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ port, host, noDelay: true });
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error(`no connection to ${host}:${port} within ${PATIENCE} ms`)));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
