import type { Registry } from 'prom-client';
import type { MetricsPorts } from './ports.js';
import { counter, gauge, type Sample } from './series.js';

const STATES = ['online', 'degraded', 'offline', 'unknown'];
const QUALITIES = ['good', 'stale', 'bad', 'uncertain'];
const DEVICE = ['device', 'bus'];

type Device = ReturnType<MetricsPorts['field']['devices']>[number];

export function registerField(registry: Registry, field: Pick<MetricsPorts['field'], 'devices' | 'buses'>): void {
  const perDevice = (read: (device: Device) => number | null) => () =>
    field.devices().map((device): Sample => [[device.name, device.bus], read(device)]);

  gauge(registry, 'ferrule_device_state', 'State of a device: 1 for the one that it is in.', [...DEVICE, 'state'], () =>
    field.devices().flatMap(({ name, bus, state }) => STATES.map((each): Sample => [[name, bus, each], each === state ? 1 : 0])),
  );
  gauge(
    registry,
    'ferrule_device_latency_seconds',
    'Smoothed time to an answer.',
    DEVICE,
    perDevice(({ latency }) => (latency === null ? null : latency / 1000)),
  );
  counter(
    registry,
    'ferrule_device_requests_total',
    'Requests to a device.',
    DEVICE,
    perDevice(({ counters }) => counters.requests),
  );
  counter(
    registry,
    'ferrule_device_answers_total',
    'Answers of a device.',
    DEVICE,
    perDevice(({ counters }) => counters.answers),
  );
  counter(registry, 'ferrule_device_errors_total', 'Requests that failed, by kind.', [...DEVICE, 'kind'], () =>
    field.devices().flatMap(({ name, bus, counters }): Sample[] => [
      [[name, bus, 'timeout'], counters.timeouts],
      [[name, bus, 'exception'], counters.exceptions],
      [[name, bus, 'crc'], counters.crcErrors],
      [[name, bus, 'late'], counters.late],
    ]),
  );
  gauge(registry, 'ferrule_device_tags', 'Tags of a device by the quality of their values.', [...DEVICE, 'quality'], () =>
    field.devices().flatMap(({ name, bus, tags }) => {
      const counts = new Map<string, number>();
      for (const { quality } of tags) counts.set(quality, (counts.get(quality) ?? 0) + 1);
      return QUALITIES.map((quality): Sample => [[name, bus, quality], counts.get(quality) ?? 0]);
    }),
  );
  gauge(registry, 'ferrule_device_scan_seconds', 'Duration of the last scan.', [...DEVICE, 'scan'], () =>
    field
      .devices()
      .flatMap(({ name, bus, scans }) =>
        scans.map((scan): Sample => [[name, bus, scan.name], scan.lastMs === null ? null : scan.lastMs / 1000]),
      ),
  );
  counter(registry, 'ferrule_device_scan_overruns_total', 'Scans that were not finished when the next was due.', [...DEVICE, 'scan'], () =>
    field.devices().flatMap(({ name, bus, scans }) => scans.map((scan): Sample => [[name, bus, scan.name], scan.overruns])),
  );
  gauge(registry, 'ferrule_bus_up', 'Whether a field bus runs.', ['bus'], () =>
    field.buses().map(({ name, state }): Sample => [[name], state === 'running' ? 1 : 0]),
  );
  gauge(registry, 'ferrule_bus_queued_requests', 'Requests that wait for a field bus.', ['bus'], () =>
    field.buses().map(({ name, queued }): Sample => [[name], queued]),
  );
}
