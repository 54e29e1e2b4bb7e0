import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { messageOf } from '../errors.js';
import { MqttError } from '../mqtt/mqtt-error.js';
import type { AckPacket, Packet, Properties, ProtocolVersion, QoS, Will } from '../mqtt/packets.js';
import { encodePublish, publishLength, publishSize, writePublish } from '../mqtt/publish-frame.js';
import { PacketReader } from '../mqtt/reader.js';
import { ReasonCode } from '../mqtt/reason-codes.js';
import { ACK_BYTES, encode } from '../mqtt/writer.js';
import type { QueueEntry, StoredMessage } from '../store/types.js';
import { Acknowledgements } from './acknowledgements.js';
import type { EnhancedLogin } from './auth/enhanced-login.js';
import type { Login } from './auth/login.js';
import { Throttle } from './auth/throttle.js';
import type { Broker } from './broker.js';
import { type ClientCapabilities, UNLIMITED_CLIENT } from './client-capabilities.js';
import { publishToClient } from './client-publish.js';
import { endProperties } from './end-properties.js';
import { refuseConnect } from './handlers/connect.js';
import { handlePacket } from './handlers/index.js';
import { subscribeClient, unsubscribeClient } from './handlers/subscribe.js';
import { KnownTopics } from './known-topics.js';
import { deliveryProperties } from './message-properties.js';
import { LARGE, Outbox } from './outbox.js';
import type { RoutedPublication } from './publication.js';
import { NOTHING_TO_RELEASE } from './refusals.js';
import type { Session, SessionReceiver } from './session.js';
import { shorten } from './shorten.js';
import { InboundAliases, OutboundAliases } from './topic-aliases.js';

/** Answers (acknowledgements, pings) that may wait for a client to read them before we stop reading from it. */
const MAX_UNREAD_ANSWERS = 64 * 1024;

/** What aedes calls the details of a connection's other end. */
export interface ConnectionDetails {
  address: string | null;
  listener: string | null;
  /** The user of its verified client certificate. */
  certificateUser?: string | null;
}

type State = 'new' | 'connecting' | 'connected' | 'closed';

/**
 * One client's connection, for every protocol version and transport. It reads packets, hands them to handlers/, and
 * writes what the session has for the client; the session outlives it where it is durable.
 *
 * It also is the `client` that aedes' hooks and events are called with.
 */
export class Connection extends EventEmitter implements SessionReceiver {
  readonly broker: Broker;
  readonly conn: Duplex;
  /** Set where the transport is a WebSocket. */
  declare readonly req?: IncomingMessage;
  readonly connDetails: ConnectionDetails;
  readonly outbox: Outbox;
  readonly acknowledgements = new Acknowledgements(this);
  readonly topics = new KnownTopics();
  readonly inboundAliases: InboundAliases;
  readonly connectedAt: number;
  readonly throttle = new Throttle(this);
  #line: { heardUntil: number | null } | null = null;

  id = '';
  version: ProtocolVersion = 4;
  clean = true;
  username: string | null = null;
  will: Will | null = null;
  session: Session | null = null;
  /** Seconds; 0: none. */
  keepAlive = 0;
  /** QoS 1 and 2 messages from the client without their last acknowledgement. */
  unacknowledged = 0;
  messagesIn = 0;
  messagesOut = 0;
  bytesIn = 0;
  dropped = 0;
  lastError: string | null = null;
  /** It sent DISCONNECT. */
  saidGoodbye = false;
  /** How it came in; null: not yet, or a hook that somebody set has let it in. */
  login: Login | null = null;
  /** Enhanced authentication (AUTH), where its CONNECT asked for it. */
  enhancedLogin: EnhancedLogin | null = null;
  /** A reason code that its CONNECT will be answered with, whatever it says. */
  refusal: number | null = null;
  /** Monotonic ms when something last came from the client, or we last began to read again. */
  lastSeen: number;
  /** Wall ms when the packet that is being handled was taken: the clock is not read for each of those that came together. */
  now = 0;

  readonly #reader: PacketReader;
  #state: State = 'new';
  /** A handler waits for something (a hook, the disk): no further packet until resume(). */
  #busy = false;
  /** The socket is not read: too much is unacknowledged, the store is under pressure, or a handler waits. */
  #paused = false;
  #blocked = false;
  #processing = false;
  #refused = false;
  /** Bytes of answers since the client was last seen to keep up with reading. */
  #unread = 0;
  /** It sends and sends and does not read our answers. */
  #choked = false;
  #closeTimer: { cancel(): void } | null = null;
  #capabilities: ClientCapabilities = UNLIMITED_CLIENT;
  #aliases: OutboundAliases | null = null;

