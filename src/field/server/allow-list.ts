import { BlockList, isIP } from 'node:net';

const LOOPBACK = ['127.0.0.0/8', '::1'];

/** Which addresses may connect. */
export class AllowList {
  readonly #list = new BlockList();

  /** `entries`: addresses and ranges that isAddressRange() takes; undefined: this machine. */
  constructor(entries: readonly string[] = LOOPBACK) {
    for (const entry of entries) {
      const { address, family, bits } = parseRange(entry) ?? {};
      if (address !== undefined && family !== undefined && bits !== undefined) this.#list.addSubnet(address, bits, family);
    }
  }

  /** `address`: as plainAddress() gives it. */
  allows(address: string): boolean {
    return this.#list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
}

/** The address of a peer: IPv4 in the clothes of IPv6 is IPv4, a zone is left out. */
export function plainAddress(address: string): string {
  const plain = address.split('%', 1)[0] ?? '';
  return plain.toLowerCase().startsWith('::ffff:') && plain.includes('.') ? plain.slice(7) : plain;
}

export function isAddressRange(entry: string): boolean {
  return parseRange(entry) !== null;
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.[0-9.]+$/.test(host);
}

function parseRange(entry: string): { address: string; family: 'ipv4' | 'ipv6'; bits: number } | null {
  const [address = '', prefix, more] = entry.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || more !== undefined) return null;
  const most = version === 4 ? 32 : 128;
  if (prefix !== undefined && !/^[0-9]{1,3}$/.test(prefix)) return null;
  const bits = prefix === undefined ? most : Number(prefix);
  return bits > most ? null : { address, family: version === 4 ? 'ipv4' : 'ipv6', bits };
}
