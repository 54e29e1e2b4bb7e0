import type { TracedPacket } from '../api/types.js';

/** Packets that are kept; older ones go. */
export const MAX_PACKETS = 500;

export type TraceRow<T = TracedPacket> = { id: number } & ({ packet: T } | { leftOut: number } | { ended: string });

/** What a trace has brought. While it is paused the rows stand still, and what comes is kept behind. */
export class TraceLog<T = TracedPacket> {
  /** Name of the events that are packets (or frames). */
  readonly #event: string;
  #rows: TraceRow<T>[] = [];
  #shown: readonly TraceRow<T>[] | null = null;
  #next = 1;
  #behind = 0;

  constructor(event = 'packet') {
    this.#event = event;
  }

  get rows(): readonly TraceRow<T>[] {
    return this.#shown ?? this.#rows;
  }

  get isPaused(): boolean {
    return this.#shown !== null;
  }

  /** Packets that came since the pause began. */
  get behind(): number {
    return this.#behind;
  }

  /** One event of the stream. */
  take(event: string, data: string): void {
    const value = JSON.parse(data) as unknown;
    if (event === this.#event) this.#add({ id: this.#next++, packet: value as T });
    else if (event === 'left_out') this.#add({ id: this.#next++, leftOut: (value as { count: number }).count });
    else if (event === 'end') this.#add({ id: this.#next++, ended: (value as { reason: string }).reason });
  }

  pause(): void {
    this.#shown ??= [...this.#rows];
  }

  goOn(): void {
    this.#shown = null;
    this.#behind = 0;
  }

  clear(): void {
    this.#rows = [];
    this.goOn();
  }

  #add(row: TraceRow<T>): void {
    this.#rows = [...this.#rows.slice(1 - MAX_PACKETS), row];
    if (this.#shown !== null) this.#behind++;
  }
}

/** What a packet says, in a few words: its topic, flags, id, reason. */
export function summaryOf(packet: TracedPacket): string {
  const parts: string[] = [];
  if (packet.topic !== undefined) parts.push(packet.topic);
  if (packet.filters !== undefined) parts.push(packet.filters.join('  '));
  if (packet.detail !== undefined) parts.push(packet.detail);
  if (packet.qos !== undefined) parts.push(`QoS ${packet.qos}`);
  if (packet.retain === true) parts.push('retain');
  if (packet.dup === true) parts.push('DUP');
  if (packet.packetId !== undefined) parts.push(`#${packet.packetId}`);
  if (packet.size !== undefined) parts.push(`${packet.size} B`);
  const codes = packet.reasonCodes ?? (packet.reasonCode === undefined ? [] : [packet.reasonCode]);
  if (codes.length > 0) parts.push(codes.map((code) => `0x${code.toString(16).padStart(2, '0')}`).join(' '));
  if (packet.properties !== undefined && packet.properties.length > 0) parts.push(`{${packet.properties.join(', ')}}`);
  return parts.join(' · ');
}

/** The rows as lines of text, for a mail or a ticket. */
export function traceText(rows: readonly TraceRow[]): string {
  return rows
    .map((row) => {
      if ('leftOut' in row) return `... ${row.leftOut} packets left out`;
      if ('ended' in row) return `--- ${row.ended}`;
      const { packet } = row;
      const payload = packet.payload === undefined ? '' : `\n    ${packet.payload}`;
      return `${new Date(packet.at).toISOString()} ${packet.direction === 'in' ? '<-' : '->'} ${packet.type.toUpperCase()} ${summaryOf(packet)}${payload}`;
    })
    .join('\n');
}
