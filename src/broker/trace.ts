import type { Timer } from '../clock.js';
import { FerruleError } from '../errors.js';
import type { Packet, Properties, PublishPacket, QoS } from '../mqtt/packets.js';
import { matches, parseShared, validateFilter } from '../mqtt/topics.js';
import type { StoredMessage } from '../store/types.js';
import { overlaps } from './auth/acl.js';
import type { Broker } from './broker.js';
import type { Connection } from './connection.js';
import { PROTOCOL_NAMES } from './monitor.js';

/** What of a payload can be shown at most, bytes. */
export const MAX_PREVIEW = 128;
const MAX_TRACES = 4;
const MAX_PACKETS_PER_SECOND = 200;
/** Filters of one packet that are shown. */
const MAX_FILTERS = 20;
const MAX_DURATION_MS = 10 * 60_000;

/** One client by its id, or the packets that concern a topic filter. */
export interface TraceRequest {
  client?: string;
  topic?: string;
  /** Bytes of each payload to show, up to MAX_PREVIEW; 0: none. */
  payload: number;
}

/** One packet, or the end of a connection. What a packet does not have is missing. Passwords and property values never appear. */
export interface TracedPacket {
  /** Wall ms. */
  at: number;
  /** From the client, or to it. */
  direction: 'in' | 'out';
  client: string;
  /** The packet's type in small letters; `closed`: the connection ended. */
  type: Packet['type'] | 'closed';
  packetId?: number;
  qos?: QoS;
  retain?: boolean;
  dup?: boolean;
  topic?: string;
  /** Bytes of the payload. */
  size?: number;
  /** The payload's first bytes: as text, or in hex where it is not. */
  payload?: string;
  payloadFormat?: 'text' | 'hex';
  reasonCode?: number;
  /** SUBACK and UNSUBACK: one for each filter. */
  reasonCodes?: number[];
  /** SUBSCRIBE and UNSUBSCRIBE; the first ones. */
  filters?: string[];
  /** Names of the MQTT 5 properties. */
  properties?: string[];
  /** CONNECT: version, keep-alive, user, will. `closed`: why. */
  detail?: string;
}

export interface TraceListener {
  packet(packet: TracedPacket): void;
  /** So many packets were left out since the last call, because there were too many. */
  leftOut(count: number): void;
  /** The trace is over by itself. */
  ended(reason: string): void;
}

/** What a connection calls while a trace runs. */
export interface Tracer {
  packet(direction: 'in' | 'out', connection: Connection, packet: Packet): void;
  delivery(connection: Connection, message: StoredMessage, qos: QoS, retain: boolean, dup: boolean, packetId: number): void;
  closed(connection: Connection): void;
}

