import type { DeviceRecord } from '../device.js';
import type { DeviceStatus, UnitCounters } from '../ports.js';
import type { FrameReader } from './frame-reader.js';

/** The status of what is at the end of a serial line; it has no scans and no latency where nothing is asked. */
export function lineStatus(
  { name, bus }: { name: string; bus: string },
  record: DeviceRecord,
  reader: FrameReader,
  counters: UnitCounters,
): DeviceStatus {
  const { state, since, error } = record.state;
  return {
    ...{ name, bus, kind: 'serial', unit: null, state, since, lastError: error, latency: null },
    counters: { ...counters, crcErrors: reader.failures },
    frames: reader.status,
    scans: [],
    tags: [...record.tags.values()].map((tag) => tag.status),
  };
}
