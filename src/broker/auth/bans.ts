import { BoundedMap, isLoopback, MAX_ADDRESSES, sourceOf } from './addresses.js';

export interface BanLimits {
  /** Failed logins of one user from one address; 0: nobody is ever banned. */
  banAfter: number;
  /** ms of the first ban. */
  banMs: number;
}

export interface Ban {
  /** Of IPv6, a /64. */
  address: string;
  /** null: everybody from the address. */
  username: string | null;
  /** Monotonic ms. */
  until: number;
}

interface Entry {
  address: string;
  username: string | null;
  failures: number;
  /** Monotonic ms of the last failure. */
  at: number;
  /** Monotonic ms; 0: not banned. */
  until: number;
  /** Bans so far, for as long as the entry is remembered. */
  bans: number;
}

/** From one address, with whatever names: behind one address there may be many devices, and one of them wrong. */
const ADDRESS_FACTOR = 10;
const MAX_BAN_MS = 24 * 3_600_000;
/** Nobody is called that; such names are guesses at best, and count for the address alone. */
const MAX_NAME = 256;

/**
 * Who failed to log in too often stays out for a while: a user at an address, and an address as a whole. Each further
 * ban is twice as long, up to a day. Times are monotonic: a step of the wall clock bans nobody and frees nobody.
 */
export class Bans {
  readonly #entries = new BoundedMap<Entry>(MAX_ADDRESSES);

  /** ms that are left of the ban; 0: there is none. */
  remaining(address: string | null, username: string | null, now: number): number {
    if (address === null || this.#entries.size === 0) return 0;
    const source = sourceOf(address);
    const left = (key: string): number => (this.#entries.get(key)?.until ?? 0) - now;
    return Math.max(0, left(keyOf(source, null)), username === null ? 0 : left(keyOf(source, username)));
  }

  /** A login failed; true: this one was one too many, and a ban begins. */
  failed(address: string | null, username: string | null, limits: BanLimits, now: number): boolean {
    if (address === null || limits.banAfter === 0 || isLoopback(address)) return false;
    const source = sourceOf(address);
    const wholeAddress = this.#count(source, null, limits.banAfter * ADDRESS_FACTOR, limits.banMs, now);
    const user = username !== null && username.length <= MAX_NAME && this.#count(source, username, limits.banAfter, limits.banMs, now);
    return wholeAddress || user;
  }

  succeeded(address: string | null, username: string | null): void {
    if (address !== null && username !== null) this.#entries.delete(keyOf(sourceOf(address), username));
  }

  list(now: number): Ban[] {
    const bans: Ban[] = [];
    for (const [, { address, username, until }] of this.#entries.entries()) if (until > now) bans.push({ address, username, until });
    return bans;
  }

  /** Ends a ban and forgets what led to it; false: there was nothing. */
  lift(address: string, username: string | null): boolean {
    return this.#entries.delete(keyOf(sourceOf(address), username));
  }

  #count(address: string, username: string | null, after: number, first: number, now: number): boolean {
    const key = keyOf(address, username);
    const entry = this.#entries.get(key) ?? { address, username, failures: 0, at: now, until: 0, bans: 0 };
    this.#entries.set(key, entry);
    // Failures are forgotten after as long as a ban lasts; earlier bans after a day.
    if (now - entry.at > first) entry.failures = 0;
    if (now - Math.max(entry.at, entry.until) > MAX_BAN_MS) entry.bans = 0;
    entry.at = now;
    entry.failures++;
    if (entry.failures < after) return false;
    entry.failures = 0;
    entry.until = now + Math.min(MAX_BAN_MS, first * 2 ** Math.min(entry.bans, 20));
    entry.bans++;
    return true;
  }
}

function keyOf(address: string, username: string | null): string {
  return username === null ? address : `${address}\0${username}`;
}
