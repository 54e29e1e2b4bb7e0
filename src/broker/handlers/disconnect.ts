import type { Connection } from '../connection.js';

/** [MQTT-3.14.4-3] A client that says goodbye takes its will with it. */
export function handleDisconnect(connection: Connection): void {
  connection.dropWill();
  connection.close();
}
