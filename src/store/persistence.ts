/**
 * aedes-persistence 11's contract on the store, so that code written for `broker.persistence` works.
 *
 * Subscriptions (with their sessions), retained messages and wills are the store's own: a user of the contract sees the
 * broker's real ones. Queues and inbound packets are not: the contract's records (brokerId, brokerCounter, messageId) don't
 * fit the store's, so they lie in tables of their own. Every change is a commit of its own: this is a door for compatibility,
 * the broker takes the wide interface of types.ts.
 */
import { Readable } from 'node:stream';
import { deserialize, serialize } from 'node:v8';
import Packet, { type AedesPacket } from 'aedes-packet';
import { FerruleError } from '../errors.js';
import type { QoS } from '../mqtt/packets.js';
import { matches } from '../mqtt/topics.js';
import { extraOf, fromRecord, type PublishLike, toMessage } from './contract-packets.js';
import type { ContractKind, ContractRecord, ContractRequests, OutgoingRow } from './contract-protocol.js';
import { encodeMessage, type Moment } from './message-codec.js';
import type { SessionId, StoredSubscription } from './types.js';

export interface PersistencePort {
  nextSessionId(): SessionId;
  moment(): Moment;
  now(): number;
  request<K extends ContractKind>(kind: K, ask: ContractRequests[K]['ask']): Promise<ContractRequests[K]['answer']>;
}

/** What the contract needs to know of a client, a broker and a subscription. */
export interface ContractClient {
  id: string;
}
export interface ContractBroker {
  id: string;
}
export interface ContractSubscription {
  topic: string;
  qos: QoS;
  rh?: number;
  rap?: boolean;
  nl?: boolean;
  subscriptionIdentifier?: number;
}

const PAGE = 200;

export class StorePersistence {
  #broker: ContractBroker | null = null;
  #destroyed: boolean = false;
  readonly #port: PersistencePort;

  constructor(port: PersistencePort) {
    this.#port = port;
  }

  get broker(): ContractBroker | null {
    return this.#broker;
  }

  // The contract wants an async function: aedes checks its constructor's name.
  async setup(broker: ContractBroker): Promise<void> {
    this.#broker = broker;
    await Promise.resolve();
  }

