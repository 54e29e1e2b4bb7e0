import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Broker } from '../../src/broker/broker.js';
import { MAX_PREVIEW, type TracedPacket, type TraceRequest } from '../../src/broker/trace.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

function follow(broker: Broker, request: Partial<TraceRequest>) {
  const packets: TracedPacket[] = [];
  const seen = { packets, leftOut: 0, ended: null as string | null, stop: () => {} };
  seen.stop = broker.tracing.start(
    { payload: 0, ...request },
    {
      packet: (packet) => packets.push(packet),
      leftOut: (count) => {
        seen.leftOut += count;
      },
      ended: (reason) => {
        seen.ended = reason;
      },
    },
  );
  return seen;
}

const types = (packets: TracedPacket[]): string[] => packets.map(({ direction, type }) => `${direction} ${type}`);

test('does a trace of a client show all its packets, from CONNECT to the end, and nobody else’s?', async (t) => {
  const { port, broker } = await startBroker(t);
  const trace = follow(broker, { client: 'c' });
  const other = await RawClient.open(port, { clientId: 'other' });
  await other.publish('elsewhere', 'x', { qos: 1 });
  const client = await RawClient.open(port, { clientId: 'c', version: 5 });
  await client.subscribe(['t', 'u/#'], 1);
  await client.publish('t', 'hello', { qos: 1, properties: { contentType: 'text/plain', userProperties: [['key', 'secret']] } });
  await client.nextMessage();
  await client.ping();
  await client.close();
  await waitFor(() => trace.packets.at(-1)?.type === 'closed');
  assert.deepEqual(types(trace.packets), [
    'in connect',
    'out connack',
    'in subscribe',
    'out suback',
    'in publish',
    'out publish',
    'out puback',
    'in puback',
    'in pingreq',
    'out pingresp',
    'in disconnect',
    'out closed',
  ]);
  const published = trace.packets[4]!;
  assert.deepEqual(
    { ...published, at: 0, packetId: 0 },
    {
      at: 0,
      direction: 'in',
      client: 'c',
      type: 'publish',
      packetId: 0,
      qos: 1,
      retain: false,
      dup: false,
      topic: 't',
      size: 5,
      properties: ['contentType', 'userProperties'],
    },
  );
  assert.deepEqual(trace.packets[2]!.filters, ['t', 'u/#']);
  assert.deepEqual(trace.packets[3]!.reasonCodes, [1, 1]);
  assert.ok(!JSON.stringify(trace.packets).includes('secret'));
  assert.ok(!JSON.stringify(trace.packets).includes('hello'));
});

test('does a trace of a filter show what concerns it, of all clients, with aliases resolved?', async (t) => {
  const { port, broker } = await startBroker(t);
  const trace = follow(broker, { topic: 'plant/+/temp' });
  const sub = await RawClient.open(port, { clientId: 'sub' });
  await sub.subscribe('plant/#', 0);
  await sub.subscribe('other/#', 0);
  const pub = await RawClient.open(port, { clientId: 'pub', version: 5 });
  await pub.publish('plant/1/temp', 'a', { properties: { topicAlias: 1 } });
  await pub.publish('', 'b', { properties: { topicAlias: 1 } });
  await pub.publish('plant/1/state', 'c');
  await sub.nextMessages(3);
  assert.deepEqual(
    trace.packets.map(({ client, direction, type, topic, filters }) => `${client} ${direction} ${type} ${topic ?? filters?.join()}`),
    [
      'sub in subscribe plant/#',
      'pub in publish plant/1/temp',
      'sub out publish plant/1/temp',
      'pub in publish plant/1/temp',
      'sub out publish plant/1/temp',
    ],
  );
});

test('are payloads shown only when asked for, and then their beginning: as text, or in hex?', async (t) => {
  const { port, broker } = await startBroker(t);
  const trace = follow(broker, { topic: '#', payload: 4 });
  const pub = await RawClient.open(port);
  await pub.publish('t', 'abcdef', { qos: 1 });
  await pub.publish('t', 'abcé', { qos: 1 });
  await pub.publish('t', Buffer.from([0, 1, 2, 255, 4]), { qos: 1 });
  const shown = trace.packets.filter(({ type }) => type === 'publish').map(({ payload, payloadFormat }) => `${payloadFormat} ${payload}`);
  assert.deepEqual(shown, ['text abcd', 'text abc', 'hex 000102ff']);
  assert.throws(() => follow(broker, { topic: '#', payload: MAX_PREVIEW + 1 }), { code: 'FER_BROKER_TRACE' });
});

test('does a password or what authenticates never appear?', async (t) => {
  const { port, broker } = await startBroker(t);
  const trace = follow(broker, { client: 'c', payload: MAX_PREVIEW });
  const will = { topic: 'w', payload: Buffer.from('hunter2'), qos: 0 as const, retain: false, properties: null };
  await RawClient.attempt(port, { clientId: 'c', username: 'ada', password: 'hunter2', will });
  const properties = { authenticationMethod: 'PLAIN', authenticationData: Buffer.from('hunter2') };
  await RawClient.attempt(port, { clientId: 'c', version: 5, username: 'ada', password: 'hunter2', properties });
  const text = JSON.stringify(trace.packets);
  assert.ok(text.includes('ada') && text.includes('authenticationData'), text);
  assert.ok(!text.includes('hunter2') && !text.includes(Buffer.from('hunter2').toString('hex')), text);
});

test('is what comes too fast left out and counted, and the trace over after ten minutes?', async (t) => {
  const clock = new ManualClock();
  const { port, broker } = await startBroker(t, { clock });
  const trace = follow(broker, { topic: 'flood' });
  const pub = await RawClient.open(port);
  for (let i = 0; i < 999; i++) await pub.publish('flood', 'x');
  await pub.publish('flood', 'x', { qos: 1 });
  assert.equal(trace.packets.length, 200);
  clock.advance(1000);
  assert.equal(trace.leftOut, 800);
  await pub.publish('flood', 'x', { qos: 1 });
  assert.equal(trace.packets.length, 201);
  assert.equal(trace.ended, null);
  clock.advance(10 * 60_000);
  assert.equal(trace.ended, 'time is over');
  assert.equal(broker.tracer, null);
});

test('may only a few traces run at once, and does nothing trace when the last has ended?', async (t) => {
  const { broker } = await startBroker(t);
  assert.equal(broker.tracer, null);
  const traces = [1, 2, 3, 4].map((n) => follow(broker, { client: `c${n}` }));
  assert.throws(() => follow(broker, { client: 'c5' }), { code: 'FER_BROKER_TRACE' });
  traces[0]!.stop();
  traces.push(follow(broker, { client: 'c5' }));
  for (const trace of traces) trace.stop();
  assert.equal(broker.tracer, null);
  for (const request of [{}, { client: 'c', topic: 't' }, { topic: 'a#' }]) {
    assert.throws(() => follow(broker, request), { code: 'FER_BROKER_TRACE' });
  }
});
