import type { Registry } from 'prom-client';
import type { MetricsPorts } from './ports.js';
import { counter, gauge, type Sample } from './series.js';

type Bridge = ReturnType<MetricsPorts['bridges']['bridges']>[number];

export function registerBridges(registry: Registry, bridges: MetricsPorts['bridges']): void {
  const perBridge = (read: (bridge: Bridge) => number | null) => () =>
    bridges.bridges().map((bridge): Sample => [[bridge.name], read(bridge)]);
  const label = ['bridge'];

  gauge(
    registry,
    'ferrule_bridge_connected',
    'Whether the bridge is connected to its upstream.',
    label,
    perBridge(({ link }) => (link === 'connected' ? 1 : 0)),
  );
  gauge(
    registry,
    'ferrule_bridge_latency_seconds',
    'Smoothed time from publish to acknowledgement.',
    label,
    perBridge(({ latency }) => (latency === null ? null : latency / 1000)),
  );
  gauge(
    registry,
    'ferrule_bridge_inflight_messages',
    'Messages sent upstream and not yet acknowledged.',
    label,
    perBridge(({ inflight }) => inflight),
  );
  gauge(
    registry,
    'ferrule_bridge_waiting_messages',
    'Messages that wait on disk for the upstream.',
    label,
    perBridge(({ ledger }) => ledger.waiting),
  );
  gauge(
    registry,
    'ferrule_bridge_waiting_bytes',
    'Payload bytes that wait on disk for the upstream.',
    label,
    perBridge(({ ledger }) => ledger.waitingBytes),
  );
  gauge(
    registry,
    'ferrule_bridge_oldest_waiting_seconds',
    'Age of the oldest message that waits; 0: none waits.',
    label,
    perBridge(({ ledger }) => (ledger.oldestAgeMs ?? 0) / 1000),
  );
  gauge(
    registry,
    'ferrule_bridge_ledger_difference',
    'Accepted less delivered, dropped and waiting; anything but 0 is a fault.',
    label,
    perBridge(({ ledger }) => ledger.difference),
  );
  counter(
    registry,
    'ferrule_bridge_accepted_total',
    'Messages taken for the upstream.',
    label,
    perBridge(({ ledger }) => ledger.accepted),
  );
  counter(
    registry,
    'ferrule_bridge_delivered_total',
    'Messages that the upstream acknowledged.',
    label,
    perBridge(({ ledger }) => ledger.delivered),
  );
  counter(
    registry,
    'ferrule_bridge_received_total',
    'Messages that came from the upstream.',
    label,
    perBridge(({ received }) => received),
  );
  counter(registry, 'ferrule_bridge_dropped_total', 'Messages dropped by policy, by reason.', ['bridge', 'reason'], () =>
    bridges
      .bridges()
      .flatMap(({ name, ledger }) => Object.entries(ledger.dropped).map(([reason, count]): Sample => [[name, reason], count])),
  );
}
