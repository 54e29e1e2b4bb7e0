import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { ConnackPacket, ConnectPacket, Packet, Properties, ProtocolVersion, PublishPacket } from '../../src/mqtt/packets.js';
import { PacketReader } from '../../src/mqtt/reader.js';
import { encode } from '../../src/mqtt/writer.js';
import { waitFor } from '../support/wait-for.js';

/** One connection of a bridge. */
export class ScriptedConnection {
  readonly packets: Packet[] = [];
  readonly #socket: Socket;
  #version: ProtocolVersion = 5;

  constructor(socket: Socket, upstream: ScriptedUpstream) {
    this.#socket = socket;
    const reader = new PacketReader({ maxPacketSize: 1024 * 1024, role: 'server' });
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      reader.push(chunk);
      for (let packet = reader.next(); packet !== null; packet = reader.next()) {
        this.#version = reader.version ?? 5;
        // The payload is a view into the chunk.
        this.packets.push(packet.type === 'publish' ? { ...packet, payload: Buffer.from(packet.payload) } : packet);
        upstream.take(packet, this);
      }
    });
  }

  get connect(): ConnectPacket {
    return this.packets[0] as ConnectPacket;
  }

  get publishes(): PublishPacket[] {
    return this.packets.filter((packet) => packet.type === 'publish');
  }

  of<Type extends Packet['type']>(type: Type): Extract<Packet, { type: Type }>[] {
    return this.packets.filter((packet): packet is Extract<Packet, { type: Type }> => packet.type === type);
  }

  send(packet: Packet): void {
    this.#socket.write(encode(packet, this.#version));
  }

  raw(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.destroy();
  }
}

export interface Script {
  /** What CONNACK says; null: nothing is answered. */
  connack?: Partial<Omit<ConnackPacket, 'type'>> | null;
  /** false: the usual answer is given, too. Default: nothing special. */
  on?: (packet: Packet, connection: ScriptedConnection) => boolean;
}

/** An upstream that does what the test says, and otherwise what a broker does. Messages go nowhere. */
export class ScriptedUpstream {
  readonly connections: ScriptedConnection[] = [];
  script: Script;
  readonly #server: Server;

  private constructor(script: Script) {
    this.script = script;
    this.#server = createServer((socket) => this.connections.push(new ScriptedConnection(socket, this)));
  }

  static async start(t: TestContext, script: Script = {}): Promise<ScriptedUpstream> {
    const upstream = new ScriptedUpstream(script);
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    t.after(() => {
      for (const connection of upstream.connections) connection.close();
      upstream.#server.close();
    });
    return upstream;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get last(): ScriptedConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('nobody has connected');
    return connection;
  }

  async connected(count: number): Promise<ScriptedConnection> {
    await waitFor(() => this.connections.filter((connection) => connection.packets.length > 0).length >= count, {
      message: () => `${count} connections; there are ${this.connections.length}`,
    });
    return this.last;
  }

  take(packet: Packet, connection: ScriptedConnection): void {
    if (this.script.on?.(packet, connection) === true) return;
    switch (packet.type) {
      case 'connect':
        if (this.script.connack === null) return;
        connection.send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: null, ...this.script.connack });
        return;
      case 'publish':
        if (packet.qos > 0) ack(connection, packet.qos === 1 ? 'puback' : 'pubrec', packet.packetId);
        return;
      case 'pubrel':
        ack(connection, 'pubcomp', packet.packetId);
        return;
      case 'subscribe': {
        const { packetId, subscriptions } = packet;
        connection.send({ type: 'suback', packetId, properties: null, reasonCodes: subscriptions.map(({ qos }) => qos) });
        return;
      }
      case 'unsubscribe':
        connection.send({ type: 'unsuback', packetId: packet.packetId, properties: null, reasonCodes: packet.filters.map(() => 0) });
        return;
      case 'pingreq':
        connection.send({ type: 'pingresp' });
        return;
      default:
    }
  }
}

export function ack(
  connection: ScriptedConnection,
  type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp',
  packetId: number,
  reasonCode = 0,
  properties: Properties | null = null,
): void {
  connection.send({ type, packetId, reasonCode, properties });
}
