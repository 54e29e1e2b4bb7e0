import type { Topic } from '../api/types.js';

export type PayloadView = 'json' | 'text' | 'hex';

/** A payload as a person wants to read it. A view that it does not have (JSON of what is none) falls back to text. */
export function payloadText({ format, payload }: Pick<Topic, 'format' | 'payload'>, view: PayloadView): string {
  if (view === 'hex') return hexLines(bytesOf(format, payload));
  if (view === 'json' && format === 'json') return JSON.stringify(JSON.parse(payload), null, 2);
  return format === 'hex' ? new TextDecoder().decode(bytesOf(format, payload)) : payload;
}

export function bytesOf(format: Topic['format'], payload: string): Uint8Array {
  if (format !== 'hex') return new TextEncoder().encode(payload);
  return Uint8Array.from(payload.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

const WIDTH = 8;

/** `0000  7b 22 76 61 6c 75 65 22  {"value"`: offset, bytes, characters. */
function hexLines(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += WIDTH) {
    const line = [...bytes.subarray(at, at + WIDTH)];
    const hex = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = line.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(WIDTH * 3 - 1)}  ${text}`);
  }
  return lines.join('\n');
}
