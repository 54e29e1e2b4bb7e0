import { randomUUID } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { FerruleError } from '../../errors.js';
import type { DocumentStore } from '../../store/types.js';

const COLLECTION = 'mqtt-bans';
const MAX_BANS = 1000;
const MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;

/** Whom a ban keeps out: a client id, a user, or an address (or a range of them, `192.0.2.0/24`). */
export type BanKind = 'client' | 'user' | 'address';

export interface NewBan {
  kind: BanKind;
  value: string;
  /** For people; clients are not told. */
  reason: string | null;
  /** Wall ms; null: until it is lifted. */
  expiresAt: number | null;
  /** Who set it. */
  by: string;
}

export interface ListedBan extends NewBan {
  id: string;
  /** Wall ms. */
  createdAt: number;
}

interface Banned {
  id: string;
  username: string | null;
  address: string | null;
}

/** The bans that people set. Kept in the store, held in memory; see bans.ts for those that failed logins lead to. */
export class BanList {
  readonly #documents: DocumentStore;
  readonly #bans = new Map<string, ListedBan>();
  /** Address ranges, by the id of their ban. */
  readonly #ranges = new Map<string, BlockList>();

  constructor(documents: DocumentStore) {
    this.#documents = documents;
  }

  async load(): Promise<void> {
    this.#bans.clear();
    this.#ranges.clear();
    for (const { value } of await this.#documents.list<ListedBan>(COLLECTION)) this.#take(value);
  }

  /** The latest first; those that are over left out. */
  list(now: number): ListedBan[] {
    return [...this.#bans.values()].filter((ban) => isInForce(ban, now)).sort((a, b) => b.createdAt - a.createdAt);
  }

  /** The ban that keeps a client out; null: there is none. */
  find(client: Banned, now: number): ListedBan | null {
    for (const ban of this.#bans.values()) if (isInForce(ban, now) && this.#concerns(ban, client)) return ban;
    return null;
  }

  /** Holds at once, and over restarts when it resolves. Replaces one of the same client, user or address. Throws FER_BROKER_BAN. */
  async add(wanted: NewBan, now: number): Promise<ListedBan> {
    const value = wanted.kind === 'address' ? addressOf(wanted.value) : wanted.value;
    if (value === '') throw new FerruleError('FER_BROKER_BAN', 'a ban needs a client id, a user name or an address');
    const same = [...this.#bans.values()].find((ban) => ban.kind === wanted.kind && ban.value === value);
    if (same === undefined && this.#bans.size >= MAX_BANS) {
      throw new FerruleError('FER_BROKER_BAN', `there are ${MAX_BANS} bans already`, {
        hint: 'Ban a range of addresses, or lift some bans.',
      });
    }
    const ban: ListedBan = { ...wanted, value, id: same?.id ?? randomUUID(), createdAt: now };
    this.#take(ban);
    await this.#documents.put(COLLECTION, ban.id, ban);
    return ban;
  }

  /** false: there is no such ban. */
  async lift(id: string): Promise<boolean> {
    if (!this.#bans.delete(id)) return false;
    this.#ranges.delete(id);
    await this.#documents.delete(COLLECTION, id);
    return true;
  }

  /** Forgets what is over. */
  prune(now: number): void {
    for (const ban of this.#bans.values()) {
      if (isInForce(ban, now)) continue;
      // Not waited for: it is over, whether the disk takes that or not.
      this.lift(ban.id).catch(() => undefined);
    }
  }

  #take(ban: ListedBan): void {
    this.#bans.set(ban.id, ban);
    if (ban.kind === 'address') this.#ranges.set(ban.id, rangeOf(ban.value));
  }

  #concerns(ban: ListedBan, { id, username, address }: Banned): boolean {
    switch (ban.kind) {
      case 'client':
        return ban.value === id;
      case 'user':
        return ban.value === username;
      case 'address': {
        const plain = address?.replace(MAPPED, '') ?? '';
        const version = isIP(plain);
        return version !== 0 && this.#ranges.get(ban.id)!.check(plain, version === 4 ? 'ipv4' : 'ipv6');
      }
    }
  }
}

function isInForce({ expiresAt }: ListedBan, now: number): boolean {
  return expiresAt === null || expiresAt > now;
}

/** An address or range as it is kept. */
function addressOf(text: string): string {
  const [address = '', prefix, ...rest] = text.trim().toLowerCase().replace(MAPPED, '').split('/');
  const version = isIP(address);
  const bits = prefix === undefined ? null : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (version === 0 || address.includes('%') || rest.length > 0 || (bits !== null && (bits < 0 || bits > (version === 4 ? 32 : 128)))) {
    throw new FerruleError('FER_BROKER_BAN', `${JSON.stringify(text)} is neither an address nor a range of addresses`, {
      hint: 'Give one such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32.',
    });
  }
  return bits === null ? address : `${address}/${bits}`;
}

function rangeOf(value: string): BlockList {
  const [address = '', prefix] = value.split('/');
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
  const range = new BlockList();
  if (prefix === undefined) range.addAddress(address, family);
  else range.addSubnet(address, Number(prefix), family);
  return range;
}
