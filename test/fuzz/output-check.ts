import type { Packet, ProtocolVersion } from '../../src/mqtt/packets.js';
import { PacketReader } from '../../src/mqtt/reader.js';
import { encodedSize } from '../../src/mqtt/writer.js';

/** What the client said it can take. */
export interface Promises {
  receiveMaximum: number;
  maximumPacketSize: number;
  topicAliasMaximum: number;
}

/** Reads what the broker sends to one client, however that client behaves, and says where it is not legal. */
export class OutputCheck {
  #reader: PacketReader | null = null;
  #version: ProtocolVersion = 4;
  readonly #inflight = new Set<number>();
  /** Released before it was seen here: the broker may have taken that for an answer to what is still on its way. */
  readonly #early = new Set<number>();
  readonly #aliases = new Set<number>();
  #isFirst = true;
  #isLast = false;

  /** The packets in the bytes, each shown to `onPacket` first. Throws where they are not what a client may be sent. */
  read(bytes: Buffer, version: ProtocolVersion, promises: Promises, onPacket: (packet: Packet) => void): Packet[] {
    if (this.#reader === null) {
      this.#version = version;
      this.#reader = new PacketReader({ maxPacketSize: Number.MAX_SAFE_INTEGER, role: 'client', version });
    }
    this.#reader.push(bytes);
    const packets: Packet[] = [];
    for (let packet = this.#reader.next(); packet !== null; packet = this.#reader.next()) {
      onPacket(packet);
      this.#check(packet, promises);
      packets.push(packet);
    }
    if (this.#reader.buffered > 0) throw new Error('a write ends inside a packet');
    return packets;
  }

  /** The client let go of an id. */
  released(packetId: number): void {
    if (!this.#inflight.delete(packetId)) this.#early.add(packetId);
  }

  #check(packet: Packet, promises: Promises): void {
    if (this.#isLast) throw new Error(`${packet.type} after DISCONNECT or a refusal`);
    if (this.#isFirst && packet.type !== 'connack' && packet.type !== 'auth') throw new Error(`${packet.type} before CONNACK`);
    if (!this.#isFirst && packet.type === 'connack') throw new Error('a second CONNACK');
    if (packet.type !== 'auth') this.#isFirst = false;
    if (packet.type === 'disconnect' || (packet.type === 'connack' && packet.reasonCode !== 0)) this.#isLast = true;
    const size = encodedSize(packet, this.#version);
    if (size > promises.maximumPacketSize)
      throw new Error(`${packet.type} of ${size} bytes to a client that takes ${promises.maximumPacketSize}`);
    if (packet.type === 'publish') this.#checkPublish(packet, promises);
  }

  #checkPublish(packet: Extract<Packet, { type: 'publish' }>, promises: Promises): void {
    const alias = packet.properties?.topicAlias;
    if (alias !== undefined) {
      if (alias > promises.topicAliasMaximum) throw new Error(`topic alias ${alias}, and the client takes ${promises.topicAliasMaximum}`);
      if (packet.topic === '' && !this.#aliases.has(alias)) throw new Error(`topic alias ${alias} was never introduced`);
      this.#aliases.add(alias);
    }
    if (packet.qos === 0 || this.#early.delete(packet.packetId)) return;
    if (this.#inflight.has(packet.packetId)) throw new Error(`packet id ${packet.packetId} is used again while it is in flight`);
    this.#inflight.add(packet.packetId);
    if (this.#inflight.size > promises.receiveMaximum)
      throw new Error(`${this.#inflight.size} in flight, receive maximum ${promises.receiveMaximum}`);
  }
}