  /** The store itself goes on; only this view of it ends. */
  async destroy(): Promise<void> {
    if (this.#destroyed) throw new FerruleError('FER_STOPPED', 'The persistence was destroyed twice');
    this.#destroyed = true;
    await Promise.resolve();
  }

  // --- retained

  async storeRetained(packet: PublishLike): Promise<void> {
    const message = packet.payload.length === 0 ? null : this.#encode(packet, '');
    await this.#request('contract.storeRetained', { topic: packet.topic, message, extra: extraOf(packet) });
  }

  createRetainedStream(pattern: string): Readable {
    return this.createRetainedStreamCombi([pattern]);
  }

  createRetainedStreamCombi(patterns: string[]): Readable {
    return Readable.from(this.#retained(patterns));
  }

  async *#retained(patterns: string[]): AsyncGenerator<PublishLike> {
    for (let after: string | null = null; ; ) {
      const page: ContractRecord[] = await this.#request('contract.retained', { after, limit: PAGE });
      for (const record of page) if (patterns.some((pattern) => matches(pattern, record.key))) yield fromRecord(record);
      if (page.length < PAGE) return;
      after = page.at(-1)!.key;
    }
  }

  // --- subscriptions

  async addSubscriptions(client: ContractClient, subs: ContractSubscription[]): Promise<void> {
    const ask = { clientId: client.id, sid: this.#port.nextSessionId(), subscriptions: subs.map(toStored) };
    await this.#request('contract.addSubscriptions', ask);
  }

  async removeSubscriptions(client: ContractClient, topics: string[]): Promise<void> {
    await this.#request('contract.removeSubscriptions', { clientId: client.id, filters: topics });
  }

  async cleanSubscriptions(client: ContractClient): Promise<void> {
    await this.#request('contract.cleanSubscriptions', { clientId: client.id });
  }

  async subscriptionsByClient(client: ContractClient): Promise<ContractSubscription[]> {
    const stored = await this.#request('contract.subscriptions', { clientId: client.id });
    return stored.map((subscription) => ({
      ...fromStored(subscription),
      ...(subscription.subscriptionId === 0 ? {} : { subscriptionIdentifier: subscription.subscriptionId }),
    }));
  }

  async subscriptionsByTopic(topic: string): Promise<(ContractSubscription & { clientId: string })[]> {
    const found = await this.#request('contract.match', { topic });
    return found.map(({ clientId, subscription }) => ({ clientId, ...fromStored(subscription) }));
  }

  countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    return this.#request('contract.count', null);
  }

  getClientList(topic: string): Readable {
    return Readable.from(later(() => this.#request('contract.clients', { filter: topic })));
  }

  // --- outgoing

  outgoingEnqueue(sub: { clientId: string }, packet: AedesPacket): Promise<void> {
    return this.outgoingEnqueueCombi([sub], packet);
  }

  async outgoingEnqueueCombi(subs: { clientId: string }[], packet: AedesPacket): Promise<void> {
    const { brokerId, brokerCounter } = packet;
    await this.#request('contract.enqueue', {
      clientIds: subs.map(({ clientId }) => clientId),
      brokerId: brokerId ?? null,
      brokerCounter: brokerCounter ?? 0,
      packet: serialize({ ...new NormalPacket(packet) }),
    });
  }

  /** Rejects where there is no such packet. */
  async outgoingUpdate(client: ContractClient, packet: AedesPacket): Promise<void> {
    const found = await this.#request('contract.update', {
      clientId: client.id,
      brokerId: packet.brokerId ?? null,
      brokerCounter: packet.brokerCounter ?? 0,
      messageId: packet.messageId ?? null,
      packet: serialize({ ...packet }),
    });
    if (!found) throw noSuchPacket();
  }

  async outgoingClearMessageId(client: ContractClient, packet: { messageId?: number }): Promise<AedesPacket | undefined> {
    if (packet.messageId === undefined) return undefined;
    const row = await this.#request('contract.clear', { clientId: client.id, messageId: packet.messageId });
    return row === null ? undefined : toOutgoing(row);
  }

  /** What is queued now: what comes later is not part of it. */
  outgoingStream(client: ContractClient): Readable {
    const end = this.#request('contract.outgoingEnd', { clientId: client.id });
    // The stream may be destroyed before it is read; its failure is reported to whoever reads.
    end.catch(() => {});
    return Readable.from(this.#outgoing(client.id, end));
  }

  async *#outgoing(clientId: string, ends: Promise<number>): AsyncGenerator<AedesPacket> {
    const end = await ends;
    for (let after = 0; after < end; ) {
      const page: OutgoingRow[] = await this.#request('contract.outgoing', { clientId, after, end, limit: PAGE });
      for (const row of page) yield toOutgoing(row);
      if (page.length < PAGE) return;
      after = page.at(-1)!.n;
    }
  }

  // --- incoming (QoS 2)

  async incomingStorePacket(client: ContractClient, packet: AedesPacket & { messageId: number }): Promise<void> {
    const stored = { ...new NormalPacket(packet), messageId: packet.messageId };
    await this.#request('contract.storeIncoming', { clientId: client.id, messageId: packet.messageId, packet: serialize(stored) });
  }

  async incomingGetPacket(client: ContractClient, packet: { messageId: number }): Promise<AedesPacket> {
    const found = await this.#request('contract.incoming', { clientId: client.id, messageId: packet.messageId });
    if (found === null) throw noSuchPacket();
    return deserialize(found) as AedesPacket;
  }

  async incomingDelPacket(client: ContractClient, packet: { messageId: number }): Promise<void> {
    const found = await this.#request('contract.deleteIncoming', { clientId: client.id, messageId: packet.messageId });
    if (!found) throw noSuchPacket();
  }

  async cleanIncoming(client: ContractClient): Promise<void> {
    await this.#request('contract.cleanIncoming', { clientId: client.id });
  }

  // --- wills

  /** As in aedes' own: the packet gets the ids of its broker and client. */
  async putWill(client: ContractClient, packet: PublishLike): Promise<void> {
    packet.brokerId = this.#broker?.id ?? '';
    packet.clientId = client.id;
    const { clientId } = packet;
    await this.#request('contract.putWill', {
      clientId,
      at: this.#port.now(),
      message: this.#encode(packet, clientId),
      extra: extraOf(packet),
    });
  }

  async getWill(client: ContractClient): Promise<PublishLike | undefined> {
    return fromOptional(await this.#request('contract.will', { clientId: client.id }));
  }

  async delWill(client: ContractClient): Promise<PublishLike | undefined> {
    return fromOptional(await this.#request('contract.deleteWill', { clientId: client.id }));
  }

  /** Wills that were put through the contract by brokers not in `brokers`; the broker looks after its own clients' wills. */
  streamWill(brokers: Record<string, unknown> = {}): Readable {
    return Readable.from(this.#wills(brokers));
  }

  async *#wills(brokers: Record<string, unknown>): AsyncGenerator<PublishLike> {
    for (const record of await this.#request('contract.wills', null)) {
      const will = fromRecord(record);
      if (brokers[will.brokerId ?? ''] === undefined) yield will;
    }
  }

  #encode(packet: PublishLike, publisher: string): Uint8Array {
    return encodeMessage(toMessage(packet, this.#port.now(), publisher), this.#port.moment());
  }

  #request<K extends ContractKind>(kind: K, ask: ContractRequests[K]['ask']): Promise<ContractRequests[K]['answer']> {
    if (this.#destroyed) return Promise.reject(new FerruleError('FER_STOPPED', 'The persistence was destroyed'));
    return this.#port.request(kind, ask);
  }
}

/** aedes-packet's function is a constructor; its types don't say so. */
const NormalPacket = Packet as unknown as new (original: object) => AedesPacket;

async function* later(list: () => Promise<string[]>): AsyncGenerator<string> {
  yield* await list();
}

function toOutgoing({ packet, messageId }: OutgoingRow): AedesPacket {
  const original = deserialize(packet) as AedesPacket;
  return messageId === null ? original : { ...original, messageId };
}

function fromOptional(record: ContractRecord | null): PublishLike | undefined {
  return record === null ? undefined : fromRecord(record);
}

function toStored(sub: ContractSubscription): StoredSubscription {
  const handling = sub.rh ?? 0;
  return {
    filter: sub.topic,
    qos: sub.qos,
    noLocal: sub.nl ?? false,
    retainAsPublished: sub.rap ?? false,
    retainHandling: handling === 1 || handling === 2 ? handling : 0,
    subscriptionId: sub.subscriptionIdentifier ?? 0,
    upgradeQos: false,
  };
}

function fromStored({ filter, qos, retainHandling, retainAsPublished, noLocal }: StoredSubscription): ContractSubscription {
  return { topic: filter, qos, rh: retainHandling, rap: retainAsPublished, nl: noLocal };
}

function noSuchPacket(): Error {
  return new Error('no such packet');
}
