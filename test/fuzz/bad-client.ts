import type { Broker } from '../../src/broker/broker.js';
import type { Connection } from '../../src/broker/connection.js';
import type { AckPacket, Packet } from '../../src/mqtt/packets.js';
import { PacketReader } from '../../src/mqtt/reader.js';
import { encode } from '../../src/mqtt/writer.js';
import { MemorySocket } from './memory-socket.js';
import { OutputCheck } from './output-check.js';
import type { Script } from './script.js';

/** Why a connection is over, as the broker has to have counted it. */
export type Outcome = 'fault' | 'taken over' | 'goodbye' | 'left';

const TAKEN_OVER = 'another connection took over the client id';

/** One client that follows its script, on a connection in memory. */
export class BadClient {
  readonly connection: Connection;
  outcome: Outcome | null = null;
  readonly #socket: MemorySocket;
  readonly #output = new OutputCheck();
  /** Reads what it sends, to know which ids it let go of; null: that is no longer legal. */
  #mirror: PacketReader | null = new PacketReader({ maxPacketSize: 1 << 24 });
  /** What was sent and received, the latest last, for a finding. */
  readonly #history: string[] = [];
  #at = 0;
  #hasLeft = false;

  constructor(
    broker: Broker,
    readonly number: number,
    readonly script: Script,
    readonly found: (what: string) => void,
  ) {
    this.#socket = new MemorySocket({ received: (bytes) => this.#received(bytes), ended: () => this.#ended() });
    if (script.frozen) this.#socket.freeze();
    this.connection = broker.accept(this.#socket, undefined, { address: null, listener: 'fuzz' });
    this.connection.on('close', () => {
      this.outcome = outcomeOf(this.connection);
    });
    // Closed before anybody could listen.
    if (this.connection.closed) this.outcome = outcomeOf(this.connection);
  }

  /** Sends what is next. */
  step(): void {
    const { chunks, pace, end } = this.script;
    for (let count = 0; count < pace && this.#at < chunks.length; count++) this.#send(chunks[this.#at++]!);
    if (this.#at < chunks.length || this.#hasLeft) return;
    this.#hasLeft = true;
    // One that does not read can't be told anything, and one that vanished is found out by its socket's error.
    if (this.script.frozen || end === 'vanish') this.#socket.destroy(new Error('read ECONNRESET'));
    else if (end === 'reset') this.#socket.destroy();
    else this.#socket.hangUp();
  }

  #send(bytes: Buffer): void {
    // First: where the bytes end the connection, the broker writes the rest at once.
    this.#mirrorSent(bytes);
    this.#socket.deliver(bytes);
  }

  #mirrorSent(bytes: Buffer): void {
    if (this.#mirror === null) return;
    try {
      this.#mirror.push(bytes);
      for (let packet = this.#mirror.next(); packet !== null; packet = this.#mirror.next()) this.#letGo(packet);
    } catch {
      this.#mirror = null;
    }
  }

  #note(direction: '>' | '<', packet: Packet): void {
    const { type, packetId, qos, dup, reasonCode } = packet as Packet & {
      packetId?: number;
      qos?: number;
      dup?: boolean;
      reasonCode?: number;
    };
    this.#history.push(
      `${direction} ${[type, packetId, qos !== undefined && `QoS ${String(qos)}`, dup && 'dup', reasonCode].filter(Boolean).join(' ')}`,
    );
    if (this.#history.length > 100) this.#history.shift();
  }

  #letGo(packet: Packet): void {
    this.#note('>', packet);
    if (packet.type === 'puback' || packet.type === 'pubcomp' || (packet.type === 'pubrec' && packet.reasonCode >= 0x80)) {
      this.#output.released(packet.packetId);
    }
  }

  #received(bytes: Buffer): void {
    const { connection } = this;
    try {
      for (const packet of this.#output.read(bytes, connection.version, connection.capabilities, (packet) => this.#note('<', packet))) {
        this.#answer(packet);
      }
    } catch (error) {
      this.found(`the broker sent what it may not: ${String(error)} (${bytes.toString('hex').slice(0, 400)}); ${this.#history.join(', ')}`);
    }
  }

  #answer(packet: Packet): void {
    const { answers, random } = this.script;
    if (answers === 'none' || this.#hasLeft) return;
    let answer: AckPacket | null = null;
    if (packet.type === 'publish' && packet.qos > 0) answer = ack(packet.qos === 1 ? 'puback' : 'pubrec', packet.packetId);
    else if (packet.type === 'pubrel') answer = ack('pubcomp', packet.packetId);
    if (answer === null) return;
    if (answers === 'wrong') {
      if (random.below(3) === 0) answer.packetId = 1 + random.below(20);
      if (random.below(3) === 0) answer.type = random.pick(['puback', 'pubrec', 'pubrel', 'pubcomp']);
    }
    this.#letGo(answer);
    const bytes = encode(answer, this.connection.version);
    // It may come between two halves of a packet of the script: that is one more way to be wrong.
    queueMicrotask(() => this.#socket.deliver(bytes));
  }

  #ended(): void {
    // Most see that the broker is gone and leave; the broker gets rid of the others by itself.
    if (this.number % 50 !== 0) queueMicrotask(() => this.#socket.destroy());
  }
}

function ack(type: AckPacket['type'], packetId: number): AckPacket {
  return { type, packetId, reasonCode: 0, properties: null };
}

function outcomeOf({ saidGoodbye, lastError }: Connection): Outcome {
  if (saidGoodbye) return 'goodbye';
  if (lastError === null || lastError === 'read ECONNRESET') return 'left';
  return lastError === TAKEN_OVER ? 'taken over' : 'fault';
}
