import type { Clock } from '../clock.js';
import type { Static } from '../schema-types.js';
import type { BridgeSummary, DeviceSummary, GatewayInfo, Overview } from './api-schemas.js';
import type { BridgeStatus, ConsolePorts, DeviceStatus, GatewayPort, Quality } from './ports.js';

/** A device without its tags and frames, but with how many are in which quality. */
export function summaryOf(device: DeviceStatus): Static<typeof DeviceSummary> {
  const { tags, frames: _frames, ...head } = device;
  const tagCounts: Record<Quality, number> = { good: 0, stale: 0, bad: 0, uncertain: 0 };
  for (const tag of tags) tagCounts[tag.quality]++;
  return { ...head, tagCounts };
}

export function gatewayInfo(gateway: GatewayPort, clock: Clock): Static<typeof GatewayInfo> {
  const { id, name, version, startedAt, demo } = gateway;
  return { id, name, version, startedAt, demo, now: clock.now() };
}

function bridgeSummary(bridge: BridgeStatus): Static<typeof BridgeSummary> {
  const { name, state, link, since, lastError, latency, ledger } = bridge;
  const { waiting, waitingBytes, oldestAgeMs, difference } = ledger;
  return { name, state, link, since, lastError, latency, waiting, waitingBytes, oldestAgeMs, difference };
}

/** One glance at the whole gateway. */
export function overviewOf(ports: ConsolePorts, clock: Clock): Static<typeof Overview> {
  const devices: Record<DeviceStatus['state'], number> = { online: 0, degraded: 0, offline: 0, unknown: 0 };
  const tags: Record<Quality, number> = { good: 0, stale: 0, bad: 0, uncertain: 0 };
  for (const device of ports.field.devices()) {
    devices[device.state]++;
    for (const tag of device.tags) tags[tag.quality]++;
  }
  const rules = { running: 0, error: 0, fired: 0, failed: 0 };
  for (const rule of ports.rules.rules()) {
    rules[rule.state]++;
    rules.fired += rule.fired;
    rules.failed += rule.failed;
  }
  return {
    gateway: gatewayInfo(ports.gateway, clock),
    parts: ports.gateway.parts(),
    notices: ports.gateway.notices(),
    broker: ports.broker.status(),
    field: { devices, tags, buses: ports.field.buses() },
    bridges: ports.bridges.bridges().map(bridgeSummary),
    rules,
    storage: ports.storage.status(),
  };
}
