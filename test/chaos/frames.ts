export type Kind = 'tcp' | 'rtu' | 'ascii';

/** Cuts a stream of Modbus TCP into messages. On a line what comes together is taken for one. */
export function framesOf(kind: Kind, each: (frame: Buffer) => void): (chunk: Buffer) => void {
  if (kind !== 'tcp') return each;
  let buffer: Buffer = Buffer.alloc(0);
  return (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    while (buffer.length >= 6 && buffer.length >= 6 + buffer.readUInt16BE(4)) {
      const end = 6 + buffer.readUInt16BE(4);
      each(buffer.subarray(0, end));
      buffer = buffer.subarray(end);
    }
  };
}

/** `unit:address:value` of a request that writes one register (FC 6 and 16), as the peer's journal has it; null: another one. */
export function writeOf(kind: Kind, frame: Buffer): string | null {
  const bytes = kind === 'tcp' ? frame.subarray(6) : kind === 'rtu' ? frame : Buffer.from(frame.toString('latin1', 1), 'hex');
  const [unit = 0, fn] = bytes;
  const value = fn === 6 ? 4 : fn === 16 ? 7 : null;
  return value === null ? null : `${unit}:${bytes.readUInt16BE(2)}:${bytes.readUInt16BE(value)}`;
}

/** What the check sum tells: any bytes of RTU (CRC), one of ASCII (LRC), of Modbus TCP, which has none, what is not data. */
export function corrupted(kind: Kind, frame: Buffer, random: () => number): Buffer {
  const bad = Buffer.from(frame);
  const flip = (at: number) => {
    if (at < bad.length) bad[at]! ^= 1 + Math.floor(random() * 255);
  };
  if (kind === 'tcp') {
    // High byte of the id, protocol, length, unit, function, byte count (of an answer).
    const places = [0, 2, 3, 4, 5, 6, 7];
    flip(places[Math.floor(random() * places.length)]!);
    return bad;
  }
  const most = kind === 'rtu' ? 3 : 1;
  for (let left = 1 + Math.floor(random() * most); left > 0; left--) flip(Math.floor(random() * bad.length));
  return bad;
}
