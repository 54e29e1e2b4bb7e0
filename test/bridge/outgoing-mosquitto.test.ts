import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMosquitto } from '../peers/mosquitto.js';
import { mosquittoSub } from '../peers/mosquitto-clients.js';
import { waitFor } from '../support/wait-for.js';
import { assertGapless, config, message, sequence, startBridges } from './support.js';

const OUT = [{ topic: 'field/#', to: 'plants/{gateway}/{topic}', qos: 1 as const }];

for (const version of [4, 5] as const) {
  test(`MQTT ${version === 5 ? '5.0' : '3.1.1'}: messages arrive upstream in order, mapped, and leave the spool`, async (t) => {
    const mosquitto = await startMosquitto(t);
    const sub = await mosquittoSub(t, { port: mosquitto.port, topics: ['plants/#'], qos: 1 });
    const gateway = await startBridges(t, [config({ urls: [mosquitto.url], version, out: OUT })]);
    for (const one of sequence(300, ['field/a/v', 'field/b/v'])) gateway.spool().take(one);
    const received = await sub.until(300);
    assertGapless(received, ['plants/press-hall-2/field/a/v', 'plants/press-hall-2/field/b/v'], 150);
    await gateway.drained();
    const { ledger, state, lastError } = gateway.status();
    assert.deepEqual([ledger.accepted, ledger.delivered, ledger.difference, state, lastError], [300, 300, 0, 'running', null]);
  });
}

test('An upstream that stops and returns: nothing is lost, and the order per topic holds', async (t) => {
  const mosquitto = await startMosquitto(t, { persistence: true });
  const listen = { port: mosquitto.port, topics: ['up/#'], qos: 1 as const, id: 'cloud-team', clean: false };
  const before = await mosquittoSub(t, listen);
  const gateway = await startBridges(t, [config({ urls: [mosquitto.url], out: [{ topic: 'f/+', to: 'up/{+1}', qos: 1 }] })]);
  const messages = sequence(900, ['f/a', 'f/b', 'f/c']);
  for (const one of messages.slice(0, 300)) gateway.spool().take(one);
  await before.until(1);
  // Somewhere in the middle of the flow.
  await mosquitto.stop();
  for (const one of messages.slice(300, 600)) gateway.spool().take(one);
  const waiting = await gateway.error('FER_BRIDGE_REFUSED');
  assert.match(waiting, /Nothing listens at mqtt:\/\/127\.0\.0\.1:\d+\. Check host and port/);
  assert.ok(gateway.spool().waiting >= 300);
  await mosquitto.start();
  const after = await mosquittoSub(t, listen);
  for (const one of messages.slice(600)) gateway.spool().take(one);
  await gateway.drained();
  const all = (): { topic: string; payload: string }[] => [...before.messages, ...after.messages];
  await waitFor(() => new Set(all().map(({ topic, payload }) => `${topic} ${payload}`)).size >= 900, {
    message: () => `900 different messages; there are ${all().length}`,
  });
  assertGapless(all(), ['up/a', 'up/b', 'up/c'], 300);
  assert.equal(gateway.status().ledger.difference, 0);
});

test('A frozen upstream is found by the keep-alive, and delivery goes on once it answers again', async (t) => {
  const mosquitto = await startMosquitto(t);
  const gateway = await startBridges(t, [
    config({ urls: [mosquitto.url], keep_alive: 1500, connect_timeout: 1500, out: [{ topic: 'f/#', to: '{topic}', qos: 1 }] }),
  ]);
  await gateway.link('connected');
  mosquitto.freeze();
  t.after(() => mosquitto.thaw());
  const frozenAt = performance.now();
  for (const one of sequence(20, ['f/a'])) gateway.spool().take(one);
  await gateway.error('FER_BRIDGE_KEEP_ALIVE');
  assert.ok(performance.now() - frozenAt < 4000, 'found late');
  assert.equal(gateway.spool().waiting, 20);
  await gateway.error('FER_BRIDGE_TIMEOUT');
  mosquitto.thaw();
  await gateway.drained();
  assert.equal(gateway.status().link, 'connected');
});

test('QoS 2 reaches a QoS 2 subscriber once, and is settled after PUBCOMP', async (t) => {
  const mosquitto = await startMosquitto(t);
  const sub = await mosquittoSub(t, { port: mosquitto.port, topics: ['f/#'], qos: 2 });
  const gateway = await startBridges(t, [config({ urls: [mosquitto.url], out: [{ topic: 'f/#', to: '{topic}', qos: 2 }] })]);
  for (const one of sequence(50, ['f/a'])) gateway.spool().take(one);
  await gateway.drained();
  const received = await sub.until(50);
  assert.deepEqual(
    received.map(({ payload, qos }) => [payload, qos]),
    Array.from({ length: 50 }, (_, index) => [String(index), 2]),
  );
  assert.equal(gateway.spool().releases.length, 50);
});

test('A retained message stays retained upstream, and QoS 0 mappings go live', async (t) => {
  const mosquitto = await startMosquitto(t);
  const gateway = await startBridges(t, [
    config({
      urls: [mosquitto.url],
      out: [
        { topic: 'state/#', to: '{topic}', qos: 1 },
        { topic: 'live/#', to: '{topic}', qos: 0 },
      ],
    }),
  ]);
  await gateway.link('connected');
  gateway.spool().take({ ...message('state/x', 'on'), retain: true });
  await gateway.drained();
  const sub = await mosquittoSub(t, { port: mosquitto.port, topics: ['state/#', 'live/#'], qos: 1 });
  assert.deepEqual(await sub.until(1), [{ topic: 'state/x', payload: 'on', qos: 1, retain: true }]);
  gateway.spool().take(message('live/x', '1', 0));
  const [live] = await sub.until(1, { topic: 'live/x' });
  assert.equal(live?.qos, 0);
  assert.equal(gateway.status().ledger.accepted, 1);
});
