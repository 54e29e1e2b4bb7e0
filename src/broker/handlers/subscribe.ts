import type { SubscribePacket, SubscriptionRequest, UnsubscribePacket } from '../../mqtt/packets.js';
import { ReasonCode } from '../../mqtt/reason-codes.js';
import { parseShared, validateFilter } from '../../mqtt/topics.js';
import type { StoredSubscription } from '../../store/types.js';
import type { Connection } from '../connection.js';
import { filtersRefused } from '../refusals.js';
import { beginRetained, oweRetained } from '../retained-delivery.js';
import { isShared } from '../shared-groups.js';

type AedesSubscription = { topic: string; qos: 0 | 1 | 2 };

/** All the forms in which aedes' users name what to unsubscribe from. */
export type AedesFilters =
  | string
  | { topic: string }
  | (string | { topic: string })[]
  | { unsubscriptions: string[] }
  | { subscriptions: { topic: string }[] };

/** One packet may have a hundred thousand filters, for which all others would have to wait. */
const FILTERS_PER_TURN = 500;

/** SUBSCRIBE: each filter is judged by itself; the answer follows when what was granted is on disk. */
export function handleSubscribe(connection: Connection, packet: SubscribePacket): void {
  connection.wait();
  // 3.8.2.1.2: one identifier for all filters of the packet.
  const subscriptionId = packet.properties?.subscriptionIdentifiers?.[0] ?? 0;
  const reasonCodes: number[] = [];
  const granted: StoredSubscription[] = [];
  const takeSome = (): void => {
    const requests = packet.subscriptions.slice(reasonCodes.length, reasonCodes.length + FILTERS_PER_TURN);
    judge(connection, requests, (verdicts) => {
      if (connection.closed) return;
      for (const one of apply(connection, requests, verdicts, subscriptionId, connection.broker.limits.maxSubscriptions)) granted.push(one);
      for (const verdict of verdicts) reasonCodes.push(verdict);
      if (reasonCodes.length < packet.subscriptions.length) setImmediate(takeSome);
      else finish();
    });
  };
  const finish = (): void => {
    whenSafe(connection, (error) => {
      connection.resume();
      if (error !== null) return;
      connection.send({
        type: 'suback',
        packetId: packet.packetId,
        properties: connection.explain(filtersRefused(reasonCodes)),
        reasonCodes,
      });
      announce(connection, granted);
    });
  };
  takeSome();
}

/** UNSUBSCRIBE. [MQTT-3.10.4-4] */
export function handleUnsubscribe(connection: Connection, packet: UnsubscribePacket): void {
  const session = connection.session!;
  const reasonCodes = packet.filters.map((filter) =>
    connection.broker.sessions.unsubscribe(session, filter) ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted,
  );
  connection.wait();
  whenSafe(connection, (error) => {
    connection.resume();
    if (error !== null) return;
    connection.send({ type: 'unsuback', packetId: packet.packetId, properties: null, reasonCodes });
    connection.broker.emit('unsubscribe', packet.filters, connection);
  });
}

/** aedes' client.subscribe(): without asking the hooks, as the program itself wants it. */
export function subscribeClient(
  connection: Connection,
  subscriptions: AedesSubscription | AedesSubscription[] | { subscriptions: AedesSubscription[] },
  done?: (error?: Error) => void,
): void {
  const list = Array.isArray(subscriptions)
    ? subscriptions
    : 'subscriptions' in subscriptions
      ? subscriptions.subscriptions
      : [subscriptions];
  const requests = list.map(({ topic, qos }): SubscriptionRequest => {
    return { filter: topic, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 };
  });
  const fault = requests.map(({ filter }) => validateFilter(filter)).find((found) => found !== null);
  const { session } = connection;
  // A session that ended with its connection must not be subscribed to anything: nobody would ever unsubscribe it.
  if (fault !== undefined || session === null || connection.broker.sessions.get(session.clientId) !== session) {
    done?.(new Error(fault === undefined ? 'the client is not connected' : `the topic filter ${fault}`));
    return;
  }
  const granted = apply(
    connection,
    requests,
    requests.map(({ qos }) => qos),
    0,
    Number.POSITIVE_INFINITY,
  );
  whenSafe(connection, (error) => {
    if (error === null) announce(connection, granted);
    done?.(error ?? undefined);
  });
}

/** aedes' client.unsubscribe(). */
export function unsubscribeClient(connection: Connection, filters: AedesFilters, done?: (error?: Error) => void): void {
  const list = filtersOf(filters);
  for (const filter of list) if (connection.session !== null) connection.broker.sessions.unsubscribe(connection.session, filter);
  whenSafe(connection, (error) => {
    if (error === null) connection.broker.emit('unsubscribe', list, connection);
    done?.(error ?? undefined);
  });
}

