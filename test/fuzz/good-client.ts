import type { Broker } from '../../src/broker/broker.js';
import type { Packet, ProtocolVersion, QoS } from '../../src/mqtt/packets.js';
import { PacketReader } from '../../src/mqtt/reader.js';
import { encode } from '../../src/mqtt/writer.js';
import { MemorySocket } from './memory-socket.js';

const noOptions = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;

/** Where a client writes, and what it is told of what arrives. */
export type Wire = (client: { received(bytes: Buffer): void; ended(): void }) => { send(bytes: Buffer): void; close(): void };

export function memoryWire(broker: Broker): Wire {
  return (client) => {
    const socket = new MemorySocket({ received: (bytes) => client.received(bytes), ended: () => client.ended() });
    broker.accept(socket, undefined, { address: null, listener: 'fuzz' });
    // As with a real socket, an answer never arrives while the broker is still writing.
    return { send: (bytes) => queueMicrotask(() => socket.deliver(bytes)), close: () => queueMicrotask(() => socket.hangUp()) };
  };
}

/** A client that keeps to the rules. What is not as it has to be is told to `found`. */
class GoodClient {
  readonly #reader: PacketReader;
  readonly #wire: ReturnType<Wire>;
  #leaving = false;

  constructor(
    wire: Wire,
    readonly id: string,
    readonly version: ProtocolVersion,
    readonly found: (what: string) => void,
    readonly onPacket: (packet: Packet) => void,
  ) {
    this.#reader = new PacketReader({ maxPacketSize: 1 << 24, role: 'client', version });
    this.#wire = wire(this);
  }

  send(packet: Packet): void {
    this.#wire.send(encode(packet, this.version));
  }

  connect(clean: boolean): void {
    const properties = this.version === 5 && !clean ? { sessionExpiryInterval: 3600 } : null;
    const rest = { keepAlive: 0, will: null, username: null, password: null, bridge: false };
    this.send({ type: 'connect', version: this.version, clean, clientId: this.id, properties, ...rest });
  }

  leave(): void {
    this.#leaving = true;
    this.send({ type: 'disconnect', reasonCode: 0, properties: null });
    this.#wire.close();
  }

  received(bytes: Buffer): void {
    this.#reader.push(bytes);
    for (let packet = this.#reader.next(); packet !== null; packet = this.#reader.next()) {
      if (packet.type === 'disconnect') this.found(`${this.id} was sent DISCONNECT ${packet.reasonCode}`);
      else this.onPacket(packet);
    }
  }

  ended(): void {
    if (!this.#leaving) this.found(`${this.id} was disconnected`);
  }
}

/**
 * Clients that keep to the rules beside those that do not: one publishes at QoS 0, 1 and 2, others (3.1.1 with a session
 * on disk, 5.0 without) receive. Every message has to arrive once and in order, every acknowledgement has to come.
 */
export class GoodClients {
  /** Rounds that are complete: three messages to each receiver. */
  rounds = 0;
  /** ms of the slowest round. */
  slowest = 0;
  readonly #publisher: GoodClient;
  readonly #receivers: Receiver[];
  readonly #faults: string[] = [];
  #round = 0;
  #startedAt = 0;
  #connected = 0;
  readonly #open = new Set<string>();

  /** `name`: begins their client ids and topics. */
  constructor(
    wire: Wire,
    readonly name: string,
  ) {
    const found = (what: string): void => {
      this.#faults.push(what);
    };
    this.#publisher = new GoodClient(wire, `${name}-publisher`, 5, found, (packet) => this.#answered(packet));
    this.#receivers = ([4, 5] as const).map((version) => new Receiver(wire, name, version, found, (qos, id) => this.#done(`${id} ${qos}`)));
  }

  /** What went wrong, if anything did. */
  get fault(): string | null {
    return this.#faults[0] ?? null;
  }

  get isReady(): boolean {
    return this.#connected > 0 && this.#receivers.every(({ isReady }) => isReady);
  }

  /** ms that the round under way has taken so far. */
  get waiting(): number {
    return this.#open.size === 0 ? 0 : performance.now() - this.#startedAt;
  }

