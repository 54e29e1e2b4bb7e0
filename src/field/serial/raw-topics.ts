import type { DecodeOf, InstrumentConfig } from './schema.js';

export type RawConfig = InstrumentConfig & { decode: DecodeOf<'raw'> };

/** Where the bytes of a device in raw mode go to and come from. */
export function rawTopics({ name, decode }: RawConfig): { rx: string; tx: string | null } {
  const fill = (template: string) => template.replaceAll('{device}', name);
  return { rx: fill(decode.rx), tx: decode.tx === undefined ? null : fill(decode.tx) };
}

export function isRaw(device: InstrumentConfig): device is RawConfig {
  return device.decode.type === 'raw';
}