/** Follows clients and topics packet by packet, for people who look for a fault. Bounded in number, rate and time. */
export class Tracing implements Tracer {
  readonly #broker: Broker;
  readonly #traces = new Set<Trace>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /**
   * Starts a trace; the function that is returned ends it. It ends by itself after ten minutes.
   * @throws FER_BROKER_TRACE: too many run, or nothing (possible) to follow was named.
   */
  start(request: TraceRequest, listener: TraceListener): () => void {
    refuseImpossible(request);
    if (this.#traces.size >= MAX_TRACES) {
      throw new FerruleError('FER_BROKER_TRACE', `${MAX_TRACES} traces run already.`, { hint: 'End one of them first.' });
    }
    const { clock } = this.#broker;
    const trace: Trace = {
      request,
      listener,
      windowStart: clock.mono(),
      inWindow: 0,
      leftOut: 0,
      timers: [
        clock.setTimeout(() => this.#end(trace, 'time is over'), MAX_DURATION_MS),
        clock.setInterval(() => this.#tellLeftOut(trace), 1000),
      ],
    };
    this.#traces.add(trace);
    this.#broker.tracer = this;
    return () => this.#end(trace, null);
  }

  /** Ends all traces. */
  stop(): void {
    for (const trace of [...this.#traces]) this.#end(trace, 'the broker stops');
  }

  packet(direction: 'in' | 'out', connection: Connection, packet: Packet): void {
    const client = packet.type === 'connect' ? packet.clientId : connection.id;
    const topics = topicsOf(connection, packet);
    for (const trace of this.#traces) {
      if (!concerns(trace.request, client, topics)) continue;
      this.#show(trace, () => describe(direction, client, packet, topics[0], trace.request.payload));
    }
  }

  delivery(connection: Connection, message: StoredMessage, qos: QoS, retain: boolean, dup: boolean, packetId: number): void {
    const { topic, payload, properties } = message;
    const packet: PublishPacket = { type: 'publish', topic, payload, qos, retain, dup, packetId, properties };
    this.packet('out', connection, packet);
  }

  closed(connection: Connection): void {
    const detail = connection.lastError ?? (connection.saidGoodbye ? 'the client said goodbye' : 'the connection was lost');
    for (const trace of this.#traces) {
      if (trace.request.client !== connection.id) continue;
      this.#show(trace, () => ({ direction: 'out', client: connection.id, type: 'closed', detail }));
    }
  }

  /** Beyond the rate nothing is even described. */
  #show(trace: Trace, describePacket: () => Omit<TracedPacket, 'at'>): void {
    const now = this.#broker.clock.mono();
    if (now - trace.windowStart >= 1000) {
      trace.windowStart = now;
      trace.inWindow = 0;
    }
    if (trace.inWindow >= MAX_PACKETS_PER_SECOND) {
      trace.leftOut++;
      return;
    }
    trace.inWindow++;
    this.#tellLeftOut(trace);
    trace.listener.packet({ at: this.#broker.clock.now(), ...describePacket() });
  }

  #tellLeftOut(trace: Trace): void {
    if (trace.leftOut === 0) return;
    const count = trace.leftOut;
    trace.leftOut = 0;
    trace.listener.leftOut(count);
  }

  #end(trace: Trace, reason: string | null): void {
    if (!this.#traces.delete(trace)) return;
    for (const timer of trace.timers) timer.cancel();
    if (this.#traces.size === 0) this.#broker.tracer = null;
    if (reason === null) return;
    this.#tellLeftOut(trace);
    trace.listener.ended(reason);
  }
}

interface Trace {
  request: TraceRequest;
  listener: TraceListener;
  /** Monotonic ms. */
  windowStart: number;
  inWindow: number;
  leftOut: number;
  timers: Timer[];
}

function refuseImpossible({ client, topic, payload }: TraceRequest): void {
  const fault = topic === undefined ? null : validateFilter(topic);
  if (fault !== null) throw new FerruleError('FER_BROKER_TRACE', `The topic filter ${JSON.stringify(topic)} ${fault}.`);
  if ((client === undefined) === (topic === undefined)) {
    throw new FerruleError('FER_BROKER_TRACE', 'A trace follows either one client or one topic filter.');
  }
  if (payload < 0 || payload > MAX_PREVIEW) {
    throw new FerruleError('FER_BROKER_TRACE', `A trace shows 0 to ${MAX_PREVIEW} bytes of a payload.`);
  }
}

function concerns({ client, topic }: TraceRequest, ofClient: string, topics: readonly string[]): boolean {
  if (client !== undefined) return client === ofClient;
  // Filters of a SUBSCRIBE and the topic of a PUBLISH alike: a topic name overlaps what matches it.
  return topics.some((each) => matches(topic!, each) || (/[+#]/.test(each) && overlaps(topic!, each)));
}

/** The topic of a PUBLISH, with its alias resolved, or the filters of a SUBSCRIBE or UNSUBSCRIBE. */
function topicsOf(connection: Connection, packet: Packet): string[] {
  switch (packet.type) {
    case 'publish':
      return [packet.topic === '' ? (connection.inboundAliases.peek(packet.properties?.topicAlias ?? 0) ?? '') : packet.topic];
    case 'subscribe':
      return packet.subscriptions.map(({ filter }) => unshared(filter));
    case 'unsubscribe':
      return packet.filters.map(unshared);
    default:
      return [];
  }
}

function unshared(filter: string): string {
  const shared = parseShared(filter);
  return shared !== null && 'filter' in shared ? shared.filter : filter;
}

function describe(
  direction: 'in' | 'out',
  client: string,
  packet: Packet,
  topic: string | undefined,
  preview: number,
): Omit<TracedPacket, 'at'> {
  const properties = 'properties' in packet ? namesOf(packet.properties) : {};
  const head = { direction, client, type: packet.type, ...properties };
  switch (packet.type) {
    case 'connect': {
      const { version, clean, keepAlive, username, will } = packet;
      const parts = [`MQTT ${PROTOCOL_NAMES[version]}`, `keep-alive ${keepAlive} s`, clean ? 'clean' : 'resume'];
      if (username !== null) parts.push(`user ${JSON.stringify(username)}`);
      if (will !== null) parts.push(`will on ${JSON.stringify(will.topic)}`);
      return { ...head, detail: parts.join(', ') };
    }
    case 'connack':
      return { ...head, reasonCode: packet.reasonCode, detail: packet.sessionPresent ? 'session present' : 'new session' };
    case 'publish': {
      const { qos, retain, dup, packetId, payload } = packet;
      const id = qos === 0 ? {} : { packetId };
      return { ...head, ...id, qos, retain, dup, topic: topic ?? '', size: payload.length, ...previewOf(payload, preview) };
    }
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return { ...head, packetId: packet.packetId, reasonCode: packet.reasonCode };
    case 'subscribe':
      return { ...head, packetId: packet.packetId, filters: packet.subscriptions.slice(0, MAX_FILTERS).map(({ filter }) => filter) };
    case 'unsubscribe':
      return { ...head, packetId: packet.packetId, filters: packet.filters.slice(0, MAX_FILTERS) };
    case 'suback':
    case 'unsuback':
      return { ...head, packetId: packet.packetId, reasonCodes: packet.reasonCodes };
    case 'disconnect':
    case 'auth':
      return { ...head, reasonCode: packet.reasonCode };
    case 'pingreq':
    case 'pingresp':
      return head;
  }
}

function namesOf(properties: Properties | null): { properties?: string[] } {
  return properties === null ? {} : { properties: Object.keys(properties) };
}

function previewOf(payload: Buffer, bytes: number): Pick<TracedPacket, 'payload' | 'payloadFormat'> {
  if (bytes === 0) return {};
  const start = payload.subarray(0, bytes);
  // A character that the cut goes through is no reason to show hex.
  const text = new TextDecoder().decode(start, { stream: true });
  const isText = !/\ufffd|(?![\t\n\r])\p{Cc}/u.test(text);
  return isText ? { payload: text, payloadFormat: 'text' } : { payload: start.toString('hex'), payloadFormat: 'hex' };
}
