/** CRC-16/MODBUS by table. */
const TABLE = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  TABLE[byte] = crc;
}

export function crc16(data: Buffer, start: number, end: number): number {
  let crc = 0xffff;
  for (let i = start; i < end; i++) crc = (crc >> 8) ^ TABLE[(crc ^ data[i]!) & 0xff]!;
  return crc;
}

/** Whether data[start..end) ends with its own CRC, low byte first. */
export function crcFits(data: Buffer, start: number, end: number): boolean {
  return end - start >= 4 && crc16(data, start, end - 2) === data.readUInt16LE(end - 2);
}
