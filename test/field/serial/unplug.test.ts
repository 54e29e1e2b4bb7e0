import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { ScriptedInstrument } from '../../peers/instrument.js';
import { SerialPair } from '../../peers/socat.js';
import { needs } from '../../support/needs.js';
import { startProcess } from '../../support/process.js';
import { tempDir } from '../../support/temp-dir.js';
import { waitFor } from '../../support/wait-for.js';
import { startField } from '../support.js';

const bus = (port: string) => ({ buses: [{ name: 'line', type: 'serial', port, baud: 9600 }] });
const device = (more: object) => ({ devices: [{ name: 'd', bus: 'line', ...more }] });
const TEXT = { decode: { type: 'text', fields: [{ name: 'm' }] } };

/** Holds a device file open, with the lock that programs put on ports or without. */
const HOLD = `
import fcntl, os, sys, time
port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
if sys.argv[2] == "lock": fcntl.flock(port, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
`;

describe('ports that come and go, over socat pairs', { skip: needs('socat') }, () => {
  test('an adapter that returns under another number is taken up again behind its name', async (t) => {
    const cable = await SerialPair.open(t);
    const { field, messages } = await startField(t, { ...bus(cable.ours), ...device(TEXT) });
    await waitFor(() => field.buses()[0]?.state === 'running');
    const before = await readlink(cable.ours);
    const pulledAt = performance.now();
    await cable.unplug();
    await messages.until('field/d/m', ({ reason }) => reason === 'bus_down');
    assert.ok(performance.now() - pulledAt < 2000, 'noticed at once, without a write');
    await waitFor(() => /there is no .*: is the adapter plugged in/.test(field.buses()[0]?.lastError ?? ''));
    // Others take the number that has become free.
    while (!existsSync(before)) await SerialPair.open(t);
    await cable.plug();
    assert.notEqual(await readlink(cable.ours), before);
    await waitFor(() => field.buses()[0]?.state === 'running');
    const instrument = await ScriptedInstrument.start(t, cable.theirs);
    await waitFor(
      async () => {
        await instrument.send('7\n');
        return messages.last('field/d/m')?.v === 7;
      },
      { interval: 50 },
    );
  });

  test('what a poll wanted to send while the adapter was gone is never sent', async (t) => {
    const cable = await SerialPair.open(t);
    const request = { poll: 'Q', every: '50ms', timeout: '20ms' };
    const { field } = await startField(t, { ...bus(cable.ours), ...device({ request, ...TEXT }) });
    await waitFor(() => (field.device('d')?.counters.requests ?? 0) > 2);
    await cable.unplug();
    await waitFor(() => field.buses()[0]?.state === 'degraded');
    const asked = field.device('d')?.counters.requests ?? 0;
    await waitFor(() => /there is no/.test(field.buses()[0]?.lastError ?? ''));
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(field.device('d')?.counters.requests, asked);
  });

  test('a port that another program locked is not opened, and the program is named', async (t) => {
    const cable = await SerialPair.open(t);
    const holder = await startProcess('/usr/bin/python3', ['-u', '-c', HOLD, cable.ours, 'lock'], { ready: /held/ });
    t.after(() => holder.kill());
    const { field } = await startField(t, { ...bus(cable.ours), ...device(TEXT) });
    const error = await waitFor(() => field.buses()[0]?.lastError);
    assert.match(error, new RegExp(`is used by python3 \\(pid ${holder.pid}\\)`));
    await holder.kill();
    await waitFor(() => field.buses()[0]?.state === 'running');
  });

  test('a port that another program reads without a lock is not opened either: both would lose bytes', async (t) => {
    const cable = await SerialPair.open(t);
    const holder = await startProcess('/usr/bin/python3', ['-u', '-c', HOLD, cable.ours, 'none'], { ready: /held/ });
    t.after(() => holder.kill());
    const { field } = await startField(t, { ...bus(cable.ours), ...device(TEXT) });
    const error = await waitFor(() => field.buses()[0]?.lastError);
    assert.match(error, new RegExp(`is used by python3 \\(pid ${holder.pid}\\)`));
  });

  test('two buses under two names of one port: the second says so', async (t) => {
    const cable = await SerialPair.open(t);
    const buses = [cable.ours, await readlink(cable.ours)].map((port, index) => ({ name: `b${index}`, type: 'serial', port }));
    const { field } = await startField(t, { buses, devices: [] });
    const error = await waitFor(() => field.buses().find(({ lastError }) => lastError !== null)?.lastError);
    assert.match(error, /is used by another bus or tool of this gateway/);
    assert.equal(field.buses().filter(({ state }) => state === 'running').length, 1);
  });

  test('what is no port, a folder and a missing file are told apart', async (t) => {
    const folder = await tempDir(t);
    await writeFile(join(folder, 'file'), '');
    await mkdir(join(folder, 'folder'));
    const buses = ['file', 'folder', 'nothing'].map((name) => ({ name, type: 'serial', port: join(folder, name) }));
    const { field } = await startField(t, { buses, devices: [] });
    const error = (name: string) => waitFor(() => field.buses().find((each) => each.name === name)?.lastError);
    assert.match(await error('file'), /is no serial port/);
    assert.match(await error('folder'), /is no serial port/);
    assert.match(await error('nothing'), /there is no .*nothing/);
  });

  test('bytes that arrive with a wrong parity or stop bit are not left out of a line', async (t) => {
    const cable = await SerialPair.open(t);
    const { field } = await startField(t, { ...bus(cable.ours), ...device(TEXT) });
    await waitFor(() => field.buses()[0]?.state === 'running');
    const { stdout } = await promisify(execFile)('stty', ['-a', '-F', cable.ours]);
    for (const flag of ['-ignpar', 'inpck', '-parmrk', '-istrip', '-icanon', '-echo', '-ixon', '-icrnl', '-opost']) {
      assert.match(stdout, new RegExp(`(^|\\s)${flag}[;\\s]`), flag);
    }
  });
});

