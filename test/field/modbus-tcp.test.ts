import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PymodbusServer } from '../peers/modbus.js';
import { freePort } from '../support/free-port.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { Messages, startField } from './support.js';

const SCAN = 200;
const TIMEOUT = 300;

function plant(ports: number[], tag: Record<string, unknown> = {}) {
  return {
    buses: ports.map((port, index) => ({ name: `bus${index}`, type: 'modbus_tcp', host: '127.0.0.1', port, timeout: `${TIMEOUT}ms` })),
    devices: ports.map((_, index) => ({
      name: `d${index}`,
      bus: `bus${index}`,
      scan: { fast: `${SCAN}ms` },
      tags: [{ name: 'temp', area: 'holding', address: 0, type: 'int16', scale: 0.1, access: 'read_write', ...tag }],
    })),
  };
}

describe('Modbus TCP devices, with pymodbus servers', { skip: needs('python3-pymodbus') }, () => {
  test('a value becomes a topic, with its source time', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    await server.set(1, 'holding', 0, 215);
    const before = Date.now();
    const { messages } = await startField(t, plant([server.port]));
    const value = await messages.until('field/d0/temp', ({ q }) => q === 'good');
    assert.equal(value.v, 21.5);
    assert.ok(Number(value.ts) >= before && Number(value.ts) <= Date.now());
    const message = messages.on('field/d0/temp').at(-1);
    assert.deepEqual([message?.qos, message?.retain], [1, true]);
    await messages.until('field/d0/$state', ({ state }) => state === 'online');
  });

  test('only changes are published', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    await server.set(1, 'holding', 0, 215);
    const { field, messages } = await startField(t, plant([server.port], { deadband: 0.5 }));
    await messages.until('field/d0/temp', ({ v, q }) => v === 21.5 && q === 'good');
    await server.set(1, 'holding', 0, 219);
    await waitFor(() => field.device('d0')?.tags[0]?.value === 21.9);
    await server.set(1, 'holding', 0, 220);
    await messages.until('field/d0/temp', ({ v }) => v === 22);
    assert.deepEqual(
      messages.json('field/d0/temp').map(({ v, q }) => [v, q]),
      [
        [null, 'bad'],
        [21.5, 'good'],
        [22, 'good'],
      ],
    );
  });

  test('a server that ends: its tags are bad at once with their last value and time, the other device is unharmed, and all is well when it returns', async (t) => {
    const port = await freePort();
    const [dying, healthy] = await Promise.all([PymodbusServer.start(t, port), PymodbusServer.start(t, 0)]);
    await dying.set(1, 'holding', 0, 100);
    const { field, messages } = await startField(t, plant([port, healthy.port]));
    await messages.until('field/d0/temp', ({ q }) => q === 'good');
    await messages.until('field/d1/temp', ({ q }) => q === 'good');
    const lastRead = field.device('d0')!.tags[0]!.ts!;
    await dying.process.kill();
    const bad = await messages.until('field/d0/temp', ({ q }) => q === 'bad', SCAN + TIMEOUT);
    assert.deepEqual([bad.v, bad.reason], [10, 'bus_down']);
    assert.ok(Number(bad.ts) >= lastRead - SCAN && Number(bad.ts) <= Date.now());
    assert.equal(messages.retained.get('field/d0/temp')?.payload.toString(), JSON.stringify(bad));
    assert.equal((await messages.until('field/d0/$state', ({ state }) => state === 'offline')).state, 'offline');
    await healthy.set(1, 'holding', 0, 7);
    await messages.until('field/d1/temp', ({ v }) => v === 0.7, SCAN + TIMEOUT);
    assert.equal(field.device('d1')?.state, 'online');
    assert.equal(field.device('d1')?.scans[0]?.overruns, 0);

    const again = await PymodbusServer.start(t, port);
    await again.set(1, 'holding', 0, 333);
    await messages.until('field/d0/temp', ({ v, q }) => v === 33.3 && q === 'good', 15_000);
    await messages.until('field/d0/$state', ({ state }) => state === 'online');
  });

  test('a server that freezes: its tags are bad within one scan and the timeout', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const { field, messages } = await startField(t, plant([server.port]));
    await messages.until('field/d0/temp', ({ q }) => q === 'good');
    server.process.signal('SIGSTOP');
    const frozenAt = performance.now();
    const bad = await messages.until('field/d0/temp', ({ q }) => q === 'bad');
    // The last word is for a machine that is busy with other tests.
    assert.ok(performance.now() - frozenAt < SCAN + TIMEOUT + 250, `${performance.now() - frozenAt} ms`);
    assert.equal(bad.reason, 'timeout');
    assert.equal(field.device('d0')?.state, 'offline');
    server.process.signal('SIGCONT');
    await messages.until('field/d0/temp', ({ q }) => q === 'good', 15_000);
  });

  test('a write through the set topic reaches the device and is answered, also on the response topic', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const { messages } = await startField(t, plant([server.port], { write: { read_back: true, max: 100 } }));
    await messages.until('field/d0/temp', ({ q }) => q === 'good');
    const properties = { responseTopic: 'me/answers', correlationData: Buffer.from('c1') };
    messages.send('field/d0/temp/set', '{"v": 21.5, "id": "a"}', { properties });
    const result = await messages.until('field/d0/temp/set/result', () => true);
    assert.deepEqual(result, { ok: true, v: 21.5, id: 'a' });
    assert.deepEqual(await server.get(1, 'holding', 0, 1), [215]);
    assert.deepEqual(messages.last('me/answers'), result);
    assert.equal(messages.on('me/answers')[0]?.properties?.correlationData?.toString(), 'c1');
    await messages.until('field/d0/temp', ({ v }) => v === 21.5);

    messages.send('field/d0/temp/set', '101');
    const refused = await messages.until('field/d0/temp/set/result', ({ ok }) => ok === false);
    assert.equal(refused.code, 'FER_FIELD_BAD_VALUE');
    assert.deepEqual(await server.get(1, 'holding', 0, 1), [215]);
  });

  test('a retained message on a set topic is not carried out', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const messages = new Messages();
    messages.send('field/d0/temp/set', '50', { retain: true });
    await startField(t, plant([server.port]), messages);
    await messages.until('field/d0/temp/set/result', ({ ok }) => ok === false);
    await messages.until('field/d0/temp', ({ q }) => q === 'good');
    assert.deepEqual(await server.get(1, 'holding', 0, 1), [0]);
  });

  test('a bit is written without touching the other bits of its register', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    await server.set(1, 'holding', 9, 0xa5a0);
    const { field, messages } = await startField(t, plant([server.port], { address: 9, type: 'bool', bit: 3, scale: 1 }));
    await messages.until('field/d0/temp', ({ q }) => q === 'good');
    assert.deepEqual(await field.write('d0', 'temp', true), { value: true });
    assert.deepEqual(await server.get(1, 'holding', 9, 1), [0xa5a8]);
  });

  test('a coil and a 64-bit integer are written exactly', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const config = plant([server.port]);
    const tags: Record<string, unknown>[] = [
      { name: 'run', area: 'coil', address: 4, access: 'read_write' },
      { name: 'count', area: 'holding', address: 20, type: 'uint64', access: 'read_write', write: { read_back: true } },
    ];
    const { field, messages } = await startField(t, { ...config, devices: [{ ...config.devices[0], tags }] });
    await messages.until('field/d0/run', ({ q }) => q === 'good');
    await field.write('d0', 'run', true);
    assert.deepEqual(await server.get(1, 'coil', 4, 1), [1]);
    assert.deepEqual(await field.write('d0', 'count', '18446744073709551615'), { value: '18446744073709551615' });
    assert.deepEqual(await server.get(1, 'holding', 20, 4), [0xffff, 0xffff, 0xffff, 0xffff]);
  });

  test('an address that the device does not have makes only its own tag bad', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const config = plant([server.port]);
    const tags = [0, 1, 2, 3, 1999, 2001].map((address) => ({ name: `r${address}`, area: 'holding', address }));
    const { field, messages } = await startField(t, { ...config, devices: [{ ...config.devices[0], tags }] });
    await messages.until('field/d0/r2001', ({ reason }) => reason === 'exception:2');
    await waitFor(() => field.device('d0')?.tags.filter(({ quality }) => quality === 'good').length === 5);
    assert.equal(field.device('d0')?.state, 'degraded');
  });

  test('after a restart the value of before is stale, with its own time, until it is read again', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    await server.set(1, 'holding', 0, 215);
    const first = await startField(t, plant([server.port]));
    const before = await first.messages.until('field/d0/temp', ({ q }) => q === 'good');
    await first.field.stop();
    const stopped = first.messages.last('field/d0/temp');
    assert.deepEqual([stopped?.v, stopped?.ts, stopped?.q, stopped?.reason].slice(0, 1), [21.5]);
    assert.deepEqual([stopped?.q, stopped?.reason], ['stale', 'stopped']);
    assert.ok(Number(stopped?.ts) >= Number(before.ts));

    const messages = new Messages();
    for (const message of first.messages.retained.values()) messages.publish(message);
    // As a kill would have left it.
    messages.send('field/d0/temp', JSON.stringify(before), { retain: true });
    messages.all.length = 0;
    await startField(t, plant([server.port]), messages);
    assert.deepEqual(messages.json('field/d0/temp')[0], { v: 21.5, ts: before.ts, q: 'stale', reason: 'not_read_yet' });
    await messages.until('field/d0/temp', ({ q, ts }) => q === 'good' && Number(ts) > Number(before.ts));
  });

  test('another configuration restarts only what differs and clears what is gone', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const { field, messages } = await startField(t, plant([server.port, server.port]));
    const { fieldConfig } = await import('./support.js');
    await messages.until('field/d1/temp', ({ q }) => q === 'good');
    await messages.until('field/d0/temp', ({ q }) => q === 'good');
    const before = messages.on('field/d0/temp').length;
    await field.reconfigure(await fieldConfig(plant([server.port])));
    assert.deepEqual(
      field.devices().map(({ name }) => name),
      ['d0'],
    );
    assert.equal(messages.retained.has('field/d1/temp'), false);
    assert.equal(messages.retained.has('field/d1/$state'), false);
    assert.equal(messages.on('field/d0/temp').length, before, 'the device that stayed was not restarted');
    await server.set(1, 'holding', 0, 5);
    await messages.until('field/d0/temp', ({ v }) => v === 0.5);
  });
});
