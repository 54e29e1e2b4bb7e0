import { Cursor } from './cursor.js';
import {
  ACK_NAMES,
  type Role,
  readAck,
  readAuth,
  readDisconnect,
  readSuback,
  readSubscribe,
  readUnsuback,
  readUnsubscribe,
} from './decode.js';
import { readConnack, readConnect, readProtocolLevel, versionOf } from './decode-connect.js';
import { headerFault, headerTable } from './fixed-header.js';
import { MqttError } from './mqtt-error.js';
import { PacketType, packetTypeName, variableByteSize } from './packet-types.js';
import type { ConnectPacket, Packet, ProtocolVersion, PublishPacket, QoS } from './packets.js';
import { readProperties } from './properties.js';
import { ReasonCode } from './reason-codes.js';
import { ReceivedPublish } from './received-publish.js';
import { TopicReader } from './topic-cache.js';

export type { Role } from './decode.js';

/** A packet as take() gives it: a PUBLISH is valid only until the next call. */
export type ReceivedPacket = Exclude<Packet, PublishPacket> | ReceivedPublish;

export interface PacketReaderOptions {
  /** Bytes of a whole packet, its fixed header included; a larger one is refused as soon as its header is there. */
  maxPacketSize: number;
  /** Whose ears these are. Default: server. */
  role?: Role;
  /** On the server's side the CONNECT sets it. Default on the client's side: 4. */
  version?: ProtocolVersion;
}

const EMPTY = Buffer.alloc(0);
/** A packet that arrives in pieces gets this much at first, then what has really arrived doubles it. */
const FIRST_ALLOCATION = 4096;
/** Packets are read one at a time, so that one cursor serves all readers. */
const cursor = new Cursor();

/**
 * Takes the bytes of one connection and gives its packets, one at a time, when asked.
 *
 * Where a packet lies within one chunk nothing is copied: a PUBLISH's payload is a view into it. A packet over several
 * chunks is gathered once. Bytes that are no legal packet throw an MqttError, the same one on every further call.
 */
export class PacketReader {
  /** May be changed; holds for packets whose header comes from then on. */
  maxPacketSize: number;
  readonly role: Role;
  private protocol: ProtocolVersion | null;
  private connectSeen: boolean;
  private headers: Uint8Array;
  private readonly publish = new ReceivedPublish();
  private readonly topics = new TopicReader();
  private chunk: Buffer = EMPTY;
  private at = 0;
  /** What was pushed before the chunk was used up. */
  private readonly waiting: Buffer[] = [];
  /** The packet that is being gathered, or null. */
  private partial: Buffer | null = null;
  private gathered = 0;
  /** Bytes of the whole packet that is being gathered; 0 while its length is not known. */
  private wanted = 0;
  private failure: unknown = null;

  constructor(options: PacketReaderOptions) {
    this.maxPacketSize = options.maxPacketSize;
    this.connectSeen = false;
    this.role = options.role ?? 'server';
    this.protocol = options.version ?? (this.role === 'client' ? 4 : null);
    this.headers = headerTable(this.role, this.protocol);
  }

  /** Null until a CONNECT's protocol level was read; set also where that CONNECT then proves malformed. */
  get version(): ProtocolVersion | null {
    return this.protocol;
  }

  set version(version: ProtocolVersion | null) {
    this.protocol = version;
    this.headers = headerTable(this.role, version);
  }

  /** Bytes that were pushed and not yet given out as packets. */
  get buffered(): number {
    let bytes = this.chunk.length - this.at + this.gathered;
    for (const chunk of this.waiting) bytes += chunk.length;
    return bytes;
  }

  /** Takes a chunk; it is not copied and must stay unchanged until next() gave null. */
  push(chunk: Buffer): void {
    if (this.failure !== null || chunk.length === 0) return;
    if (this.at === this.chunk.length && this.waiting.length === 0) {
      this.chunk = chunk;
      this.at = 0;
    } else {
      this.waiting.push(chunk);
    }
  }

  /** The next packet, or null where more bytes are needed. Throws MqttError; the reader is dead from then on. */
  next(): Packet | null {
    const packet = this.take();
    return packet instanceof ReceivedPublish ? packet.toPacket() : packet;
  }

  /** As next(), but a PUBLISH is not taken out of what was read: it is one object for all of them. */
  take(): ReceivedPacket | null {
    if (this.failure !== null) throw this.failure;
    try {
      const packet = this.read();
      if (packet === null) this.publish.clear();
      return packet;
    } catch (error) {
      this.failure = error;
      this.chunk = EMPTY;
      this.at = 0;
      this.waiting.length = 0;
      this.partial = null;
      this.gathered = 0;
      this.publish.clear();
      cursor.close();
      throw error;
    }
  }

