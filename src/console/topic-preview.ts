export interface PayloadPreview {
  format: 'json' | 'text' | 'hex';
  payload: string;
  truncated: boolean;
}

/** Control characters other than tab and line ends: nothing that a person could read. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNREADABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/**
 * The beginning of a payload as a person reads it.
 * @param head the bytes that were kept
 * @param size bytes of the whole payload
 * @param limit bytes of `head` to show
 */
export function preview(head: Buffer, size: number, limit: number): PayloadPreview {
  const shown = head.length > limit ? head.subarray(0, limit) : head;
  const truncated = size > shown.length;
  const text = decode(shown, truncated);
  if (text === null || UNREADABLE.test(text)) return { format: 'hex', payload: shown.toString('hex'), truncated };
  return { format: !truncated && isJson(text) ? 'json' : 'text', payload: text, truncated };
}

/** UTF-8 where it is; a character that was cut in the middle at the end is left out. null: it is not UTF-8. */
function decode(bytes: Buffer, cut: boolean): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut });
  } catch {
    return null;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
