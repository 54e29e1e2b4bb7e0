/** What the load of the power cuts looks like; a message follows from its number. */
export const QUEUE_SIDS: readonly number[] = [1, 2];
export const INBOUND_SID = 3;
export const RETAINED_EVERY = 5;

export function topicOf(seq: number): string {
  return `t/${seq % 35}`;
}

export function payloadOf(seq: number): Buffer {
  const payload = Buffer.alloc(seq % 13 === 0 ? 30_000 : 10 + (seq % 900), seq % 256);
  payload.writeUInt32LE(seq);
  return payload;
}
