/** UTF-16 units of a reason string. */
export const MAX_REASON = 200;

/**
 * The text, or its beginning where it has more than `limit` UTF-16 units. What clients sent is part of causes and reasons: up to
 * 64 KiB of it, several times that once it is quoted, and more than fits into an MQTT string.
 */
export function brief(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // Not in the middle of a surrogate pair.
  const last = text.charCodeAt(limit - 1);
  return `${text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit)}…`;
}