  constructor(broker: Broker, conn: Duplex, req?: IncomingMessage, details?: ConnectionDetails) {
    super();
    this.broker = broker;
    this.conn = conn;
    if (req !== undefined) this.req = req;
    this.connDetails = details ?? { address: null, listener: null };
    // Of idle connections there are thousands: one function for what is the same.
    const onRoom = (): void => this.#onRoom();
    const onEnd = (): void => this.close();
    this.outbox = new Outbox(conn, broker.flushQueue, onRoom);
    this.connectedAt = broker.clock.now();
    this.lastSeen = broker.clock.mono();
    this.inboundAliases = new InboundAliases(broker.limits.topicAliasMaximum);
    const { maxConnectSize, maxPacketSize } = broker.limits;
    this.#reader = new PacketReader({ maxPacketSize: Math.min(maxConnectSize, maxPacketSize), role: 'server' });
    conn.on('data', (chunk: Buffer) => this.#onData(chunk));
    conn.on('drain', onRoom);
    conn.on('error', (error) => this.#onSocketError(error));
    conn.on('end', onEnd);
    conn.on('close', onEnd);
  }

  /** What can be said of it when it is long gone. */
  get line(): { readonly heardUntil: number | null } {
    this.#line ??= { heardUntil: this.#state === 'closed' ? this.lastSeen : null };
    return this.#line;
  }

  get connecting(): boolean {
    return this.#state === 'connecting';
  }

  set connecting(value: boolean) {
    if (value && this.#state === 'new') this.#state = 'connecting';
  }

  get connected(): boolean {
    return this.#state === 'connected';
  }

  get closed(): boolean {
    return this.#state === 'closed';
  }

  /** We do not read what the client sends, for no fault of its own: its silence says nothing. */
  get isHeldUp(): boolean {
    return this.#paused && !this.#choked;
  }

  /** The protocol version as far as CONNECT has been read; null: not that far. */
  get readsVersion(): ProtocolVersion | null {
    return this.#reader.version;
  }

  /** What the client can take; from its CONNECT. */
  get capabilities(): ClientCapabilities {
    return this.#capabilities;
  }

  set capabilities(capabilities: ClientCapabilities) {
    this.#capabilities = capabilities;
    this.#aliases = capabilities.topicAliasMaximum === 0 ? null : new OutboundAliases(capabilities.topicAliasMaximum);
  }

  get maxInflight(): number {
    return Math.min(this.broker.limits.maxInflight, this.#capabilities.receiveMaximum);
  }

  /** CONNACK has been sent. */
  accepted(): void {
    if (this.#state === 'closed') return;
    this.#state = 'connected';
    this.#reader.maxPacketSize = this.broker.limits.maxPacketSize;
    this.lastSeen = this.broker.clock.mono();
  }

  /** Stops taking packets until resume(); for handlers that wait for a hook or the disk. */
  wait(): void {
    this.#busy = true;
    this.#updateFlow();
  }

  resume(): void {
    if (!this.#busy) return;
    this.#busy = false;
    this.#updateFlow();
    this.#process();
  }

  /** The store asks to slow down, or is at ease again. */
  setBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    this.relieve();
  }

  /** Something was acknowledged: go on reading where that was what held us up. */
  relieve(): void {
    const wasPaused = this.#paused;
    this.#updateFlow();
    if (wasPaused && !this.#paused) this.#process();
  }

  send(packet: Packet): void {
    if (this.#state === 'closed') return;
    const bytes = encode(packet, this.version);
    const { maximumPacketSize } = this.#capabilities;
    const sent = bytes.length <= maximumPacketSize ? bytes : shorten(packet, this.version, maximumPacketSize);
    if (sent === null) {
      this.#unsayable(packet);
      return;
    }
    this.broker.counters.packetsOut++;
    this.broker.counters.bytesOut += sent.length;
    if (this.broker.tracer !== null) this.broker.tracer.packet('out', this, packet);
    this.outbox.push(sent);
    this.#countUnread(sent.length);
  }

  /** [MQTT-3.1.2-24] What has to be said is larger than the client takes. */
  #unsayable(packet: Packet): void {
    // These end the connection anyhow, and the log says why.
    if (packet.type === 'disconnect' || (packet.type === 'connack' && packet.reasonCode !== ReasonCode.Success)) return;
    const cause = `${packet.type.toUpperCase()} does not fit into the client's maximum packet size of ${this.#capabilities.maximumPacketSize}`;
    this.broker.trouble.warn(this, 'connection closed', cause);
    if (packet.type === 'connack') {
      this.broker.counters.connectionsRefused++;
      // Nobody was told that it is in force.
      this.dropWill();
    } else {
      this.broker.counters.protocolErrors++;
    }
    this.disconnect(ReasonCode.PacketTooLarge, cause);
  }

  /** Before v5 every acknowledgement is a success. `cause`: why it is a refusal. */
  sendPublishAck(qos: 1 | 2, packetId: number, reasonCode: number, cause?: string): void {
    if (qos === 1 || reasonCode >= ReasonCode.UnspecifiedError) this.unacknowledged--;
    this.sendAck(qos === 1 ? 'puback' : 'pubrec', packetId, reasonCode, cause);
  }

  /** What a v5 client is told of `cause`; null: nothing, or it does not want to know. */
  explain(cause: string | undefined): Properties | null {
    return endProperties(this.#capabilities.wantsProblemInformation ? cause : undefined, undefined);
  }

  sendAck(type: AckPacket['type'], packetId: number, reasonCode: number, cause?: string): void {
    const saysMore = reasonCode !== ReasonCode.Success && this.version === 5;
    if (saysMore || this.broker.tracer !== null || this.#capabilities.maximumPacketSize < ACK_BYTES) {
      this.send({ type, packetId, reasonCode, properties: this.explain(cause) });
      return;
    }
    if (this.#state === 'closed') return;
    const { counters } = this.broker;
    counters.packetsOut++;
    counters.bytesOut += ACK_BYTES;
    this.outbox.pushAck(type, packetId);
    this.#countUnread(ACK_BYTES);
  }

  // --- SessionReceiver

  canSend(): boolean {
    return this.#state === 'connected' && this.outbox.backlog < this.broker.limits.clientBuffer;
  }

  sendEntry(entry: QueueEntry, packetId: number, dup: boolean): boolean {
    const message = this.broker.forwarded(this, entry.message);
    return message !== null && this.#deliver(message, entry.qos, entry.retain, dup, packetId, entry.subscriptionIds);
  }

  mayRead(topic: string): boolean {
    return this.broker.decideSubscribe(this, topic) !== false;
  }

  sendRelease(_entry: QueueEntry, packetId: number): void {
    this.sendPubrel(packetId, ReasonCode.Success);
  }

  sendPubrel(packetId: number, reasonCode: number): void {
    this.sendAck('pubrel', packetId, reasonCode, reasonCode === ReasonCode.Success ? undefined : NOTHING_TO_RELEASE);
  }

  sendLive(
    publication: RoutedPublication,
    qos: 1 | 2,
    retain: boolean,
    subscriptionIds: readonly number[] | null,
    packetId: number,
  ): boolean {
    if (!this.#sharesBytes(publication, subscriptionIds)) {
      const message = this.broker.forwarded(this, publication.message);
      return message !== null && this.#deliver(message, qos, retain, false, packetId, subscriptionIds);
    }
    const frame = this.broker.frames.get(publication, qos, retain, this.version);
    const bytes = frame.to - frame.from;
    if (bytes > this.#capabilities.maximumPacketSize) return false;
    this.outbox.pushPublish(frame, packetId, false);
    this.#countOut(bytes, publication.payloadLength);
    return true;
  }

  sendTransient(publication: RoutedPublication, retain: boolean, subscriptionIds: readonly number[] | null): void {
    if (!this.canSend()) {
      this.dropped++;
      this.broker.counters.droppedSlow++;
      return;
    }
    if (!this.#sharesBytes(publication, subscriptionIds)) {
      const message = this.broker.forwarded(this, publication.message);
      if (message !== null && !this.#deliver(message, 0, retain, false, 0, subscriptionIds)) this.#dropUndeliverable();
      return;
    }
    const { bytes, from, to } = this.broker.frames.get(publication, 0, retain, this.version);
    if (to - from > this.#capabilities.maximumPacketSize) {
      this.#dropUndeliverable();
      return;
    }
    this.outbox.push(bytes, from, to);
    this.#countOut(to - from, publication.payloadLength);
  }

  /** [MQTT-3.1.2-25] What is larger than the client takes counts as delivered. */
  #dropUndeliverable(): void {
    this.dropped++;
    this.broker.counters.droppedUndeliverable++;
  }

  /** Nothing in the packet but its id depends on whom it goes to, and nobody wants to see it. */
  #sharesBytes({ expiresAt }: RoutedPublication, subscriptionIds: readonly number[] | null): boolean {
    if (this.broker.tracer !== null || this.broker.changesForwarded) return false;
    return this.version !== 5 || (this.#aliases === null && subscriptionIds === null && expiresAt === 0);
  }

  /** false: larger than the client takes ([MQTT-3.1.2-24]). */
  #deliver(
    message: StoredMessage,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
    subscriptionIds: readonly number[] | null,
  ): boolean {
    const { version, outbox } = this;
    const { payload } = message;
    let { topic } = message;
    let properties: Properties | null = null;
    let isNewAlias = false;
    if (version === 5) {
      let alias = this.#aliases?.get(topic) ?? null;
      if (alias !== null) topic = '';
      else if (this.#aliases !== null) {
        alias = this.#aliases.add(topic);
        isNewAlias = alias !== null;
      }
      properties = deliveryProperties(message, subscriptionIds, alias, this.broker.clock);
    }
    const length = publishLength(topic, payload, qos, properties, version);
    const size = publishSize(length);
    if (size > this.#capabilities.maximumPacketSize) {
      if (isNewAlias) this.#aliases?.forget(topic);
      return false;
    }
    this.#countOut(size, payload.length);
    if (this.broker.tracer !== null) this.broker.tracer.delivery(this, message, qos, retain, dup, packetId);
    if (size >= LARGE) {
      outbox.push(encodePublish(topic, payload, qos, retain, dup, packetId, properties, version));
    } else {
      const at = outbox.claim(size);
      writePublish(outbox.slab, at, length, topic, payload, qos, retain, dup, packetId, properties, version);
    }
    return true;
  }

  #countOut(bytes: number, payloadBytes: number): void {
    this.messagesOut++;
    const { counters } = this.broker;
    counters.messagesOut++;
    counters.packetsOut++;
    counters.bytesOut += bytes;
    counters.payloadBytesOut += payloadBytes;
  }

  // --- ends

  /** The client said goodbye: no will. */
  dropWill(): void {
    if (this.will === null) return;
    this.will = null;
    this.broker.wills.forget(this.id);
  }

  /** The disk refuses what this client sent: no acknowledgement, no further packet, and after a while the end. */
  refuse(cause: string): void {
    if (this.#state === 'closed') return;
    this.#refused = true;
    this.#updateFlow();
    this.lastError = cause;
    this.broker.counters.storeRefused++;
    this.broker.trouble.warn(this, 'what it sent could not be stored', cause);
    this.#closeTimer ??= this.broker.clock.setTimeout(() => {
      this.disconnect(ReasonCode.ImplementationSpecificError, cause);
    }, this.broker.limits.refusedCloseMs);
  }

  /** Ends the connection because of something the client did wrong; v5 is told what. Its will is published. */
  fail(error: Error): void {
    if (this.#state === 'closed') return;
    // [MQTT-4.13.1-1] [MQTT-4.13.2-1]
    this.#sayGoodbye(error instanceof MqttError ? error.reasonCode : ReasonCode.UnspecifiedError, messageOf(error));
    this.lastError = messageOf(error);
    this.broker.counters.protocolErrors++;
    this.broker.trouble.warn(this, 'connection closed', this.lastError, error instanceof MqttError ? error.clause : undefined);
    this.broker.emit(this.id === '' ? 'connectionError' : 'clientError', this, error);
    this.close();
  }

  /** Ends the connection from our side; v5 is told why, and where to go, earlier versions can't be. Its will is published. */
  disconnect(reasonCode: number, cause: string, serverReference?: string): void {
    if (this.#state === 'closed') return;
    this.#sayGoodbye(reasonCode, cause, serverReference);
    this.destroy(cause);
  }

  /** Ends the connection without a word; its will is published. */
  destroy(cause: string): void {
    if (this.#state === 'closed') return;
    this.lastError = cause;
    this.close();
  }

  #sayGoodbye(reasonCode: number, cause: string, serverReference?: string): void {
    if (this.version !== 5 || this.#state !== 'connected') return;
    const properties = endProperties(this.#capabilities.wantsProblemInformation ? cause : undefined, serverReference);
    this.send({ type: 'disconnect', reasonCode, properties });
  }

  /** Ends the connection. What is on its way to the socket is still sent. Once it is closed, further calls do nothing. */
  close(done?: () => void): void {
    if (this.#state !== 'closed') {
      this.#state = 'closed';
      if (this.#line !== null) this.#line.heardUntil = this.lastSeen;
      this.#closeTimer?.cancel();
      this.throttle.stop();
      this.outbox.flush();
      this.conn.removeAllListeners('data');
      this.conn.end();
      // A peer that does not read keeps the socket half-closed for ever otherwise.
      if (!this.conn.destroyed) this.broker.linger(this.conn);
      if (this.broker.tracer !== null) this.broker.tracer.closed(this);
      this.broker.connectionClosed(this);
      this.emit('close');
    }
    done?.();
  }

  // --- aedes' client

  /** Sends a message to this client alone. */
  publish(packet: Parameters<typeof publishToClient>[1], done?: (error?: Error) => void): void {
    publishToClient(this, packet, done);
  }

  subscribe(subscriptions: Parameters<typeof subscribeClient>[1], done?: (error?: Error) => void): void {
    subscribeClient(this, subscriptions, done);
  }

  unsubscribe(filters: Parameters<typeof unsubscribeClient>[1], done?: (error?: Error) => void): void {
    unsubscribeClient(this, filters, done);
  }

  /** Sends what waits; here that happens by itself. */
  emptyOutgoingQueue(done?: () => void): void {
    this.session?.queue.pump();
    done?.();
  }

  // --- input

  #onData(chunk: Buffer): void {
    this.bytesIn += chunk.length;
    this.broker.counters.bytesIn += chunk.length;
    // Before CONNECT only the time of arrival counts: trickling bytes must not hold a connection open.
    if (this.#state === 'connected') this.lastSeen = this.broker.clock.mono();
    this.throttle.count(chunk.length, this.broker.limits.byteRate, 'bytes');
    this.#reader.push(chunk);
    this.#process();
  }

  #countUnread(bytes: number): void {
    this.#unread += bytes;
    if (this.#unread < MAX_UNREAD_ANSWERS || this.#choked) return;
    if (this.outbox.backlog < MAX_UNREAD_ANSWERS) {
      this.#unread = 0;
    } else {
      this.#choked = true;
      this.#updateFlow();
    }
  }

  /** The socket has taken what we had for it. */
  #onRoom(): void {
    if (this.#state === 'closed') return;
    this.#unread = 0;
    this.#choked = false;
    this.relieve();
    this.session?.queue.pump();
    this.session?.retained?.wake();
  }

  #process(): void {
    // A handler may be answered at once and call resume() while it still runs.
    if (this.#processing) return;
    this.#processing = true;
    this.now = this.broker.clock.now();
    try {
      while (!this.#paused && this.#state !== 'closed') {
        const packet = this.#reader.take();
        if (packet === null) return;
        this.broker.counters.packetsIn++;
        if (this.broker.tracer !== null) this.broker.tracer.packet('in', this, packet.type === 'publish' ? packet.toPacket() : packet);
        handlePacket(this, packet);
        this.#updateFlow();
      }
    } catch (error) {
      this.#onBadInput(error as Error);
    } finally {
      this.#processing = false;
    }
  }

  #onBadInput(error: Error): void {
    if (!(error instanceof MqttError)) {
      this.broker.log.error({ err: error, client: this.id }, 'a packet handler failed');
    } else if (this.#state === 'new') {
      refuseConnect(this, error);
    }
    this.fail(error);
  }

  #onSocketError(error: Error): void {
    this.lastError = messageOf(error);
    this.broker.emit(this.id === '' ? 'connectionError' : 'clientError', this, error);
    this.close();
  }

  #updateFlow(): void {
    const pause =
      this.#busy ||
      this.#refused ||
      this.#choked ||
      this.throttle.holds ||
      (this.#blocked && this.#state === 'connected') ||
      // A v5 client knows how much it may send; one that sends more is told so and leaves.
      (this.version !== 5 && this.acknowledgements.count >= this.broker.limits.maxInbound);
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) {
      this.conn.pause();
    } else {
      // A login has to end in time, however often it waits.
      if (this.#state === 'connected') this.lastSeen = this.broker.clock.mono();
      this.conn.resume();
    }
  }
}
