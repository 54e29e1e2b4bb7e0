/** What the registers of the devices hold; modbus_devices.c says the same. */

/** The scan counter starts again at this. */
const SCANS = 250;

/** The scan that a value of a tag was read in; null: no device holds it at this address. */
export function scanOf(device: number, address: number, value: number): number | null {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff) return null;
  const scan = (value - 257 * address - 5003 * device) & 0xffff;
  return scan < SCANS ? scan : null;
}

/** How tags are called, with any candidate: what is published names its place. */
export function topicOf(device: number, address: number): string {
  return `field/d${device}/t${address}`;
}

export function placeOf(topic: string): { device: number; address: number } | null {
  const match = /^field\/d(\d+)\/t(\d+)$/.exec(topic);
  return match === null ? null : { device: Number(match[1]), address: Number(match[2]) };
}
