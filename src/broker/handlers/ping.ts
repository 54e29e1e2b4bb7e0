import type { Connection } from '../connection.js';

/** [MQTT-3.12.4-1] */
export function handlePingreq(connection: Connection): void {
  connection.send({ type: 'pingresp' });
  connection.broker.emit('ping', { cmd: 'pingreq' }, connection);
}