  /** What is still to come, in words. */
  get missing(): string {
    return [...this.#open].join(', ');
  }

  start(): void {
    this.#publisher.connect(true);
    for (const receiver of this.#receivers) receiver.start();
  }

  /** Publishes once at each QoS, if everything of the last time has arrived. */
  step(): void {
    if (this.#open.size > 0) return;
    this.#round++;
    this.#startedAt = performance.now();
    for (const qos of [0, 1, 2] as const) {
      if (qos > 0) this.#open.add(`acknowledgement ${qos}`);
      for (const { id } of this.#receivers) this.#open.add(`${id} ${qos}`);
    }
    for (const qos of [0, 1, 2] as const) {
      const packet = {
        topic: `${this.name}/${qos}`,
        payload: Buffer.from(String(this.#round)),
        dup: false,
        retain: false,
        properties: null,
      };
      this.#publisher.send({ type: 'publish', qos, packetId: qos, ...packet });
    }
  }

  leave(): void {
    this.#publisher.leave();
    for (const { client } of this.#receivers) client.leave();
  }

  #answered(packet: Packet): void {
    switch (packet.type) {
      case 'connack':
        this.#connected++;
        if (packet.reasonCode !== 0) this.#faults.push(`the publisher was refused: ${packet.reasonCode}`);
        return;
      case 'puback':
      case 'pubcomp':
        if (packet.reasonCode !== 0) this.#faults.push(`${packet.type} ${packet.reasonCode}`);
        this.#done(`acknowledgement ${packet.packetId}`);
        return;
      case 'pubrec':
        if (packet.reasonCode !== 0) this.#faults.push(`pubrec ${packet.reasonCode}`);
        this.#publisher.send({ type: 'pubrel', packetId: packet.packetId, reasonCode: 0, properties: null });
        return;
      default:
        this.#faults.push(`the publisher was sent ${packet.type}`);
    }
  }

  #done(what: string): void {
    if (!this.#open.delete(what)) this.#faults.push(`came twice, or nobody asked for it: ${what}`);
    if (this.#open.size > 0) return;
    this.rounds++;
    this.slowest = Math.max(this.slowest, performance.now() - this.#startedAt);
  }
}

class Receiver {
  readonly client: GoodClient;
  readonly id: string;
  isReady = false;
  readonly #last: [number, number, number] = [0, 0, 0];
  readonly #onMessage: (qos: QoS, id: string) => void;
  readonly #found: (what: string) => void;

  constructor(
    wire: Wire,
    readonly name: string,
    version: ProtocolVersion,
    found: (what: string) => void,
    onMessage: (qos: QoS, id: string) => void,
  ) {
    this.id = `${name}-receiver-${version}`;
    this.#found = found;
    this.#onMessage = onMessage;
    this.client = new GoodClient(wire, this.id, version, found, (packet) => this.#receive(packet));
  }

  start(): void {
    this.client.connect(this.client.version === 5);
    const subscriptions = [0, 1, 2].map((qos) => ({ filter: `${this.name}/${qos}`, qos: qos as QoS, ...noOptions }));
    this.client.send({ type: 'subscribe', packetId: 1, properties: null, subscriptions });
  }

  #receive(packet: Packet): void {
    switch (packet.type) {
      case 'suback':
        this.isReady = true;
        return;
      case 'publish':
        this.#take(packet);
        return;
      case 'pubrel':
        this.client.send({ type: 'pubcomp', packetId: packet.packetId, reasonCode: 0, properties: null });
        return;
      case 'connack':
        if (packet.reasonCode !== 0) this.#found(`${this.id} was refused: ${packet.reasonCode}`);
        return;
      default:
        this.#found(`${this.id} was sent ${packet.type}`);
    }
  }

  #take({ topic, payload, qos, packetId, dup }: Extract<Packet, { type: 'publish' }>): void {
    const number = Number(payload.toString());
    if (topic !== `${this.name}/${qos}` || dup || number !== this.#last[qos] + 1) {
      this.#found(`${this.id} got ${payload.toString()} on ${topic} at QoS ${qos}${dup ? ' again' : ''} after ${this.#last[qos]}`);
    }
    this.#last[qos] = number;
    if (qos > 0) this.client.send({ type: qos === 1 ? 'puback' : 'pubrec', packetId, reasonCode: 0, properties: null });
    this.#onMessage(qos, this.id);
  }
}
