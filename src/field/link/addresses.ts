import { BlockList, isIP } from 'node:net';

const MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;

/** An address without the prefix that IPv4 has on sockets of both families. */
export function plainAddress(address: string): string {
  return address.replace(MAPPED, '');
}

/** Whether the text is an address or a range of them (`192.0.2.7`, `10.0.0.0/8`). */
export function isAddressRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

/** Addresses that may connect. */
export class AllowList {
  readonly #list = new BlockList();

  /** Each an address or a range. */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) {
      const [address = '', prefix] = range.split('/');
      const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
      if (prefix === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(prefix), family);
    }
  }

  has(address: string): boolean {
    const plain = plainAddress(address);
    return this.#list.check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6');
  }
}
