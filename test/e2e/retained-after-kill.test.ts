import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PymodbusServer } from '../peers/modbus.js';
import { mosquittoPub, mosquittoSub } from '../peers/mosquitto-clients.js';
import { needs } from '../support/needs.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { GatewayProcess } from './gateway-process.js';

const FIELD = (port: number, payload: string) => `
field:
  payload: ${payload}
  buses: [{name: b, type: modbus_tcp, host: 127.0.0.1, port: ${port}, timeout: 300ms}]
  devices:
    - {name: d, bus: b, scan: {fast: 100ms}, tags: [{name: x, area: holding, address: 0}, {name: y, area: holding, address: 1}]}
`;

for (const payload of ['json', 'value', 'device']) {
  test(`payload ${payload}: after kill -9 the very first client sees no value of before as good, and the state is not online`, {
    skip: needs('python3-pymodbus', 'mosquitto-clients'),
  }, async (t) => {
    const server = await PymodbusServer.start(t, 0);
    await server.set(1, 'holding', 0, 7, 8);
    const gateway = await GatewayProcess.create(t, FIELD(server.port, payload));
    await gateway.start();
    const before = await mosquittoSub(t, { port: gateway.mqttPort, topics: ['field/d/+'] });
    await waitFor(() => {
      const good = before.messages.filter((message) => /good|^7$/.test(message.payload));
      return good.length > 0 && before.messages.some((message) => message.payload.includes('online'));
    });
    // What was published before this is on disk when it is acknowledged.
    await mosquittoPub({ port: gateway.mqttPort, topic: 'end', payload: 'x', qos: 1 });
    await gateway.kill();
    // The device is gone, too: nothing can have been read when something is said to be good.
    await server.process.kill();

    const started = gateway.start();
    const client = await waitFor(() => RawClient.open(gateway.mqttPort, { clientId: 'first' }).catch(() => null), { interval: 1 });
    await client.subscribe('field/d/+', 1);
    await started;
    await client.subscribe('end', 0);
    await client.publish('end', 'x', { qos: 1 });
    const seen: string[] = [];
    for (;;) {
      const { topic, payload: body } = await client.nextMessage();
      if (topic === 'end') break;
      seen.push(`${topic} ${body.toString()}`);
    }
    assert.ok(
      seen.some((line) => line.startsWith('field/d/$state')),
      'it saw what is retained',
    );
    assert.deepEqual(
      seen.filter((line) => /"good"|online|(x|y) [0-9]/.test(line)),
      [],
    );
  });
}
