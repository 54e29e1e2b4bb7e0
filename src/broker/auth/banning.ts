import { ReasonCode } from '../../mqtt/reason-codes.js';
import type { Broker } from '../broker.js';
import type { Connection } from '../connection.js';
import type { ListedBan, NewBan } from './ban-list.js';

/** A ban as people see it: one that somebody set, or one that failed logins have led to. */
export interface BanStatus {
  id: string;
  /** `login`: a user at one address. */
  kind: 'client' | 'user' | 'address' | 'login';
  /** The client id, user or address; of a login, the user. */
  value: string;
  /** Of a login: where from; null: anywhere. */
  address: string | null;
  reason: string | null;
  /** Who set it; null: failed logins. */
  by: string | null;
  /** Wall ms; null: not known. */
  createdAt: number | null;
  /** Wall ms; null: until it is lifted. */
  expiresAt: number | null;
}

/** Marks the ids of bans that failed logins have led to. */
const AUTOMATIC = 'login:';

/** Why a client is kept out; null: it is not. */
export function banOf({ broker, connDetails }: Connection, clientId: string, username: string | null): string | null {
  const ban = broker.banList.find({ id: clientId, username, address: connDetails.address }, broker.clock.now());
  return ban === null ? null : `${ban.kind} ${JSON.stringify(ban.value)} is banned${ban.reason === null ? '' : `: ${ban.reason}`}`;
}

/** All that are in force, those of people first. */
export function bansOf(broker: Broker): BanStatus[] {
  const now = broker.clock.now();
  const mono = broker.clock.mono();
  const automatic = broker.bans.list(mono).map(({ address, username, until }): BanStatus => {
    const id = AUTOMATIC + Buffer.from(JSON.stringify([address, username])).toString('base64url');
    const whom =
      username === null
        ? { kind: 'address' as const, value: address, address: null }
        : { kind: 'login' as const, value: username, address };
    return { id, ...whom, reason: null, by: null, createdAt: null, expiresAt: Math.round(now + until - mono) };
  });
  return [...broker.banList.list(now).map(statusOf), ...automatic];
}

/** Keeps a client, user or address out, and ends the connections that this concerns. Throws FER_BROKER_BAN. */
export async function ban(broker: Broker, wanted: NewBan): Promise<BanStatus> {
  const added = broker.banList.add(wanted, broker.clock.now());
  // It holds from here on, on disk or not.
  for (const connection of [...broker.connections]) {
    const cause = connection.connected ? banOf(connection, connection.id, connection.username) : null;
    if (cause === null) continue;
    broker.trouble.warn(connection, 'connection closed', cause);
    // 3.14.2.1: DISCONNECT has no word for banned.
    connection.disconnect(ReasonCode.AdministrativeAction, 'banned by an administrator');
  }
  return statusOf(await added);
}

/** false: there is no such ban. */
export function liftBan(broker: Broker, id: string): Promise<boolean> {
  if (!id.startsWith(AUTOMATIC)) return broker.banList.lift(id);
  const found = bansOf(broker).find((each) => each.id === id);
  if (found === undefined) return Promise.resolve(false);
  const { kind, value, address } = found;
  return Promise.resolve(kind === 'login' ? broker.bans.lift(address!, value) : broker.bans.lift(value, null));
}

function statusOf({ id, kind, value, reason, by, createdAt, expiresAt }: ListedBan): BanStatus {
  return { id, kind, value, address: null, reason, by, createdAt, expiresAt };
}