function filtersOf(filters: AedesFilters): string[] {
  if (typeof filters === 'string') return [filters];
  if (Array.isArray(filters)) return filters.flatMap(filtersOf);
  if ('topic' in filters) return [filters.topic];
  return filtersOf('unsubscriptions' in filters ? filters.unsubscriptions : filters.subscriptions);
}

/** Finds a return code for each filter; asks the hook where there is one, one filter after the other. */
function judge(connection: Connection, requests: readonly SubscriptionRequest[], done: (verdicts: number[]) => void): void {
  const verdicts: number[] = [];
  const next = (): void => {
    while (verdicts.length < requests.length) {
      const request = requests[verdicts.length]!;
      const verdict = judgeOne(connection, request);
      if (verdict !== null) {
        verdicts.push(verdict);
        continue;
      }
      connection.broker.authorizeSubscribe(connection, { topic: request.filter, qos: request.qos }, (error, subscription) => {
        const refused = error !== null && error !== undefined;
        verdicts.push(refused || !subscription ? deny(connection, request.filter) : (subscription.qos as 0 | 1 | 2));
        next();
      });
      return;
    }
    done(verdicts);
  };
  next();
}

/** A return code, or null where a hook that somebody set has to be asked. */
function judgeOne(connection: Connection, request: SubscriptionRequest): number | null {
  const { broker } = connection;
  const { filter } = request;
  if (validateFilter(filter) !== null || filter.split('/').length > broker.limits.maxTopicLevels) {
    broker.trouble.warn(connection, 'asked for a topic filter that is not possible', filter);
    return refusal(connection, ReasonCode.TopicFilterInvalid);
  }
  // Who may read a topic may share the reading.
  const shared = parseShared(filter);
  const decision = broker.decideSubscribe(connection, shared !== null && 'filter' in shared ? shared.filter : filter);
  if (decision === null) return null;
  return decision ? request.qos : deny(connection, filter);
}

function tooMany(connection: Connection, filter: string): number {
  connection.broker.counters.subscriptionsOverLimit++;
  connection.broker.trouble.warn(connection, 'has too many subscriptions for another one', filter);
  return refusal(connection, ReasonCode.QuotaExceeded);
}

function deny(connection: Connection, filter: string): number {
  connection.broker.counters.subscriptionsDenied++;
  connection.broker.trouble.warn(connection, 'may not subscribe', filter);
  return refusal(connection, ReasonCode.NotAuthorized);
}

/** Before v5 there is one code for every refusal. */
function refusal(connection: Connection, reasonCode: number): number {
  return connection.version === 5 ? reasonCode : ReasonCode.UnspecifiedError;
}

/** Subscribes to what was allowed, as long as the session has no more than `limit`; beyond that the verdict changes. */
function apply(
  connection: Connection,
  requests: readonly SubscriptionRequest[],
  verdicts: number[],
  subscriptionId: number,
  limit: number,
): StoredSubscription[] {
  const { broker } = connection;
  const session = connection.session!;
  const granted: StoredSubscription[] = [];
  requests.forEach((request, index) => {
    const verdict = verdicts[index]!;
    if (verdict > 2) return;
    const { filter } = request;
    const isNew = !session.subscriptions.has(filter);
    if (isNew && session.subscriptions.size >= limit) {
      verdicts[index] = tooMany(connection, filter);
      return;
    }
    if (wantsRetained(request, isNew) && broker.router.retained.mayMatch(filter)) oweRetained(broker, session, filter);
    const owesRetained = session.retained?.owes(filter) ?? false;
    const stored = { ...request, qos: verdict as 0 | 1 | 2, subscriptionId, upgradeQos: false, owesRetained };
    broker.sessions.subscribe(session, stored);
    granted.push(stored);
  });
  return granted;
}

/** [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] */
function wantsRetained({ filter, retainHandling }: SubscriptionRequest, isNew: boolean): boolean {
  // 4.8.2: a shared subscription gets no retained messages when it is made.
  if (isShared(filter)) return false;
  return retainHandling === 0 || (retainHandling === 1 && isNew);
}

/** Retained messages ([MQTT-3.8.4-4]) and the event. */
function announce(connection: Connection, granted: readonly StoredSubscription[]): void {
  if (connection.closed) return;
  beginRetained(connection);
  connection.broker.emit(
    'subscribe',
    granted.map(({ filter, qos }) => ({ topic: filter, qos })),
    connection,
  );
}

function whenSafe(connection: Connection, done: (error: Error | null) => void): void {
  if (connection.session?.durable === true) {
    connection.broker.store.whenCommitted((error) => {
      if (error !== null) connection.refuse(error.message);
      done(error);
    });
  } else {
    done(null);
  }
}