  private read(): ReceivedPacket | null {
    if (this.partial !== null) return this.gather();
    const chunk = this.chunk;
    const start = this.at;
    const end = chunk.length;
    if (start === end) return this.advance() ? this.read() : null;
    const first = chunk[start]!;
    if (this.headers[first] === 0) throw headerFault(first, this.role, this.protocol);
    let at = start + 1;
    let length = 0;
    let shift = 0;
    for (;;) {
      if (at === end) return this.gatherFrom(0);
      const byte = chunk[at++]!;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) this.refusePadding(first);
        break;
      }
      shift += 7;
      if (shift === 28) throw tooLongLength(first);
    }
    const packetEnd = at + length;
    if (packetEnd - start > this.maxPacketSize) throw this.tooLarge(first, packetEnd - start);
    if (packetEnd > end) return this.gatherFrom(packetEnd - start);
    this.at = packetEnd;
    return this.parse(first, chunk, start, at, packetEnd);
  }

  /** Moves to the next waiting chunk; false where there is none, and then the old one is let go. */
  private advance(): boolean {
    const next = this.waiting.shift();
    this.chunk = next ?? EMPTY;
    this.at = 0;
    return next !== undefined;
  }

  private gatherFrom(wanted: number): ReceivedPacket | null {
    this.wanted = wanted;
    const available = this.chunk.length - this.at;
    this.partial = Buffer.allocUnsafe(wanted === 0 ? 8 : Math.min(wanted, Math.max(FIRST_ALLOCATION, available * 2)));
    this.gathered = 0;
    return this.gather();
  }

  private gather(): ReceivedPacket | null {
    while (this.at < this.chunk.length || this.advance()) {
      if (this.wanted === 0 && !this.gatherHeader()) continue;
      this.gatherBody();
      if (this.gathered === this.wanted) return this.parseGathered();
    }
    return null;
  }

  /** Takes bytes until the remaining length is known; false where the chunk ended before. */
  private gatherHeader(): boolean {
    const partial = this.partial!;
    while (this.at < this.chunk.length) {
      const byte = this.chunk[this.at++]!;
      const index = this.gathered++;
      partial[index] = byte;
      if (index === 0 || byte >= 0x80) {
        if (index === 4) throw tooLongLength(partial[0]!);
        continue;
      }
      if (byte === 0 && index > 1) this.refusePadding(partial[0]!);
      let length = 0;
      for (let digit = index; digit > 0; digit--) length = length * 128 + (partial[digit]! & 0x7f);
      this.wanted = index + 1 + length;
      if (this.wanted > this.maxPacketSize) throw this.tooLarge(partial[0]!, this.wanted);
      return true;
    }
    return false;
  }

  private gatherBody(): void {
    const count = Math.min(this.wanted - this.gathered, this.chunk.length - this.at);
    const needed = this.gathered + count;
    if (needed > this.partial!.length) {
      const grown = Buffer.allocUnsafe(Math.min(this.wanted, Math.max(FIRST_ALLOCATION, needed * 2)));
      this.partial!.copy(grown, 0, 0, this.gathered);
      this.partial = grown;
    }
    this.chunk.copy(this.partial!, this.gathered, this.at, this.at + count);
    this.gathered = needed;
    this.at += count;
  }

  private parseGathered(): ReceivedPacket {
    const bytes = this.partial!;
    const end = this.wanted;
    this.partial = null;
    this.gathered = 0;
    let at = 1;
    while (bytes[at]! >= 0x80) at += 1;
    return this.parse(bytes[0]!, bytes, 0, at + 1, end);
  }

  /** The packet is `bytes[from, end)`; what follows its fixed header begins at `at`. */
  private parse(first: number, bytes: Buffer, from: number, at: number, end: number): ReceivedPacket {
    const type = first >> 4;
    if (type === PacketType.Publish) return this.parsePublish(first, bytes, from, at, end);
    // An acknowledgement that says nothing but success, as nearly all do.
    if (end - at === 2 && type >= PacketType.Puback && type <= PacketType.Pubcomp) {
      const packetId = (bytes[at]! << 8) | bytes[at + 1]!;
      if (packetId !== 0) return { type: ACK_NAMES[type - PacketType.Puback]!, packetId, reasonCode: ReasonCode.Success, properties: null };
    }
    cursor.open(bytes, at, end, packetTypeName(type));
    const packet = this.parseOther(type);
    cursor.close();
    return packet;
  }

  private parsePublish(first: number, bytes: Buffer, from: number, start: number, end: number): ReceivedPublish {
    const { publish } = this;
    const qos = ((first >> 1) & 3) as QoS;
    let at = start + 2;
    if (at > end) throw truncatedPublish('topic name');
    const topicEnd = at + ((bytes[start]! << 8) | bytes[start + 1]!);
    if (topicEnd > end) throw truncatedPublish('topic name');
    const topic = this.topics.read(bytes, at, topicEnd);
    at = topicEnd;
    let packetId = 0;
    if (qos !== 0) {
      at += 2;
      if (at > end) throw truncatedPublish('packet identifier');
      packetId = (bytes[topicEnd]! << 8) | bytes[topicEnd + 1]!;
      if (packetId === 0) throw new MqttError(ReasonCode.ProtocolError, '[MQTT-2.2.1-3]', 'PUBLISH: packet identifier 0');
    }
    let properties = null;
    let isPlain = start - from - 1 === variableByteSize(end - start);
    if (this.protocol === 5) {
      if (at < end && bytes[at] === 0) {
        at += 1;
      } else {
        isPlain = false;
        cursor.open(bytes, at, end, 'PUBLISH');
        properties = readProperties(cursor, PacketType.Publish);
        at = cursor.at;
        cursor.close();
        if (this.role === 'server' && properties?.subscriptionIdentifiers !== undefined) {
          throw new MqttError(ReasonCode.ProtocolError, '[MQTT-3.3.4-6]', 'PUBLISH: a subscription identifier from a client');
        }
      }
    }
    if (topic === '' && properties?.topicAlias === undefined) {
      throw new MqttError(ReasonCode.ProtocolError, '[MQTT-4.7.3-1]', 'PUBLISH: the topic name is empty');
    }
    publish.dup = (first & 0x08) !== 0;
    publish.qos = qos;
    publish.retain = (first & 0x01) !== 0;
    publish.topic = topic;
    publish.packetId = packetId;
    publish.properties = properties;
    publish.bytes = bytes;
    publish.from = from;
    publish.idAt = topicEnd;
    publish.payloadAt = at;
    publish.to = end;
    publish.isPlain = isPlain;
    publish.isVersion5 = this.protocol === 5;
    return publish;
  }

  private parseOther(type: number): Exclude<Packet, PublishPacket> {
    if (type === PacketType.Connect) return this.parseConnect();
    const version = this.protocol!;
    switch (type) {
      case PacketType.Connack:
        return readConnack(cursor, version);
      case PacketType.Subscribe:
        return readSubscribe(cursor, version);
      case PacketType.Suback:
        return readSuback(cursor, version);
      case PacketType.Unsubscribe:
        return readUnsubscribe(cursor, version);
      case PacketType.Unsuback:
        return readUnsuback(cursor, version);
      case PacketType.Pingreq:
        cursor.finish();
        return { type: 'pingreq' };
      case PacketType.Pingresp:
        cursor.finish();
        return { type: 'pingresp' };
      case PacketType.Disconnect:
        return readDisconnect(cursor, version, this.role);
      case PacketType.Auth:
        return readAuth(cursor, this.role);
      default:
        return readAck(cursor, type, version);
    }
  }

  private parseConnect(): ConnectPacket {
    if (this.connectSeen) throw cursor.protocolError('[MQTT-3.1.0-2]', 'a second CONNECT');
    this.connectSeen = true;
    const level = readProtocolLevel(cursor);
    this.version = versionOf(level);
    return readConnect(cursor, level);
  }

  /** Only 5.0 demands the shortest form of the remaining length; field devices of 3.x send others. */
  private refusePadding(first: number): void {
    if (this.protocol !== 5) return;
    throw malformedHeader(first, '[MQTT-1.5.5-1]', 'the remaining length is not encoded in the fewest bytes');
  }

  private tooLarge(first: number, size: number): MqttError {
    const clause = this.role === 'server' ? '[MQTT-3.2.2-15]' : '[MQTT-3.1.2-24]';
    const name = packetTypeName(first >> 4);
    return new MqttError(ReasonCode.PacketTooLarge, clause, `${name}: ${size} bytes, more than the allowed ${this.maxPacketSize}`);
  }
}

function tooLongLength(first: number): MqttError {
  return malformedHeader(first, '§2.1.4', 'the remaining length is longer than four bytes');
}

function malformedHeader(first: number, clause: string, cause: string): MqttError {
  return new MqttError(ReasonCode.MalformedPacket, clause, `${packetTypeName(first >> 4)}: ${cause}`);
}

function truncatedPublish(what: string): MqttError {
  return new MqttError(ReasonCode.MalformedPacket, '§2.1.4', `PUBLISH: ${what} runs past the end of the packet`);
}
