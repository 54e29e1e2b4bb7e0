import type { ConnectPacket } from '../../mqtt/packets.js';
import { ReasonCode } from '../../mqtt/reason-codes.js';
import { parseShared } from '../../mqtt/topics.js';
import type { Broker } from '../broker.js';
import type { Connection } from '../connection.js';
import type { Session } from '../session.js';
import { isShared } from '../shared-groups.js';
import { LoginRefused } from './login.js';

/** What aedes' authenticate hook calls back with. */
type Authenticated = (error: null | (Error & { returnCode: number }), allowed: boolean | null) => void;

/** The built-in authenticate hook: asks `access`, and remembers how the client came in. */
export function logIn(connection: Connection, username: string | null, password: Buffer | null, done: Authenticated): void {
  const { broker } = connection;
  const { address, certificateUser = null } = connection.connDetails;
  const request = { username, password, clientId: connection.id, address, version: connection.version, certificateUser };
  broker.access.login(request).then(
    (login) => {
      connection.login = login;
      connection.username = login.username;
      done(null, true);
    },
    (error: Error) => done(Object.assign(error, { returnCode: error instanceof LoginRefused ? 5 : 3 }), false),
  );
}

/** A refused login, whoever refused it: our own providers, or a hook in aedes' terms. */
export function loginFailure(packet: ConnectPacket, error: Error | null): LoginRefused {
  if (error instanceof LoginRefused) return error;
  const message = error?.message ?? `user ${JSON.stringify(packet.username)} may not connect`;
  const code = (error as { returnCode?: number } | null)?.returnCode;
  if (code === 3) return new LoginRefused(ReasonCode.ServerUnavailable, message);
  return new LoginRefused(code === 4 ? ReasonCode.BadUserNameOrPassword : ReasonCode.NotAuthorized, message, { isGuess: true });
}

/** Counts, and bans where it was one too many. */
export function countFailedLogin(connection: Connection, name: string | null, refused: LoginRefused): void {
  const { broker } = connection;
  const username = refused.username ?? name;
  broker.counters.loginsRefused++;
  if (!refused.isGuess || !broker.bans.failed(connection.connDetails.address, username, broker.limits, broker.clock.mono())) return;
  broker.counters.bans++;
  broker.trouble.warn(connection, 'banned after too many failed logins', `user ${JSON.stringify(username)}`);
}

/** Takes changed users, rules and ways to log in to those who are connected. */
export function followAccess(broker: Broker): void {
  broker.access.users.onChanged = (name, change) => {
    const cause = change === 'deleted' ? 'the user was deleted' : 'the password was changed';
    endLogins(broker, cause, ({ login }) => login?.username === name && (login.provider === 'store' || login.provider === 'scram'));
  };
  broker.access.onChanged = ({ rules, closed }) => {
    if (closed.length > 0) {
      const cause = 'the way it logged in is no longer open';
      endLogins(broker, cause, ({ login }) => login !== null && closed.includes(login.provider));
    }
    if (rules) revokeSubscriptions(broker);
  };
}

/**
 * Unsubscribes every session, connected or not, from what its user may no longer read, and has what already waits looked at
 * again before it is sent.
 */
export function revokeSubscriptions(broker: Broker): void {
  if (!broker.decidesSubscriptions) return;
  for (const session of broker.sessions.all()) {
    if (session.internal) continue;
    session.queue.recheck();
    const revoked = [...session.subscriptions.keys()].filter((filter) => !maySubscribe(broker, session, filter));
    if (revoked.length === 0) continue;
    for (const filter of revoked) broker.sessions.unsubscribe(session, filter);
    // What it had from a group is not lost with it.
    if (revoked.some(isShared)) broker.router.redistribute(session);
    broker.counters.subscriptionsRevoked += revoked.length;
    const address = broker.clients[session.clientId]?.connDetails.address ?? null;
    const client = { id: session.clientId, connDetails: { address } };
    broker.trouble.warn(client, 'subscriptions ended: the access rules no longer allow them', revoked.slice(0, 10).join(' '));
  }
}

/** Ends a connection whose token has run out; true: it did. */
export function endExpiredLogin(connection: Connection): boolean {
  const expiresAt = connection.login?.expiresAt ?? null;
  if (expiresAt === null || connection.broker.clock.now() < expiresAt) return false;
  connection.broker.counters.loginsEnded++;
  connection.disconnect(ReasonCode.NotAuthorized, 'the token has expired');
  return true;
}

function endLogins(broker: Broker, cause: string, concerns: (connection: Connection) => boolean): void {
  for (const connection of [...broker.connections]) {
    if (!concerns(connection)) continue;
    broker.counters.loginsEnded++;
    broker.trouble.warn(connection, 'connection closed', cause);
    connection.disconnect(ReasonCode.NotAuthorized, cause);
  }
}

function maySubscribe(broker: Broker, { username, clientId }: Session, filter: string): boolean {
  const shared = parseShared(filter);
  return broker.access.maySubscribe(username, clientId, shared !== null && 'filter' in shared ? shared.filter : filter);
}
