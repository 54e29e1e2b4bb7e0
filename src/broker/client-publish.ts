import type { StoredMessage } from '../store/types.js';
import type { Connection } from './connection.js';

/** A message as aedes' users write it. */
export interface AedesMessage {
  topic: string;
  payload?: string | Buffer;
  qos?: 0 | 1 | 2;
  retain?: boolean;
}

export function toStoredMessage(packet: AedesMessage, publisher: string, now: number): StoredMessage {
  return {
    topic: packet.topic,
    payload: typeof packet.payload === 'string' ? Buffer.from(packet.payload) : Buffer.from(packet.payload ?? ''),
    qos: packet.qos ?? 0,
    retain: packet.retain ?? false,
    properties: null,
    at: now,
    expiresAt: 0,
    publisher,
  };
}

/** aedes' client.publish(): a message for this client alone, subscribed or not. */
export function publishToClient(connection: Connection, packet: AedesMessage, done?: (error?: Error) => void): void {
  const { broker, session } = connection;
  if (session === null || broker.sessions.get(session.clientId) !== session) {
    done?.(new Error('the client is not connected'));
    return;
  }
  broker.router.routeTo(session, toStoredMessage(packet, '', broker.clock.now()), packet.qos ?? 0, packet.retain ?? false, null);
  done?.();
}
