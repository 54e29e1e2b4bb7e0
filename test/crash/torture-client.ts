import { connect as connectSocket, type Socket } from 'node:net';
import type { AckPacket, Packet, QoS } from '../../src/mqtt/packets.js';
import { PacketReader } from '../../src/mqtt/reader.js';
import { encode } from '../../src/mqtt/writer.js';
import type { Random } from '../mqtt/random.js';

/**
 * A client (MQTT 3.1.1, kept session) that keeps what the specification tells a client to keep, connects again whenever
 * its connection is gone, and now and then takes over from itself.
 */
export abstract class TortureClient {
  readonly id: string;
  protected readonly random: Random;
  readonly #port: number;
  #socket: Socket | null = null;
  #wanted = false;
  #retry: NodeJS.Timeout | null = null;
  #connects = 0;
  #accepted = false;
  /** What the broker did that it must not. */
  readonly faults: string[] = [];

  constructor(id: string, port: number, random: Random) {
    this.id = id;
    this.#port = port;
    this.random = random;
  }

  /** Connects, now and from now on. */
  start(): void {
    this.#wanted = true;
    if (this.#socket === null) this.#connect();
  }

  /** Leaves without a word. */
  stop(): void {
    this.#wanted = false;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    this.drop();
  }

  /** Breaks the connection; it comes back by itself. */
  drop(): void {
    this.#socket?.destroy();
  }

  /** A second connection under the same client id, while the first is in use. */
  takeOver(): void {
    const former = this.#socket;
    if (former === null) return;
    this.#connect();
    // What it still has to say belongs to nobody any more.
    former.removeAllListeners('data');
  }

  /** CONNACK has come on the present connection. */
  protected get connected(): boolean {
    return this.#accepted;
  }

  /** What is sent while there is no connection is lost. */
  protected send(packet: Packet): void {
    if (this.#accepted) this.#socket!.write(encode(packet, 4));
  }

  protected acknowledge(type: AckPacket['type'], packetId: number): void {
    this.send({ type, packetId, reasonCode: 0, properties: null });
  }

  protected publish(topic: string, payload: string, qos: QoS, packetId: number, dup: boolean, retain = false): void {
    this.send({ type: 'publish', topic, payload: Buffer.from(payload), qos, retain, dup, packetId, properties: null });
  }

  /** CONNACK has come. */
  protected abstract onConnected(): void;
  protected abstract onPacket(packet: Packet): void;

  #connect(): void {
    const socket = connectSocket({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    this.#accepted = false;
    const reader = new PacketReader({ maxPacketSize: Number.MAX_SAFE_INTEGER, role: 'client', version: 4 });
    socket.on('connect', () => socket.write(this.#hello()));
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk);
      for (let packet = reader.next(); packet !== null && this.#socket === socket; packet = reader.next()) this.#take(packet);
    });
    socket.on('error', () => {
      // 'close' follows.
    });
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#accepted = false;
      if (this.#wanted) this.#retry = setTimeout(() => this.#connect(), 10 + this.random.below(60));
    });
  }

  #hello(): Buffer {
    const plain = { will: null, username: null, password: null, properties: null, bridge: false };
    return encode({ type: 'connect', version: 4, clean: false, keepAlive: 0, clientId: this.id, ...plain }, 4);
  }

  #take(packet: Packet): void {
    if (packet.type !== 'connack') {
      this.onPacket(packet);
      return;
    }
    if (packet.reasonCode !== 0) this.faults.push(`${this.id} was refused with ${packet.reasonCode}`);
    if (this.#connects > 0 && !packet.sessionPresent) this.faults.push(`${this.id} lost its session`);
    this.#connects++;
    this.#accepted = true;
    this.onConnected();
  }
}
