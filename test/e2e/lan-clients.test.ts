import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { mosquittoPub, mosquittoSub } from '../peers/mosquitto-clients.js';
import { type PahoOptions, startPaho } from '../peers/paho.js';
import { freePort } from '../support/free-port.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { GatewayProcess } from './gateway-process.js';

const skip = needs('mosquitto-clients', 'python3-paho-mqtt');
const QOS = [0, 1, 2] as const;

async function runningGateway(t: TestContext): Promise<GatewayProcess & { webSocketPort: number }> {
  const gateway = await GatewayProcess.create(t, '', { webSocket: await freePort() });
  await gateway.start();
  return gateway as GatewayProcess & { webSocketPort: number };
}

describe('clients on the LAN', { skip }, () => {
  for (const protocol of ['mqttv31', 'mqttv311', 'mqttv5'] as const) {
    it(`mosquitto_pub reaches mosquitto_sub at QoS 0, 1 and 2 over ${protocol}`, async (t) => {
      const { mqttPort: port } = await runningGateway(t);
      const sub = await mosquittoSub(t, { port, protocol, topics: ['q/#'], qos: 2 });
      for (const qos of QOS) await mosquittoPub({ port, protocol, topic: `q/${qos}`, payload: `at ${qos}`, qos });
      const messages = await sub.until(3);
      assert.deepEqual(
        messages.map(({ topic, payload, qos }) => ({ topic, payload, qos })),
        QOS.map((qos) => ({ topic: `q/${qos}`, payload: `at ${qos}`, qos })),
      );
    });
  }

  const pahos: { name: string; options: (gateway: { mqttPort: number; webSocketPort: number }) => PahoOptions }[] = [
    { name: '3.1 and TCP', options: ({ mqttPort }) => ({ port: mqttPort, protocol: '3.1' }) },
    { name: '3.1.1 and TCP', options: ({ mqttPort }) => ({ port: mqttPort, protocol: '3.1.1' }) },
    { name: '5 and TCP', options: ({ mqttPort }) => ({ port: mqttPort, protocol: '5' }) },
    { name: '3.1.1 and WebSocket', options: ({ webSocketPort }) => ({ port: webSocketPort, protocol: '3.1.1', transport: 'websockets' }) },
  ];
  for (const { name, options } of pahos) {
    it(`paho hears itself at QoS 0, 1 and 2 over ${name}, a large payload included`, async (t) => {
      const gateway = await runningGateway(t);
      const paho = await startPaho(t, { ...options(gateway), id: 'paho', topics: ['q/#'], qos: 2 });
      const payloads = QOS.map((qos) => Buffer.alloc(qos === 2 ? 300_000 : 10, `${qos}`));
      for (const qos of QOS) await paho.publish(`q/${qos}`, payloads[qos]!, { qos });
      const messages = await paho.until(3);
      for (const qos of QOS) {
        const got = messages.filter(({ topic }) => topic === `q/${qos}`);
        assert.deepEqual(
          got.map((message) => message.qos),
          [qos],
        );
        assert.ok(got[0]?.payload.equals(payloads[qos]!));
      }
    });
  }

  it('A retained message greets whoever comes later, over any transport, until it is cleared', async (t) => {
    const { mqttPort: port, webSocketPort } = await runningGateway(t);
    await mosquittoPub({ port, topic: 'state/a', payload: 'on', qos: 1, retain: true });
    await mosquittoPub({ port, topic: 'state/b', payload: 'off', qos: 1, retain: true });
    const late = await startPaho(t, { port: webSocketPort, transport: 'websockets', topics: ['state/#'] });
    assert.deepEqual((await late.until(2)).map(({ topic, payload, retain }) => `${topic} ${payload} ${retain}`).sort(), [
      'state/a on true',
      'state/b off true',
    ]);
    await mosquittoPub({ port, topic: 'state/a', payload: '', qos: 1, retain: true });
    const last = await late.until(3);
    assert.equal(last[2]?.retain, false, 'what is published while one listens is not marked as retained');
    const later = await mosquittoSub(t, { port, topics: ['state/#'] });
    await mosquittoPub({ port, topic: 'state/end', payload: 'end', qos: 1 });
    assert.deepEqual(
      (await later.until(2)).map(({ topic }) => topic),
      ['state/b', 'state/end'],
    );
  });

  it('The will of a client that is killed is published, that of one that leaves is not', async (t) => {
    const { mqttPort: port, webSocketPort } = await runningGateway(t);
    const panel = await mosquittoSub(t, { port, topics: ['will/#', 'end'], qos: 1 });
    const will = (name: string) => ({ topic: `will/${name}`, payload: `${name} is gone`, qos: 1, retain: false }) as const;
    const leaves = await startPaho(t, { port, id: 'leaves', will: will('leaves') });
    const killed = await startPaho(t, { port, id: 'killed', will: will('killed') });
    const browser = await startPaho(t, { port: webSocketPort, transport: 'websockets', id: 'browser', will: will('browser') });
    const tool = await mosquittoSub(t, {
      port,
      topics: ['x'],
      args: ['--will-topic', 'will/tool', '--will-payload', 'tool is gone', '--will-qos', '1'],
    });
    await leaves.disconnect();
    await killed.kill();
    await panel.until(1, { topic: 'will/killed' });
    await browser.kill();
    await panel.until(1, { topic: 'will/browser' });
    await tool.kill();
    await panel.until(1, { topic: 'will/tool' });
    await mosquittoPub({ port, topic: 'end', payload: '', qos: 1 });
    await panel.until(1, { topic: 'end' });
    assert.deepEqual(
      panel.messages.map(({ topic, payload }) => `${topic} ${payload}`),
      ['will/killed killed is gone', 'will/browser browser is gone', 'will/tool tool is gone', 'end '],
    );
  });

  for (const [how, end] of [
    ['is stopped', (gateway: GatewayProcess) => gateway.terminate()],
    ['is killed', (gateway: GatewayProcess) => gateway.kill()],
  ] as const) {
    it(`The session of paho outlives a gateway that ${how}, with what was queued and what it subscribed to`, async (t) => {
      const gateway = await runningGateway(t);
      const first = await startPaho(t, { port: gateway.mqttPort, id: 'keeper', clean: false, topics: ['orders/#'], qos: 2 });
      await first.disconnect();
      for (const qos of QOS) await mosquittoPub({ port: gateway.mqttPort, topic: 'orders/before', payload: `${qos}`, qos });
      await end(gateway);
      await gateway.start();
      await mosquittoPub({ port: gateway.mqttPort, topic: 'orders/after', payload: '1', qos: 1 });
      // It does not subscribe again: the session has the subscription.
      const again = await startPaho(t, { port: gateway.mqttPort, id: 'keeper', clean: false });
      assert.equal(again.connections[0]?.sessionPresent, true);
      await mosquittoPub({ port: gateway.mqttPort, topic: 'orders/end', payload: '', qos: 1 });
      // QoS 0 is not kept for whoever is away. paho hands out QoS 2 later than it comes: after the release.
      assert.deepEqual((await again.until(4)).map(({ topic, payload }) => `${topic} ${payload}`).sort(), [
        'orders/after 1',
        'orders/before 1',
        'orders/before 2',
        'orders/end ',
      ]);
    });
  }

  it('paho, connected all the while, is back after a restart by itself and its publications are acknowledged', async (t) => {
    const gateway = await runningGateway(t);
    const paho = await startPaho(t, { port: gateway.mqttPort, id: 'stays', clean: false, topics: ['a/#'] });
    await gateway.kill();
    const tags = [1, 2, 3].map((number) => paho.send('a/b', `${number}`));
    await gateway.start();
    await waitFor(() => tags.every((tag) => paho.acknowledged.has(tag)), { message: 'its publications to be acknowledged' });
    await paho.until(3);
    assert.equal(paho.connections.at(-1)?.sessionPresent, true);
  });

  it('Clients of every version hear one another', async (t) => {
    const { mqttPort: port, webSocketPort } = await runningGateway(t);
    const old = await mosquittoSub(t, { port, protocol: 'mqttv31', topics: ['all'], qos: 1 });
    const new5 = await mosquittoSub(t, { port, protocol: 'mqttv5', topics: ['all'], qos: 1 });
    const browser = await startPaho(t, { port: webSocketPort, transport: 'websockets', topics: ['all'] });
    await mosquittoPub({ port, protocol: 'mqttv5', topic: 'all', payload: 'from 5', qos: 1 });
    await mosquittoPub({ port, protocol: 'mqttv31', topic: 'all', payload: 'from 3.1', qos: 1 });
    await browser.publish('all', 'from the browser');
    const expected = ['from 5', 'from 3.1', 'from the browser'];
    for (const sub of [old, new5]) {
      assert.deepEqual(
        (await sub.until(3)).map(({ payload }) => payload),
        expected,
      );
    }
    assert.deepEqual(
      (await browser.until(3)).map(({ payload }) => payload.toString()),
      expected,
    );
  });
});
