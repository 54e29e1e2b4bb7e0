import type { Registry } from 'prom-client';
import type { MetricsPorts } from './ports.js';
import { counter, gauge, plain } from './series.js';

type Totals = ReturnType<MetricsPorts['broker']['counters']>;

export function registerBroker(registry: Registry, broker: MetricsPorts['broker']): void {
  gauge(registry, 'ferrule_broker_connections', 'Connected MQTT clients.', [], () => plain(broker.status().connections));
  gauge(registry, 'ferrule_broker_sessions', 'MQTT sessions, connected or not.', [], () => plain(broker.status().sessions));
  gauge(registry, 'ferrule_broker_subscriptions', 'Subscriptions of all sessions.', [], () => plain(broker.status().subscriptions));
  gauge(registry, 'ferrule_broker_retained_messages', 'Retained messages.', [], () => plain(broker.status().retained));
  gauge(registry, 'ferrule_broker_queued_messages', 'Messages that wait in the queues of all sessions.', [], () =>
    plain(broker.status().queued),
  );
  gauge(registry, 'ferrule_broker_queued_bytes', 'Payload bytes that wait in the queues of all sessions.', [], () =>
    plain(broker.status().queuedBytes),
  );
  registerTraffic(registry, broker);
  registerRefusals(registry, broker);
}

function registerTraffic(registry: Registry, broker: MetricsPorts['broker']): void {
  const both = (name: string, help: string, pick: (totals: Totals) => [received: number, sent: number]): void =>
    counter(registry, `ferrule_broker_${name}_total`, help, ['direction'], () => {
      const [received, sent] = pick(broker.counters());
      return [
        [['in'], received],
        [['out'], sent],
      ];
    });
  both('messages', 'Messages (PUBLISH) that clients sent and were sent.', ({ messagesIn, messagesOut }) => [messagesIn, messagesOut]);
  counter(registry, 'ferrule_broker_local_messages_total', "Messages of the gateway's own parts.", [], () =>
    plain(broker.counters().messagesLocal),
  );
  both('payload_bytes', 'Payload bytes of those.', ({ payloadBytesIn, payloadBytesOut }) => [payloadBytesIn, payloadBytesOut]);
  both('packets', 'MQTT packets of all types.', ({ packetsIn, packetsOut }) => [packetsIn, packetsOut]);
  both('bytes', 'Bytes of all packets.', ({ bytesIn, bytesOut }) => [bytesIn, bytesOut]);
}

function registerRefusals(registry: Registry, broker: MetricsPorts['broker']): void {
  const total = (name: string, help: string, pick: (totals: Totals) => number): void =>
    counter(registry, `ferrule_broker_${name}_total`, help, [], () => plain(pick(broker.counters())));
  total('connections_accepted', 'Network connections that were opened.', (totals) => totals.connectionsAccepted);
  total('connections_refused', 'Connections that were refused, for any reason.', (totals) => totals.connectionsRefused);
  total('connects', 'CONNECT packets.', (totals) => totals.connectPackets);
  total('logins_refused', 'Clients that did not prove who they are.', (totals) => totals.loginsRefused);
  total('protocol_errors', 'Connections closed because of what the client sent.', (totals) => totals.protocolErrors);
  total('connections_over_rate', 'Connections refused because too many came from one address.', (totals) => totals.connectionsOverRate);
  total('connections_banned', 'Connections refused because of a ban.', (totals) => totals.connectionsBanned);
  total('redirected', 'Clients that were sent to another server.', (totals) => totals.redirected);
  total('bans', 'Bans that were begun.', (totals) => totals.bans);
  total('throttled', 'Times that a client was not read because it sent too much.', (totals) => totals.throttled);
  total(
    'connect_timeouts',
    'Connections closed because CONNECT or the end of the login did not come in time.',
    (totals) => totals.connectTimeouts,
  );
  total(
    'keep_alive_timeouts',
    'Connections of clients that were silent for longer than their keep-alive.',
    (totals) => totals.keepAliveTimeouts,
  );
  total('connections_taken_over', 'Connections ended because another came with their client id.', (totals) => totals.takenOver);
  total('logins_ended', 'Connections ended because their token or user is no longer valid.', (totals) => totals.loginsEnded);
  total('subscriptions_revoked', 'Subscriptions taken away by a changed rule.', (totals) => totals.subscriptionsRevoked);
  total('subscriptions_over_limit', 'Subscriptions refused because their session had too many.', (totals) => totals.subscriptionsOverLimit);
  total(
    'retained_over_limit',
    'Retained messages that were delivered but not kept, because there were too many.',
    (totals) => totals.retainedOverLimit,
  );
  total('sessions_expired', 'Sessions that outlived their time.', (totals) => totals.sessionsExpired);
  total(
    'messages_rejected',
    'Messages that a full queue did not take, and whose publishers were told so or got no acknowledgement.',
    (totals) => totals.rejectedFull,
  );
  total('store_refused', 'Clients held up because what they sent could not be stored.', (totals) => totals.storeRefused);
  counter(registry, 'ferrule_broker_denied_total', 'What the access rules denied.', ['action'], () => {
    const { publishesDenied, subscriptionsDenied } = broker.counters();
    return [
      [['publish'], publishesDenied],
      [['subscribe'], subscriptionsDenied],
    ];
  });
  counter(
    registry,
    'ferrule_broker_messages_dropped_total',
    'Messages dropped: slow (QoS 0 past the buffer of a client), full (queue limits), expired, undeliverable (too large, or withheld).',
    ['reason'],
    () => {
      const { droppedSlow, droppedFull, droppedExpired, droppedUndeliverable } = broker.counters();
      return [
        [['slow'], droppedSlow],
        [['full'], droppedFull],
        [['expired'], droppedExpired],
        [['undeliverable'], droppedUndeliverable],
      ];
    },
  );
}
