import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { Connection } from '../../src/field/link/connection.js';
import type { Link } from '../../src/field/link/link.js';
import { ListenOpener } from '../../src/field/link/listen.js';
import { crc16 } from '../../src/field/modbus/crc.js';
import { Loggers, silentLogger } from '../../src/log.js';
import { PymodbusServer } from '../peers/modbus.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { needs } from '../support/needs.js';
import { startProcess } from '../support/process.js';
import { waitFor } from '../support/wait-for.js';
import { fieldConfig, startField } from './support.js';

function plant(type: string, port: number, allow = ['127.0.0.1']) {
  return {
    buses: [{ name: 'modem', type, listen: { host: '127.0.0.1', port, allow }, timeout: '500ms' }],
    devices: [{ name: 'd', bus: 'modem', scan: { fast: '100ms' }, tags: [{ name: 'x', area: 'holding', address: 3 }] }],
  };
}

/** A modem that dials in from an address of the loopback net; the device behind it answers every read with one value. */
async function dialIn(t: TestContext, port: number, value: number | null, from = '127.0.0.1'): Promise<Socket> {
  const socket = await connectWhenListening(t, port, from);
  socket.on('data', (request: Buffer) => {
    if (value === null) return;
    const count = request.readUInt16BE(4);
    const answer = Buffer.alloc(5 + count * 2);
    answer.set([request[0]!, 3, count * 2]);
    for (let at = 0; at < count; at++) answer.writeUInt16BE(value, 3 + at * 2);
    answer.writeUInt16LE(crc16(answer, 0, answer.length - 2), answer.length - 2);
    socket.write(answer);
  });
  return socket;
}

