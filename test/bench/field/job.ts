/** What a gateway is asked to do: which devices to read, and how often. */
export interface FieldJob {
  buses: FieldBus[];
  /** Of each device's only scan class. */
  periodMs: number;
}

export interface FieldBus {
  endpoint: { type: 'tcp'; port: number } | { type: 'rtu'; path: string; baud: number };
  devices: FieldDevice[];
}

export interface FieldDevice {
  /** Names it in topics (values.ts): unique within the job. */
  number: number;
  unit: number;
  /** Of its tags, each an unsigned holding register. */
  addresses: number[];
}

/** first, first + 1, ... */
export function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}
