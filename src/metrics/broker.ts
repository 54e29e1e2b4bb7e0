import type { Registry } from 'prom-client';
import type { MetricsPorts } from './ports.js';
import { counter, gauge, plain } from './series.js';

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
  counter(registry, 'ferrule_broker_messages_total', 'Messages that the broker took and sent.', ['direction'], () => {
    const { messagesIn, messagesOut } = broker.status();
    return [
      [['in'], messagesIn],
      [['out'], messagesOut],
    ];
  });
  counter(registry, 'ferrule_broker_messages_dropped_total', 'Messages dropped by a limit or policy.', [], () =>
    plain(broker.status().dropped),
  );
}
