import { createHash } from 'node:crypto';

/** A name in letters, digits, _ and -, as Home Assistant wants them in topics; different names give different ones. */
export function slug(name: string): string {
  if (/^[a-zA-Z0-9_-]+$/.test(name)) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.replaceAll(/[^a-zA-Z0-9_-]+/g, '_')}_${hash}`;
}

/** Where a device is announced. */
export function announcementTopic({ gateway, prefix }: { gateway: string; prefix: string }, device: string): string {
  return `${prefix}/device/ferrule_${slug(gateway)}/${slug(device)}/config`;
}