describe('raw mode, over a socat pair', { skip: needs('socat') }, () => {
  const raw = (more: object = {}) => device({ decode: { type: 'raw', tx: 'field/{device}/tx', ...more } });
  const payloads = (messages: { on(topic: string): { payload: Buffer }[] }, topic: string) =>
    messages.on(topic).map(({ payload }) => payload);

  test('bytes go both ways, any of the 256', async (t) => {
    const cable = await SerialPair.open(t);
    const instrument = await ScriptedInstrument.start(t, cable.theirs);
    const { field, messages } = await startField(t, { ...bus(cable.ours), ...raw() });
    await waitFor(() => field.buses()[0]?.state === 'running');
    const all = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    await instrument.answer(all, Buffer.from(all).reverse());
    messages.publish({ topic: 'field/d/tx', payload: all, qos: 1, retain: false, properties: null });
    await waitFor(() => Buffer.concat(payloads(messages, 'field/d/rx')).length === 256);
    assert.deepEqual(messages.last('field/d/tx/result'), { ok: true, bytes: 256 });
    assert.equal(
      messages.on('field/d/rx').some(({ retain }) => retain),
      false,
    );
    assert.equal(field.device('d')?.state, 'online');
  });

  test('a message is what comes between two pauses, and is never longer than its maximum', async (t) => {
    const cable = await SerialPair.open(t);
    const instrument = await ScriptedInstrument.start(t, cable.theirs);
    const { field, messages } = await startField(t, {
      ...bus(cable.ours),
      ...device({ frame: { type: 'stream', gap: '300ms', max: 8 }, decode: { type: 'raw', payload: 'hex' } }),
    });
    await waitFor(() => field.buses()[0]?.state === 'running');
    await instrument.slow('abcdefghij');
    await waitFor(() => messages.on('field/d/rx').length === 2);
    assert.deepEqual(payloads(messages, 'field/d/rx').map(String), ['6162636465666768', '696a']);
  });

  test('what is too long, retained, not hexadecimal, or has no port is refused in words, and never sent later', async (t) => {
    const cable = await SerialPair.open(t);
    const { field, messages } = await startField(t, { ...bus(cable.ours), ...raw({ payload: 'hex', max_send: 4 }) });
    await waitFor(() => field.buses()[0]?.state === 'running');
    const refused = async (payload: string, error: RegExp, more: object = {}) => {
      const count = messages.on('field/d/tx/result').length;
      messages.send('field/d/tx', payload, more);
      await waitFor(() => messages.on('field/d/tx/result').length > count);
      assert.match(String(messages.last('field/d/tx/result')?.error), error);
    };
    await refused('0102030405', /5 bytes are more than max_send \(4\)/);
    await refused('01', /Retained messages are not sent/, { retain: true });
    await refused('0g', /not hexadecimal/);
    await cable.unplug();
    await waitFor(() => field.buses()[0]?.state === 'degraded');
    await refused('41', /will not be later/);
    await cable.plug();
    const instrument = await ScriptedInstrument.start(t, cable.theirs);
    await instrument.answer('A', 'was sent');
    await instrument.answer('B', 'heard');
    await waitFor(() => field.buses()[0]?.state === 'running');
    messages.send('field/d/tx', '42');
    await waitFor(() => messages.on('field/d/rx').length > 0);
    assert.equal(Buffer.from(String(messages.on('field/d/rx')[0]?.payload), 'hex').toString(), 'heard');
    assert.equal(field.device('d')?.counters.exceptions, 4);
  });

  test('the answer goes to the response topic of MQTT 5 as well', async (t) => {
    const cable = await SerialPair.open(t);
    const { field, messages } = await startField(t, { ...bus(cable.ours), ...raw() });
    await waitFor(() => field.buses()[0]?.state === 'running');
    messages.send('field/d/tx', 'x', { properties: { responseTopic: 'me/answers' } });
    await waitFor(() => messages.on('me/answers').length === 1);
    assert.deepEqual(messages.last('me/answers'), { ok: true, bytes: 1 });
  });
});
