/** As the gateway takes them. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The text of a file that a person chose, or what is wrong with it. Decoded here: a browser would replace what is no UTF-8. */
export function csvTextOf(bytes: ArrayBuffer): { text: string } | { fault: 'tooLarge' | 'notText' } {
  if (bytes.byteLength > MAX_BYTES) return { fault: 'tooLarge' };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\u0000') ? { fault: 'notText' } : { text };
  } catch {
    return { fault: 'notText' };
  }
}
