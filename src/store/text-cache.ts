/**
 * Short strings by their bytes: the messages of a queue name the same topics and publishers over and over, and decoding one
 * costs more than comparing it. Direct-mapped: a string that falls on another's slot replaces it.
 */
const SLOTS = 1024;
const LONGEST = 64;

export class TextCache {
  readonly #texts: string[] = new Array<string>(SLOTS).fill('');

  /** The UTF-8 string in `bytes[start, end)`. */
  read(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return '';
    if (length > LONGEST) return bytes.toString('utf8', start, end);
    let hash = length;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const known = this.#texts[slot]!;
    if (isSame(known, bytes, start, length)) return known;
    const text = bytes.toString('utf8', start, end);
    // Only where characters are bytes can they be compared one by one.
    if (text.length === length) this.#texts[slot] = text;
    return text;
  }
}

function isSame(text: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}
