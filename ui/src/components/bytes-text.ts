const NAMES: Record<number, string> = {
  2: 'STX',
  3: 'ETX',
  4: 'EOT',
  5: 'ENQ',
  6: 'ACK',
  9: 'TAB',
  10: 'LF',
  13: 'CR',
  16: 'DLE',
  21: 'NAK',
};

/** Bytes as a person reads them: characters as they are, others as their names or numbers: `<STX>12.5<ETX><8F>`. */
export function bytesAsText(hex: string): string {
  const pairs = hex.match(/../g) ?? [];
  return pairs
    .map((pair) => {
      const byte = Number.parseInt(pair, 16);
      if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
      return `<${NAMES[byte] ?? pair.toUpperCase()}>`;
    })
    .join('');
}
