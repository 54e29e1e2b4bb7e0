import { isIP } from 'node:net';

/** Addresses remembered at once; the one that was quiet for the longest gives way. */
export const MAX_ADDRESSES = 10_000;

/** Is this the gateway itself? Rates and bans leave it out: it may be a proxy for many, and never is a stranger. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

/**
 * What rates and bans count an address as. IPv4 in the clothes of IPv6 is IPv4. Of IPv6 it is the /64, `2001:db8:0:1::/64`: whoever
 * has one address of it has all 2^64. Only link-local addresses stand for themselves, as every link has the same /64.
 */
export function sourceOf(address: string): string {
  // Most are IPv4; one with a slash is a source already.
  if (!address.includes(':') || address.includes('/')) return address;
  const plain = (address.split('%', 1)[0] ?? '').toLowerCase();
  const groups = groupsOf(plain);
  if (groups === null) return address;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  if ((a | b | c | d | e) === 0 && f === 0xffff) return `${g >> 8}.${g & 0xff}.${h >> 8}.${h & 0xff}`;
  if ((a & 0xffc0) === 0xfe80) return address;
  return `${[a, b, c, d].map((group) => group.toString(16)).join(':')}::/64`;
}

/** The eight numbers of an IPv6 address; null: it is none. */
function groupsOf(address: string): number[] | null {
  if (isIP(address) !== 6) return null;
  const [head = [], tail] = address.split('::', 2).map((part) => (part === '' ? [] : part.split(':').flatMap(numbersOf)));
  if (tail === undefined) return head;
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** One group; the dotted end of an address makes two. */
function numbersOf(text: string): number[] {
  if (!text.includes('.')) return [Number.parseInt(text, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return [(a << 8) | b, (c << 8) | d];
}

/** A map with a bound: an entry that is used moves to the end, the first gives way. */
export class BoundedMap<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#limit) {
      const oldest = this.#entries.keys().next();
      if (oldest.done !== true) this.#entries.delete(oldest.value);
    }
    this.#entries.set(key, value);
  }

  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  entries(): IterableIterator<[string, Value]> {
    return this.#entries.entries();
  }
}
