import { MqttError } from '../../mqtt/mqtt-error.js';
import type { AuthPacket, ConnectPacket, Properties } from '../../mqtt/packets.js';
import { ReasonCode } from '../../mqtt/reason-codes.js';
import { countFailedLogin } from '../auth/enforcement.js';
import { EnhancedLogin } from '../auth/enhanced-login.js';
import { LoginRefused } from '../auth/login.js';
import { SCRAM_SHA_256 } from '../auth/scram.js';
import type { Broker } from '../broker.js';
import type { Connection } from '../connection.js';

/** What follows the exchange of a CONNECT. */
export interface LoginOutcome {
  allow(): void;
  refuse(error: LoginRefused): void;
}

/** Exchanges of CONNECTs that are under way. */
const outcomes = new WeakMap<Connection, LoginOutcome>();

/** A program that decides by its own authenticate hook is not gone around. */
export function supportsMethod(broker: Broker, method: string): boolean {
  return method === SCRAM_SHA_256 && broker.decidesLogins;
}

/** A CONNECT with an authentication method (§4.12): asks back, and goes on when the answer has come. */
export function startEnhancedLogin(connection: Connection, packet: ConnectPacket, outcome: LoginOutcome): void {
  const login = new EnhancedLogin(connection.broker.access.users);
  connection.enhancedLogin = login;
  attempt(outcome, () => {
    const { address, certificateUser = null } = connection.connDetails;
    const { bans, clock, counters } = connection.broker;
    const properties = login.start(packet.properties?.authenticationData, packet.username ?? certificateUser);
    if (bans.remaining(address, login.username, clock.mono()) > 0) {
      counters.connectionsBanned++;
      throw new LoginRefused(ReasonCode.Banned, 'too many failed logins');
    }
    question(connection, properties);
    outcomes.set(connection, outcome);
    // CONNECT is not done, but what follows it now is AUTH.
    connection.resume();
  });
}

/** AUTH: the answer to a question, or the wish to authenticate again. */
export function handleAuth(connection: Connection, packet: AuthPacket): void {
  const login = connection.enhancedLogin;
  // [MQTT-4.12.0-6]
  if (login === null) throw new MqttError(ReasonCode.ProtocolError, '[MQTT-4.12.0-6]', 'AUTH, but CONNECT named no authentication method');
  // [MQTT-4.12.0-5] [MQTT-4.12.1-1]
  if (packet.properties?.authenticationMethod !== SCRAM_SHA_256) {
    throw new MqttError(ReasonCode.ProtocolError, '[MQTT-4.12.0-5]', 'AUTH with another authentication method than CONNECT');
  }
  const again = packet.reasonCode === ReasonCode.ReAuthenticate;
  if (again === login.isOpen || (again && !connection.connected)) {
    throw new MqttError(ReasonCode.ProtocolError, '§4.12', again ? 'an authentication is under way already' : 'AUTH that answers nothing');
  }
  const data = packet.properties.authenticationData;
  if (connection.connected) authenticateAgain(connection, login, again, data);
  else finishConnect(connection, login, data);
}

function finishConnect(connection: Connection, login: EnhancedLogin, data: Buffer | undefined): void {
  const outcome = outcomes.get(connection)!;
  outcomes.delete(connection);
  connection.wait();
  attempt(outcome, () => {
    const username = login.finish(data);
    connection.username = username;
    connection.login = { username, provider: 'scram', expiresAt: null };
    connection.broker.bans.succeeded(connection.connDetails.address, username);
    outcome.allow();
  });
}

/** [MQTT-4.12.1-2] Everything else goes on meanwhile; where it fails, the connection ends. */
function authenticateAgain(connection: Connection, login: EnhancedLogin, again: boolean, data: Buffer | undefined): void {
  const refuse = (error: LoginRefused): void => {
    countFailedLogin(connection, connection.username, error);
    connection.broker.trouble.warn(connection, 'failed to authenticate again', error.detail);
    connection.disconnect(error.reasonCode, error.message);
  };
  attempt({ refuse }, () => {
    if (again) {
      question(connection, login.start(data, connection.username));
      return;
    }
    login.finish(data);
    connection.send({ type: 'auth', reasonCode: ReasonCode.Success, properties: login.lastProperties });
  });
}

function question(connection: Connection, properties: Properties): void {
  connection.send({ type: 'auth', reasonCode: ReasonCode.ContinueAuthentication, properties });
}

function attempt({ refuse }: Pick<LoginOutcome, 'refuse'>, step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof LoginRefused)) throw error;
    refuse(error);
  }
}