describe('a bus that is dialled in to', () => {
  test('reads a pymodbus server behind a modem, also when that dials in again', { skip: needs('socat', 'python3-pymodbus') }, async (t) => {
    const port = await freePort();
    const server = await PymodbusServer.start(t, 0, [1], 2000, 'rtu');
    await server.set(1, 'holding', 3, 99);
    const { messages, field } = await startField(t, plant('modbus_rtu_tcp', port));
    const modem = () => startProcess('/usr/bin/socat', [`tcp:127.0.0.1:${port},retry=100,interval=0.05`, `tcp:127.0.0.1:${server.port}`]);
    const first = await modem();
    t.after(() => first.kill());
    await messages.until('field/d/x', ({ v, q }) => v === 99 && q === 'good');
    assert.match(field.buses()[0]!.endpoint, /^127\.0\.0\.1 on 127\.0\.0\.1:/);
    await first.kill();
    await messages.until('field/d/x', ({ reason }) => reason === 'bus_down');
    const second = await modem();
    t.after(() => second.kill());
    await messages.until('field/d/x', ({ v, q }) => v === 99 && q === 'good');
  });

  test('reads Modbus TCP the same way', { skip: needs('socat', 'python3-pymodbus') }, async (t) => {
    const port = await freePort();
    const server = await PymodbusServer.start(t, 0);
    await server.set(1, 'holding', 3, 98);
    const { messages } = await startField(t, plant('modbus_tcp', port));
    const modem = await startProcess('/usr/bin/socat', [`tcp:127.0.0.1:${port},retry=100,interval=0.05`, `tcp:127.0.0.1:${server.port}`]);
    t.after(() => modem.kill());
    await messages.until('field/d/x', ({ v, q }) => v === 98 && q === 'good');
  });

  test('nobody has dialled in: the tags are bad, and the port is free again after a stop', async (t) => {
    const port = await freePort();
    const { field, messages } = await startField(t, plant('modbus_rtu_tcp', port));
    await messages.until('field/d/x', ({ reason }) => reason === 'bus_down');
    await field.stop();
    await startField(t, plant('modbus_rtu_tcp', port));
  });

  test('an address that is not among those that may connect is turned away', async (t) => {
    const port = await freePort();
    const { messages } = await startField(t, plant('modbus_rtu_tcp', port, ['127.0.7.0/24']));
    const stranger = await dialIn(t, port, 13);
    await waitFor(() => stranger.closed);
    await dialIn(t, port, 42, '127.0.7.9');
    await messages.until('field/d/x', ({ v, q }) => v === 42 && q === 'good');
    assert.ok(messages.json('field/d/x').every(({ v }) => v !== 13));
  });

  test('the same modem that comes again takes the place of its dead connection', async (t) => {
    const port = await freePort();
    const { messages } = await startField(t, plant('modbus_rtu_tcp', port));
    const dead = await dialIn(t, port, null);
    await dialIn(t, port, 7);
    await messages.until('field/d/x', ({ v, q }) => v === 7 && q === 'good');
    await waitFor(() => dead.closed);
  });

  test('another modem does not push out one that works', async (t) => {
    const port = await freePort();
    const { messages } = await startField(t, plant('modbus_rtu_tcp', port, ['127.0.0.0/8']));
    const working = await dialIn(t, port, 7);
    await messages.until('field/d/x', ({ v, q }) => v === 7 && q === 'good');
    await dialIn(t, port, 8, '127.0.0.2');
    const before = messages.all.length;
    await new Promise((done) => setTimeout(done, 300));
    assert.equal(working.closed, false);
    assert.ok(messages.all.slice(before).every(({ payload }) => JSON.parse(payload.toString()).v !== 8));
    // It waits, and is taken when the other one goes.
    working.destroy();
    await messages.until('field/d/x', ({ v, q }) => v === 8 && q === 'good');
  });

  test('another modem takes the place of one from which nothing has come for long', async (t) => {
    const clock = new ManualClock();
    const opener = new ListenOpener({ host: '127.0.0.1', port: await freePort(), allow: ['127.0.0.0/8'] }, clock, silentLogger);
    t.after(() => opener.close());
    const port = Number(opener.endpoint.split(':').pop());
    let lost = '';
    const open = (): Promise<Link> =>
      opener.open({ data: () => {}, closed: (error) => (lost = error.message) }, new AbortController().signal);
    const first = open();
    const old = connectWhenListening(t, port, '127.0.0.1');
    await first;
    await old;
    clock.advance(31_000);
    await connectWhenListening(t, port, '127.0.0.2');
    await waitFor(() => lost);
    assert.match(lost, /127\.0\.0\.2 connected, and nothing has come from 127\.0\.0\.1/);
    await open();
    assert.match(opener.endpoint, /^127\.0\.0\.2 on/);
  });

  test('a modem that dials in while nobody is connected is not sent away, however long the bus takes', async (t) => {
    const clock = new ManualClock();
    const logged: string[] = [];
    const log = new Loggers({ level: 'info' }, { write: (line) => void logged.push(line) }).for('field');
    const opener = new ListenOpener({ host: '127.0.0.1', port: await freePort(), allow: ['127.0.0.1'] }, clock, log);
    t.after(() => opener.close());
    const port = Number(opener.endpoint.split(':').pop());
    const open = () => opener.open({ data: () => {}, closed: () => {} }, new AbortController().signal);
    const first = open();
    await connectWhenListening(t, port, '127.0.0.1');
    const link = await first;
    // It waits behind the first one, which goes.
    const second = await connectWhenListening(t, port, '127.0.0.1');
    await new Promise((done) => setTimeout(done, 50));
    await link.close();
    clock.advance(60_000);
    const taken = await open();
    taken.write(Buffer.from('x'));
    await once(second, 'data', { signal: AbortSignal.timeout(5000) });
    assert.deepEqual(logged, []);
  });

  test('a modem is taken within about a second, however often the one before broke off', async (t) => {
    const clock = new ManualClock();
    const opener = new ListenOpener({ host: '127.0.0.1', port: await freePort(), allow: ['127.0.0.1'] }, clock, silentLogger);
    const port = Number(opener.endpoint.split(':').pop());
    let ups = 0;
    const handlers = { up: () => void ups++, data: () => {}, lost: () => false, down: () => {} };
    const connection = new Connection(opener, clock, silentLogger, handlers);
    t.after(() => connection.stop());
    connection.start();
    for (let round = 1; round <= 6; round++) {
      const modem = await connectWhenListening(t, port, '127.0.0.1');
      await waitFor(() => ups === round);
      modem.destroy();
      await waitFor(() => connection.state === 'degraded');
      clock.advance(1_000);
    }
  });

  test('a port that is taken is told', async (t) => {
    const port = await freePort();
    await startField(t, plant('modbus_rtu_tcp', port));
    const { field } = await startField(t, plant('modbus_rtu_tcp', port));
    await waitFor(() => field.buses()[0]?.lastError);
    assert.match(field.buses()[0]!.lastError!, /EADDRINUSE/);
  });

  for (const [what, bus, says] of [
    ['neither host nor listen', {}, /buses\.0: Bus b has no host/],
    ['both', { host: 'h', listen: { port: 1, allow: ['10.0.0.1'] } }, /buses\.0\.host: Bus b listens/],
    ['a backup', { backup: { host: 'h' }, listen: { port: 1, allow: ['10.0.0.1'] } }, /buses\.0\.backup: Bus b listens/],
    ['nobody who may connect', { listen: { port: 1, allow: [] } }, /listen/],
    ['a range that is none', { listen: { port: 1, allow: ['10.0.0.0/33'] } }, /buses\.0\.listen\.allow\.0: "10\.0\.0\.0\/33" is neither/],
  ] as const) {
    test(`a bus with ${what} is refused`, async () => {
      await assert.rejects(fieldConfig({ buses: [{ name: 'b', type: 'modbus_rtu_tcp', ...bus }] }), says);
    });
  }

  test('two buses on one port are refused', async () => {
    const buses = ['a', 'b'].map((name) => ({ name, type: 'modbus_tcp', listen: { port: 5020, allow: ['10.0.0.1'] } }));
    await assert.rejects(fieldConfig({ buses }), /buses\.1\.listen\.port: Bus a listens on port 5020 already/);
  });
});

async function connectWhenListening(t: TestContext, port: number, from: string): Promise<Socket> {
  return waitFor(async () => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: from });
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    const [name] = await Promise.race([once(socket, 'connect').then(() => ['connect']), once(socket, 'close').then(() => ['close'])]);
    return name === 'connect' ? socket : null;
  });
}
