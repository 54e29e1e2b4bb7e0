/** True when every byte is one of 0x01-0x7F: valid as an MQTT string without a further look. */
export function isPlainAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === 0 || byte > 0x7f) return false;
  }
  return true;
}

/**
 * Why `bytes[start, end)` is not an MQTT string, or null where it is one: well-formed UTF-8 without overlong forms,
 * surrogates or code points past U+10FFFF [MQTT-1.5.4-1], and without U+0000 [MQTT-1.5.4-2]. Other control
 * characters and U+FEFF are allowed [MQTT-1.5.4-3].
 */
export function utf8Fault(bytes: Uint8Array, start: number, end: number): Utf8Fault | null {
  let at = start;
  while (at < end) {
    const lead = bytes[at]!;
    if (lead < 0x80) {
      if (lead === 0) return NULL_CHARACTER;
      at += 1;
      continue;
    }
    // The second byte's range carries the rules against overlong forms, surrogates and what lies past U+10FFFF.
    let low = 0x80;
    let high = 0xbf;
    let length: number;
    if (lead >= 0xc2 && lead <= 0xdf) {
      length = 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      length = 3;
      if (lead === 0xe0) low = 0xa0;
      else if (lead === 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      length = 4;
      if (lead === 0xf0) low = 0x90;
      else if (lead === 0xf4) high = 0x8f;
    } else {
      return ILL_FORMED;
    }
    if (at + length > end) return ILL_FORMED;
    const second = bytes[at + 1]!;
    if (second < low || second > high) return ILL_FORMED;
    for (let next = at + 2; next < at + length; next++) {
      if ((bytes[next]! & 0xc0) !== 0x80) return ILL_FORMED;
    }
    at += length;
  }
  return null;
}

export interface Utf8Fault {
  clause: string;
  cause: string;
}

const ILL_FORMED: Utf8Fault = { clause: '[MQTT-1.5.4-1]', cause: 'is not well-formed UTF-8' };
const NULL_CHARACTER: Utf8Fault = { clause: '[MQTT-1.5.4-2]', cause: 'contains U+0000' };
