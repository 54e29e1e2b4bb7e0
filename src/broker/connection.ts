import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { messageOf } from '../errors.js';
import { MqttError } from '../mqtt/mqtt-error.js';
import type { Packet, ProtocolVersion, Will } from '../mqtt/packets.js';
import { encodePublish } from '../mqtt/publish-frame.js';
import { PacketReader } from '../mqtt/reader.js';
import { ReasonCode } from '../mqtt/reason-codes.js';
import { encode } from '../mqtt/writer.js';
import type { QueueEntry, StoredMessage } from '../store/types.js';
import { Acknowledgements } from './acknowledgements.js';
import { AuthorizationCache } from './auth/authorization-cache.js';
import type { Broker } from './broker.js';
import { publishToClient } from './client-publish.js';
import { refuseConnect } from './handlers/connect.js';
import { handlePacket } from './handlers/index.js';
import { subscribeClient, unsubscribeClient } from './handlers/subscribe.js';
import { Outbox } from './outbox.js';
import type { Session, SessionReceiver } from './session.js';

/** What aedes calls the details of a connection's other end. */
export interface ConnectionDetails {
  address: string | null;
  listener: string | null;
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
  readonly authorizations = new AuthorizationCache();
  readonly connectedAt: number;

  id = '';
  version: ProtocolVersion = 4;
  clean = true;
  username: string | null = null;
  will: Will | null = null;
  session: Session | null = null;
  /** Seconds; 0: none. */
  keepAlive = 0;
  maxInflight: number;
  messagesIn = 0;
  messagesOut = 0;
  bytesIn = 0;
  dropped = 0;
  lastError: string | null = null;
  /** Monotonic ms when something last came from the client, or we last began to read again. */
  lastSeen: number;

  readonly #reader: PacketReader;
  #state: State = 'new';
  /** A handler waits for something (a hook, the disk): no further packet until resume(). */
  #busy = false;
  /** The socket is not read: too much is unacknowledged, the store is under pressure, or a handler waits. */
  #paused = false;
  #blocked = false;
  #processing = false;
  #refused = false;
  #closeTimer: { cancel(): void } | null = null;

  constructor(broker: Broker, conn: Duplex, req?: IncomingMessage, details?: ConnectionDetails) {
    super();
    this.broker = broker;
    this.conn = conn;
    if (req !== undefined) this.req = req;
    this.connDetails = details ?? { address: null, listener: null };
    this.outbox = new Outbox(conn, broker.flushQueue);
    this.connectedAt = broker.clock.now();
    this.lastSeen = broker.clock.mono();
    this.maxInflight = broker.limits.maxInflight;
    this.#reader = new PacketReader({ maxPacketSize: broker.limits.maxPacketSize, role: 'server' });
    conn.on('data', (chunk: Buffer) => this.#onData(chunk));
    conn.on('drain', () => this.session?.queue.pump());
    conn.on('error', (error) => this.#onSocketError(error));
    conn.on('end', () => this.close());
    conn.on('close', () => this.close());
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

  /** We do not read what the client sends: its silence says nothing. */
  get isHeldUp(): boolean {
    return this.#paused;
  }

  /** CONNACK has been sent. */
  accepted(): void {
    if (this.#state === 'closed') return;
    this.#state = 'connected';
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
    this.outbox.push(encode(packet, this.version));
  }

  sendPublishAck(qos: 1 | 2, packetId: number): void {
    this.send({ type: qos === 1 ? 'puback' : 'pubrec', packetId, reasonCode: ReasonCode.Success, properties: null });
  }

  // --- SessionReceiver

  canSend(): boolean {
    return this.#state === 'connected' && this.outbox.backlog < this.broker.limits.clientBuffer;
  }

  sendEntry(entry: QueueEntry, packetId: number, dup: boolean): boolean {
    const message = this.broker.forwarded(this, entry.message);
    if (message === null) return false;
    const bytes = encodePublish(message.topic, message.payload, entry.qos, entry.retain, dup, packetId, null, this.version);
    this.#countOut(bytes.length);
    this.outbox.push(bytes);
    return true;
  }

  sendRelease(_entry: QueueEntry, packetId: number): void {
    this.sendPubrel(packetId);
  }

  sendPubrel(packetId: number): void {
    this.send({ type: 'pubrel', packetId, reasonCode: ReasonCode.Success, properties: null });
  }

  sendTransient(message: StoredMessage, retain: boolean): void {
    if (!this.canSend()) {
      this.dropped++;
      this.broker.counters.droppedSlow++;
      return;
    }
    const forwarded = this.broker.forwarded(this, message);
    if (forwarded === null) return;
    const bytes = this.broker.frames.get(forwarded, retain, this.version);
    this.#countOut(bytes.length);
    this.outbox.push(bytes);
  }

  #countOut(bytes: number): void {
    this.messagesOut++;
    this.broker.counters.messagesOut++;
    this.broker.counters.bytesOut += bytes;
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
    this.#refused = true;
    this.#updateFlow();
    this.lastError = cause;
    this.broker.counters.storeRefused++;
    this.broker.trouble.warn(this, 'what it sent could not be stored', cause);
    this.#closeTimer ??= this.broker.clock.setTimeout(() => this.destroy(cause), this.broker.limits.refusedCloseMs);
  }

  /** Ends the connection because of something the client did wrong; its will is published. */
  fail(error: Error): void {
    if (this.#state === 'closed') return;
    this.lastError = messageOf(error);
    this.broker.counters.protocolErrors++;
    this.broker.trouble.warn(this, 'connection closed', this.lastError, error instanceof MqttError ? error.clause : undefined);
    this.broker.emit(this.id === '' ? 'connectionError' : 'clientError', this, error);
    this.close();
  }

  /** Ends the connection without a word; its will is published. */
  destroy(cause: string): void {
    if (this.#state === 'closed') return;
    this.lastError = cause;
    this.close();
  }

  /** Ends the connection. What is on its way to the socket is still sent. Once it is closed, further calls do nothing. */
  close(done?: () => void): void {
    if (this.#state !== 'closed') {
      this.#state = 'closed';
      this.#closeTimer?.cancel();
      this.outbox.flush();
      this.conn.removeAllListeners('data');
      this.conn.end();
      // A peer that does not read keeps the socket half-closed for ever otherwise.
      if (!this.conn.destroyed) this.broker.linger(this.conn);
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
    this.#reader.push(chunk);
    this.#process();
  }

  #process(): void {
    // A handler may be answered at once and call resume() while it still runs.
    if (this.#processing) return;
    this.#processing = true;
    try {
      while (!this.#paused && this.#state !== 'closed') {
        const packet = this.#reader.next();
        if (packet === null) return;
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
      (this.#blocked && this.#state === 'connected') ||
      this.acknowledgements.count >= this.broker.limits.maxInbound;
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) {
      this.conn.pause();
    } else {
      this.lastSeen = this.broker.clock.mono();
      this.conn.resume();
    }
  }
}
