/** Characters that RFC 3454 (B.1) maps to nothing. */
const NOTHING = /[\u00ad\u1806\u200b-\u200d\u2060\ufeff]|\u034f|[\u180b-\u180d]|[\ufe00-\ufe0f]/gu;
/** Spaces other than the plain one (C.1.2); the zero-width one is among those above. */
const SPACES = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/gu;
/** Control characters, private use, surrogates, non-characters and those that change how text is shown (C.2 to C.9). */
const FORBIDDEN =
  /\u0340|\u0341|[\p{Cc}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u06dd\u070f\u180e\u200e\u200f\u202a-\u202e\u2061-\u206f\ufff9-\uffff]|[\u{e0001}\u{e0020}-\u{e007f}]/u;

/**
 * SASLprep (RFC 4013) of a user name or password, so that two ways to write the same text are the same; null: it has
 * characters that are forbidden. Which way text is written (bidirectional) is not checked: it guards no secret.
 */
export function saslPrep(text: string): string | null {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const prepared = text.replace(SPACES, ' ').replace(NOTHING, '').normalize('NFKC');
  return FORBIDDEN.test(prepared) ? null : prepared;
}
